// Cluster: who leads, which controls and agents there are, and the coordinator's tree.

import { every, get, post } from "../api.js";
import { h, put, say } from "../dom.js";
import { count } from "../format.js";
import { fill, texts } from "../i18n.js";
import { ask } from "../parts/dialog.js";
import { problem } from "../parts/problem.js";
import { lock, needs, roleNote } from "../parts/role.js";
import { Agents } from "./cluster/agents.js";
import { summary } from "./cluster/summary.js";
import { tree } from "./cluster/tree.js";

const t = texts({
  title: ["Cluster", "集群"],
  agents: ["Agents", "执行机"],
  stopAll: ["Stop all", "全部停止"],
  nothing: ["Nothing is running.", "当前没有运行中的任务。"],
  one: ["Stop the 1 run that is active?", "停止正在进行的 1 个运行？"],
  many: ["Stop all {n} runs that are active?", "停止正在进行的全部 {n} 个运行？"],
  ends: ["Agents send nothing more within two seconds; every run gets its report.", "执行机将在两秒内停止发送请求；每个运行都会生成报告。"],
  failed: ["{n} could not be stopped: {first}", "{n} 个未能停止：{first}"],
  old: ["The coordinator cannot be reached: who is registered is as it was last.", "无法连接协调服务，注册状态为最近一次的结果。"],
});

const REFRESH_MS = 2000;
const RUNS_MAX = 200;

/** @param {import("../app.js").Context} context */
export function mount(context) {
  const { root, signal, can } = context;
  context.title(t.title);
  let active = 0;
  let hasAnswer = false;
  const stopAll = h("button.stop", { type: "button", id: "stop-all", onclick: () => askToStop(active, load, signal) }, t.stopAll);
  const said = h("div", { id: "cluster-problem" });
  const about = summary();
  const old = h("p.warn", { id: "agents-old", hidden: true }, t.old);
  const agents = new Agents(context, () => load());

  async function load() {
    const [cluster, list, runs] = await Promise.all([get("cluster", signal), get("agents", signal), get(`runs?state=active&limit=${RUNS_MAX}`, signal)]);
    if (signal.aborted) return;
    active = runs.total;
    hasAnswer = true;
    put(said);
    about.set(cluster);
    old.hidden = list.is_current;
    agents.set(list.agents, runs.runs);
    lock(stopAll, can("operator") ? (active === 0 ? t.nothing : "") : needs("operator"));
    say(stopAll, active === 0 ? t.stopAll : `${t.stopAll} (${count(active)})`);
  }

  lock(stopAll, t.nothing);
  put(
    root,
    h("div.page-head", null, h("h1", null, t.title), h("span.grow"), stopAll),
    roleNote(context, "operator", "admin"),
    said,
    about.element,
    h("section", { "aria-labelledby": "agents-title" }, h("h2", { id: "agents-title" }, t.agents), old, agents.element),
    tree(signal),
  );
  const look = async () => { if (!document.hidden) await load(); };
  every(REFRESH_MS, signal, look, (error) => { if (error.status !== 0 || !hasAnswer) put(said, problem(error)); });
}

/** @param {number} active @param {() => Promise<void>} reload @param {AbortSignal} signal */
function askToStop(active, reload, signal) {
  const work = async () => {
    const { failed } = await post("stop-all");
    await reload();
    if (failed.length > 0) throw new Error(fill(t.failed, { n: failed.length, first: failed[0].message }));
  };
  ask({ title: active === 1 ? t.one : fill(t.many, { n: count(active) }), text: t.ends, action: t.stopAll, work, signal });
}
