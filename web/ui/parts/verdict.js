// May the numbers be trusted, first and in words: of a report with its reasons and what to do, of a run
// that goes on with what speaks against it so far.

import { h, put, say } from "../dom.js";
import { clock, count, duration, percent, time } from "../format.js";
import { fill, texts } from "../i18n.js";
import { verdictBadge } from "./badges.js";

const t = texts({
  pending: ["Waiting for agents with enough free cores", "等待有足够空闲核的执行机"],
  pendingMore: ["if this lasts, look at Cluster for agents and free cores, or ask for fewer cores", "若持续等待，请到集群页查看执行机与空闲核，或减少核数"],
  assigned: ["Agents fetch the plan and open connections", "执行机正在获取计划并建立连接"],
  ready: ["Connections are open", "连接已就绪"],
  starts: ["starts in {n} s", "{n} 秒后开始"],
  soon: ["starts in a moment", "即将开始"],
  warmup: ["Warm-up, {n} s until the measured part", "预热中，{n} 秒后进入正式阶段"],
  running: ["Running for {at}", "已运行 {at}"],
  left: ["{left} left of {whole}", "剩余 {left}，共 {whole}"],
  paused: ["paused", "已暂停"],
  draining: ["Waiting for the last responses", "等待最后的响应"],
  stopping: ["Stopping", "停止中"],
  good: ["nothing speaks against the numbers so far", "目前没有发现影响可信度的问题"],
  lag: ["send lag p99 {value}: the generator is late, add cores or agents", "发送延迟 p99 {value}：压测机发送滞后，请增加核或执行机"],
  busy: ["a core is {value} busy: add cores or agents", "有核的占用达 {value}：请增加核或执行机"],
  steal: ["{value} of CPU time stolen: use a quieter machine", "{value} 的 CPU 被虚拟化偷走：请换更空闲的机器"],
  errors: ["{value} errors in the last seconds", "最近几秒错误率 {value}"],
  blocked: ["{n} requests waited for a connection: add connections, or the target is too slow", "{n} 个请求在等待连接：请增加并发连接，或目标过慢"],
  missed: ["only {value} of the plan was sent", "只发送了计划的 {value}"],
  valid: ["The schedule was held and nothing speaks against the numbers.", "按计划发送，数据可信。"],
  generator_limited: ["The load generator was a limit: response times may say more about it than about the target.", "压测机成为瓶颈：响应时间可能反映的是压测机而非目标。"],
  schedule_missed: ["Less was sent than planned.", "实际发送少于计划。"],
  partial: ["Something is missing from the numbers.", "数据不完整。"],
  aborted: ["The run was stopped before its end.", "运行在结束前被停止。"],
  found: ["found {value}, limit {limit}", "实测 {value}，上限 {limit}"],
});

/** What to do about each reason. @type {Record<string, string>} */
const ADVICE = texts({
  send_lag: ["Give the run more cores or agents, keep other work off the load hosts, or lower the rate.", "增加核或执行机，压测机上不要跑其他任务，或降低速率。"],
  busy: ["Give the run more cores or agents.", "增加核或执行机。"],
  steal: ["Run the load on a machine of its own: others took its CPU time.", "使用独占的机器施压：CPU 时间被其他虚拟机占用。"],
  overflow: ["Give the run more cores: completions came faster than they could be read.", "增加核：完成事件的到达快于读取。"],
  blocked: ["Add connections. If that does not help, the target is slower than the rate asks for.", "增加并发连接；若无效，说明目标跟不上该速率。"],
  sent: ["Look at what was not sent in the books below; lower the rate or add connections.", "查看下方账目中的未发送原因；降低速率或增加并发连接。"],
  stopped: ["Look at the events for who or what stopped it. Numbers hold for the part that was run.", "在事件中查看停止者或停止规则。数据只对已运行的部分有效。"],
  missing: ["Look at the agents below for the one that was lost, and run it again.", "在下方执行机中查看失联者，然后重新运行。"],
  books: ["Do not use these numbers; keep the report and tell whoever runs acp.", "不要使用这些数据；请保留报告并联系平台维护者。"],
});

/** Reasons that are or are not: their number says nothing to a reader. */
const WITHOUT_NUMBER = ["stopped", "missing", "books"];

/** As in the verdict of a report. */
const LAG_LIMIT_NS = 1_000_000;
const BUSY_LIMIT = 0.95;
const STEAL_LIMIT = 0.05;
const SENT_LIMIT = 0.99;
/** What is warned of is what went on for the last seconds, not a single one. */
const RECENT_ROWS = 10;

/**
 * The verdict of a report.
 *
 * @param {HTMLElement} root
 * @param {any} report
 */
export function showVerdict(root, { verdict }) {
  const reasons = verdict.reasons.map((/** @type {any} */ reason) => h("li", { "data-reason": reason.code },
    h("strong", null, reason.text),
    WITHOUT_NUMBER.includes(reason.code) ? null : ` (${fill(t.found, { value: amount(reason.code, reason.value), limit: amount(reason.code, reason.limit) })})`,
    ADVICE[reason.code] ? h("span.advice", null, ADVICE[reason.code]) : null));
  root.append(h("section.card.verdict", { id: "verdict", "data-verdict": verdict.state },
    h("p.verdict-line", null, verdictBadge(verdict.state), " ", /** @type {Record<string, string>} */ (t)[verdict.state] ?? ""),
    reasons.length > 0 ? h("ul", null, reasons) : null));
}

/** @param {string} code @param {number} value */
function amount(code, value) {
  if (code === "send_lag") return time(value);
  if (["busy", "steal", "sent"].includes(code)) return percent(value);
  return count(Math.round(value * 1000) / 1000);
}

/**
 * The line of a run that goes on. Its place is as high empty as full.
 *
 * @param {HTMLElement} root
 */
export function liveVerdict(root) {
  const line = h("p.verdict-line", { id: "verdict-line" });
  const warnings = h("ul.warnings", { id: "warnings", "aria-live": "polite" });
  root.append(h("section.card.verdict.live", { id: "verdict" }, line, warnings));
  /** @type {string} */
  let shown = "";
  return {
    /**
     * @param {any} run  as its state was said last
     * @param {import("./series.js").Series} series
     * @param {import("./plan-facts.js").Facts} facts
     */
    show(run, series, facts) {
      say(line, sentence(run, series, facts));
      const found = run.state === "pending" ? [{ name: "pending", text: t.pendingMore }] : warningsOf(series);
      const key = JSON.stringify(found);
      if (key === shown) return;
      shown = key;
      const good = series.length > 0 && found.length === 0 ? [h("li.good", null, `✓ ${t.good}`)] : [];
      put(warnings, good, found.map(({ name, text }) => h("li.warn", { "data-warning": name }, `⚠ ${text}`)));
    },
  };
}

/** @param {any} run @param {import("./series.js").Series} series @param {import("./plan-facts.js").Facts} facts */
function sentence(run, series, facts) {
  if (run.stopping && run.state !== "draining") return t.stopping;
  if (run.state === "pending") return t.pending;
  if (run.state === "draining") return t.draining;
  if (series.length === 0) return `${run.state === "assigned" ? t.assigned : t.ready} · ${startsIn(run)}`;
  const end = series.end;
  if (end <= 0 && facts.warmupS > 0) return fill(t.warmup, { n: -end });
  const parts = [fill(t.running, { at: clock(end) })];
  if (facts.durationS !== null) {
    parts.push(fill(t.left, { left: duration(Math.max(0, Math.round(facts.durationS) - end)), whole: duration(facts.durationS) }));
  }
  if (run.is_paused) parts.push(t.paused);
  return parts.join(" · ");
}

/** The reader's clock may be wrong: then no number is better than a wrong one. @param {any} run */
function startsIn(run) {
  const seconds = run.t0_unix_us === null ? null : Math.ceil(run.t0_unix_us / 1e6 - Date.now() / 1000);
  return seconds === null || seconds <= 0 || seconds > 60 ? t.soon : fill(t.starts, { n: seconds });
}

/** @param {import("./series.js").Series} series */
function warningsOf(series) {
  const from = Math.max(0, series.length - RECENT_ROWS);
  const { columns } = series;
  const recent = (/** @type {(number | null)[]} */ column) => column.slice(from).map((value) => value ?? 0);
  const sum = (/** @type {(number | null)[]} */ column) => recent(column).reduce((all, value) => all + value, 0);
  // Above the limit for half of the time.
  const often = (/** @type {string} */ name) => recent(columns[name]).sort((a, b) => a - b)[Math.floor((series.length - from) / 2)] ?? 0;
  const sent = sum(columns.sent);
  const errors = [...series.groups.errors.values()].reduce((all, counts) => all + sum(counts), 0);
  const steal = sum(columns.machine_us) === 0 ? 0 : sum(columns.steal_us) / sum(columns.machine_us);
  const notSent = [...series.groups.not_sent.values()].reduce((all, counts) => all + sum(counts), 0);
  const found = [];
  if (often("send_lag_p99_ns") > LAG_LIMIT_NS) found.push({ name: "send_lag", text: fill(t.lag, { value: time(often("send_lag_p99_ns")) }) });
  if (often("busy_ratio") > BUSY_LIMIT) found.push({ name: "busy", text: fill(t.busy, { value: percent(often("busy_ratio")) }) });
  if (steal > STEAL_LIMIT) found.push({ name: "steal", text: fill(t.steal, { value: percent(steal) }) });
  if (errors > 0) found.push({ name: "errors", text: fill(t.errors, { value: percent(errors / Math.max(1, sent)) }) });
  if (sum(columns.blocked) > 0.01 * sent) found.push({ name: "blocked", text: fill(t.blocked, { n: count(sum(columns.blocked)) }) });
  const share = sent / Math.max(1, sent + notSent);
  if (sent + notSent > 0 && share < SENT_LIMIT) found.push({ name: "sent", text: fill(t.missed, { value: percent(share) }) });
  return found;
}
