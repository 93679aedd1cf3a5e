// The table of agents, and what an administrator can do with one.

import { path, post } from "../../api.js";
import { h, put, say } from "../../dom.js";
import { count } from "../../format.js";
import { fill, texts } from "../../i18n.js";
import { agentCommand } from "../../parts/agent-command.js";
import { ago } from "../../parts/ago.js";
import { ask } from "../../parts/dialog.js";
import { problem } from "../../parts/problem.js";
import { lock, needs } from "../../parts/role.js";
import { Rows } from "../../parts/rows.js";

const t = texts({
  label: ["Table of agents", "执行机列表"],
  status: ["State", "状态"],
  name: ["Name", "名称"],
  host: ["Host", "主机"],
  version: ["Version", "版本"],
  cores: ["Cores used", "已用核数"],
  ofCores: ["{used} of {all}", "{used} / {all}"],
  clock: ["Clock offset", "时钟偏差"],
  clockWrong: ["wrong: more than 50 ms off", "偏差超过 50 ms"],
  labels: ["Labels", "标签"],
  runs: ["Runs", "运行"],
  seen: ["Last seen", "最近在线"],
  actions: ["Actions", "操作"],
  ready: ["ready", "就绪"],
  busy: ["busy", "忙碌"],
  leaving: ["leaving", "退出中"],
  drained: ["drained", "已下线"],
  gone: ["gone", "离线"],
  unknown: ["not known", "未知"],
  drain: ["Drain", "下线"],
  drainHint: ["It gets nothing new; what it runs goes on.", "不再分配新任务，已有任务继续运行。"],
  enable: ["Enable", "上线"],
  remove: ["Remove", "移除"],
  registered: ["It is registered: end it first, or drain it.", "仍在注册中，请先停止该执行机或将其下线。"],
  monitor: ["Monitor", "监控"],
  of: ["{what} {name}", "{what} {name}"],
  sure: ["Remove {name}?", "移除 {name}？"],
  forgets: ["Control forgets it, with its name and its settings here. If it comes back, it is a new one.", "控制端将不再记录该执行机及其设置；如果再次上线，将视为新的执行机。"],
  none: ["No agent is here", "没有执行机"],
  start: ["Agents send the load. Start one on each machine that should:", "执行机负责发送压力。请在每台压测机上启动："],
  alone: ["or use acp up: control and one agent on one machine.", "或使用 acp up：在一台机器上同时运行控制端和一个执行机。"],
});

/** State → kind of badge. */
const KINDS = { ready: "good", busy: "busy", leaving: "warn", drained: "warn", gone: "bad", unknown: "plain" };

/** Its parts that have not ended. @param {any} agent @returns {any[]} */
const partsOf = (agent) => agent.parts.filter((/** @type {any} */ part) => part.state !== "finished" && part.state !== "failed");

/** @param {any} agent @returns {keyof typeof KINDS} */
function stateOf(agent) {
  if (agent.is_registered === false) return "gone";
  if (agent.is_registered === null) return "unknown";
  if (agent.is_draining) return "leaving";
  if (!agent.is_enabled) return "drained";
  return partsOf(agent).length > 0 ? "busy" : "ready";
}

/** All agents. */
export class Agents {
  body = h("tbody");
  empty = h("div.card.empty", { id: "agents-empty", hidden: true });

  /** @param {import("../../app.js").Context} context @param {() => Promise<void>} reload */
  constructor(context, reload) {
    const columns = [t.status, t.name, t.host, t.version, t.cores, t.clock, t.labels, t.runs, t.seen, t.actions];
    const head = columns.map((text) => h(text === t.clock ? "th.number" : "th", { scope: "col" }, text));
    this.table = h("div.scroll.card.agents", { tabindex: "0", role: "region", "aria-label": t.label, hidden: true },
      h("table", null, h("thead", null, h("tr", null, head)), this.body));
    this.element = h("div", null, this.table, this.empty);
    this.rows = new Rows(this.body, (/** @type {any} */ agent) => agent.agent, (agent) => row(agent.agent, context, reload));
    put(this.empty, h("h3", null, t.none), h("p", null, t.start), agentCommand(context), h("p", null, t.alone));
  }

  /** @param {any[]} agents @param {any[]} runs  that are active */
  set(agents, runs) {
    const names = new Map(runs.map((run) => [run.id, run.name]));
    this.rows.set(agents.map((agent) => ({ ...agent, names })));
    this.table.hidden = agents.length === 0;
    this.empty.hidden = agents.length > 0;
  }
}

/**
 * @param {string} id
 * @param {import("../../app.js").Context} context
 * @param {() => Promise<void>} reload
 * @returns {import("../../parts/rows.js").Row<any>}
 */
function row(id, context, reload) {
  const badge = h("span.badge");
  const host = h("td");
  const address = h("div.muted.address");
  const version = h("td");
  const cores = coresBar();
  const clock = h("td.number");
  const labels = h("td.labels");
  const runs = h("td.runs");
  const seen = ago();
  const acts = actions(id, context, reload);
  const name = h("th", { scope: "row" }, h("a", { href: `#/monitor?agent=${encodeURIComponent(id)}`, title: t.monitor }, id));
  const hostName = h("div");
  put(host, hostName, address);
  const element = h("tr", { "data-agent": id }, h("td", null, badge), name, host, version, cores.element, clock, labels, runs, h("td", null, seen.element), acts.element);
  return {
    element,
    update(agent) {
      const state = stateOf(agent);
      element.dataset.state = state;
      badge.className = `badge ${KINDS[state]}`;
      for (const [place, text] of /** @type {[Element, string][]} */ ([[badge, t[state]], [hostName, agent.host], [address, agent.address], [version, agent.version]])) say(place, text);
      cores.set(agent);
      showClock(clock, agent);
      showLabels(labels, agent.labels);
      showRuns(runs, agent);
      seen.set(agent.last_status_unix_us ?? agent.last_seen_unix_us);
      acts.set(agent);
    },
  };
}

/** How many cores are in use, as a bar and in words. */
function coresBar() {
  const bar = /** @type {HTMLMeterElement} */ (h("meter", { min: "0", "aria-label": t.cores }));
  const text = h("span");
  return {
    element: h("td.cores", null, bar, " ", text),
    /** @param {any} agent */
    set(agent) {
      const used = agent.cores_free === null ? null : agent.cores - agent.cores_free;
      bar.max = Math.max(1, agent.cores);
      bar.value = used ?? 0;
      say(text, fill(t.ofCores, { used: used === null ? "?" : count(used), all: count(agent.cores) }));
    },
  };
}

/** @param {HTMLElement} place @param {any} agent */
function showClock(place, agent) {
  const { clock_offset_us: offset, clock_error_us: error, is_clock_wrong: isWrong } = agent;
  const ms = (/** @type {number} */ us) => (us / 1000).toFixed(Math.abs(us) < 10_000 ? 2 : 0);
  const sign = offset > 0 ? "+" : "";
  say(place, offset === null ? "–" : `${sign}${ms(offset)} ms${error === null ? "" : ` ± ${ms(error)}`}`);
  place.classList.toggle("bad", isWrong);
  place.title = isWrong ? t.clockWrong : "";
}

/** @param {HTMLElement} place @param {Record<string, string>} labels */
function showLabels(place, labels) {
  const wanted = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
  if (place.dataset.shown === wanted.join()) return;
  place.dataset.shown = wanted.join();
  put(place, wanted.map((text) => h("span.badge", null, text)));
}

/** @param {HTMLElement} place @param {any} agent */
function showRuns(place, agent) {
  const ids = [...new Set(partsOf(agent).map((part) => part.run))];
  const wanted = ids.map((id) => [id, agent.names.get(id) ?? id]);
  if (place.dataset.shown === wanted.join()) return;
  place.dataset.shown = wanted.join();
  put(place, wanted.map(([id, name]) => h("a", { href: `#/runs/${encodeURIComponent(id)}` }, name)));
}

/** @param {string} id @param {import("../../app.js").Context} context @param {() => Promise<void>} reload */
function actions(id, context, reload) {
  const said = h("div.said");
  const missing = context.can("admin") ? "" : needs("admin");
  const act = (/** @type {string} */ what) => async () => {
    put(said);
    try {
      await post(`${path`agents/${id}/`}${what}`);
      await reload();
    } catch (error) {
      put(said, problem(error));
    }
  };
  const removal = () => ask({
    title: fill(t.sure, { name: id }), text: t.forgets, action: t.remove, signal: context.signal,
    work: async () => { await post(path`agents/${id}/remove`); await reload(); },
  });
  const button = (/** @type {string} */ name, /** @type {string} */ text, /** @type {() => void} */ work) =>
    h("button.small", { type: "button", "data-act": name, "aria-label": fill(t.of, { what: text, name: id }), onclick: work }, text);
  const [drain, enable, remove] = [button("drain", t.drain, act("drain")), button("enable", t.enable, act("enable")), button("remove", t.remove, removal)];
  drain.title = t.drainHint;
  return {
    element: h("td.actions", null, h("div.row", null, drain, enable, remove), said),
    /** @param {any} agent */
    set(agent) {
      drain.hidden = !agent.is_enabled;
      enable.hidden = agent.is_enabled;
      lock(drain, missing);
      if (missing === "") drain.title = t.drainHint;
      lock(enable, missing);
      lock(remove, missing || (agent.is_registered === true ? t.registered : ""));
    },
  };
}
