// Who sends a run: its parts while it goes on, and what each of them did once it is over.

import { h, put } from "../dom.js";
import { clock, count, percent, time } from "../format.js";
import { texts } from "../i18n.js";

const t = texts({
  title: ["Agents", "执行机"],
  label: ["Agents of the run", "本次运行的执行机"],
  none: ["No agent has a share of this run yet. If that lasts, look at Cluster for agents with free cores.", "还没有执行机分到任务。若持续如此，请到集群页查看是否有空闲核。"],
  one: ["This run was made on a single machine, without agents.", "单机运行，没有执行机。"],
  agent: ["Agent", "执行机"],
  state: ["State", "状态"],
  share: ["Share", "占比"],
  cores: ["Cores", "核数"],
  connections: ["Connections", "并发连接"],
  lost: ["Lost at", "失联于"],
  heir: ["Taken over by", "接管者"],
  text: ["What it says", "说明"],
  log: ["Log", "日志"],
  sent: ["Sent", "已发送"],
  completed: ["Completed", "已完成"],
  lag: ["Send lag p99", "发送延迟 p99"],
  busy: ["Busiest core", "最忙的核"],
  offset: ["Clock offset", "时钟偏差"],
  driver: ["Driver", "驱动"],
});

const STATES = texts({
  starting: ["starting", "启动中"],
  ready: ["ready", "就绪"],
  running: ["running", "运行中"],
  finished: ["finished", "已完成"],
  failed: ["failed", "失败"],
  lost: ["lost", "失联"],
});

/** @type {Record<string, string>} */
const KINDS = { running: "busy", starting: "busy", ready: "busy", finished: "good", failed: "bad", lost: "bad" };

/** @param {string} state */
const stateOf = (state) => h(`span.badge.${KINDS[state] ?? "plain"}`, null, /** @type {Record<string, string>} */ (STATES)[state] ?? state);
/** @param {any} share */
const shareOf = (share) => (share ? percent(1 / share.stride) : "–");

/** Parts of a run that goes on. @param {HTMLElement} root */
export function makeAgents(root) {
  const body = h("div.scroll", { tabindex: "0", role: "group", "aria-label": t.label });
  root.append(h("section.card", { id: "agents" }, h("h2", null, t.title), body));
  let shown = "";
  /** @param {any[]} parts */
  const show = (parts) => {
    const key = JSON.stringify(parts);
    if (key === shown) return;
    shown = key;
    if (parts.length === 0) put(body, h("p.muted", null, t.none));
    else put(body, table([t.agent, t.state, `#${t.share}`, `#${t.cores}`, `#${t.connections}`, `#${t.lost}`, t.heir, t.text], parts.map((part) => partRow(part, parts))));
  };
  show([]);
  return { show };
}

/** @param {any} part @param {any[]} parts */
function partRow(part, parts) {
  const heirs = part.taken_over_by.map((/** @type {string} */ name) => parts.find((one) => one.part === name)?.agent ?? name);
  const state = part.lost_at_us === null ? part.state : "lost";
  const log = part.log_tail === "" ? null : h("details", null, h("summary", null, t.log), h("pre", null, part.log_tail));
  return h("tr", { "data-agent": part.agent, "data-part": part.part, "data-state": state },
    h("th", { scope: "row" }, part.agent), h("td", null, stateOf(state)),
    h("td.number", null, shareOf(part.share)), h("td.number", null, part.cores), h("td.number", null, count(part.share.connections)),
    h("td.number", null, part.lost_at_us === null ? "" : clock(part.lost_at_us / 1e6)),
    h("td", null, heirs.join(", ")), h("td", null, part.text, log));
}

/** What each agent of a report did. @param {HTMLElement} root @param {any} report */
export function showAgents(root, report) {
  const agents = report.agents ?? [];
  const names = [t.agent, t.state, `#${t.share}`, `#${t.sent}`, `#${t.completed}`, `#${t.lag}`, `#${t.busy}`, `#${t.offset}`, t.driver, t.text];
  const rows = agents.map((/** @type {any} */ agent) => h("tr", { "data-agent": agent.agent, "data-part": agent.part, "data-state": agent.state },
    h("th", { scope: "row" }, agent.agent), h("td", null, stateOf(agent.state)), h("td.number", null, shareOf(agent.share)),
    h("td.number", null, count(agent.books.sent)), h("td.number", null, count(agent.books.completed)),
    h("td.number", null, time(agent.send_lag_p99_ns)), h("td.number", null, percent(agent.busy_ratio)),
    h("td.number", null, typeof agent.clock_offset_us === "number" ? `${(agent.clock_offset_us / 1000).toFixed(2)} ms` : "–"),
    h("td", null, agent.driver), h("td", null, agent.text ?? "")));
  root.append(h("section.card", { id: "agents" }, h("h2", null, t.title),
    agents.length === 0 ? h("p.muted", null, t.one)
      : h("div.scroll", { tabindex: "0", role: "group", "aria-label": t.label }, table(names, rows))));
}

/** @param {string[]} names  `#` before those of numbers @param {HTMLElement[]} rows */
function table(names, rows) {
  const heads = names.map((name) => (name.startsWith("#") ? h("th.number", { scope: "col" }, name.slice(1)) : h("th", { scope: "col" }, name)));
  return h("table", null, h("thead", null, h("tr", null, heads)), h("tbody", null, rows));
}
