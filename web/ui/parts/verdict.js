// May the numbers be trusted, first and in words: of a report with its reasons and what to do, of a run
// that goes on with what speaks against it so far.

import { h, put, say } from "../dom.js";
import { clock, count, duration, percent, time } from "../format.js";
import { fill, texts } from "../i18n.js";
import { ACTIVE, verdictBadge } from "./badges.js";

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
  over: ["Putting the report together", "正在生成报告"],
  reading: ["Reading …", "正在读取……"],
  good: ["nothing speaks against the numbers so far", "目前没有发现影响可信度的问题"],
  lag: ["{value} of the requests were sent late though a connection was free (send lag p99 up to {lag}): add cores or agents", "{value} 的请求在有空闲连接时仍延迟发送（发送延迟 p99 最高 {lag}）：请增加核或执行机"],
  busy: ["a core is {value} busy: add cores or agents", "有核的占用达 {value}：请增加核或执行机"],
  wasBusy: ["a core was {value} busy in its busiest second: add cores or agents", "最忙的一秒内有核的占用达 {value}：请增加核或执行机"],
  steal: ["{value} of CPU time stolen: use a quieter machine", "{value} 的 CPU 被虚拟化偷走：请换更空闲的机器"],
  errors: ["{value} errors in the last seconds", "最近几秒错误率 {value}"],
  hadErrors: ["{n} errors so far, {value} of what was sent", "累计 {n} 个错误，占已发送的 {value}"],
  blocked: ["{n} requests waited for a connection (send lag p99 up to {lag}): add connections, or the target is too slow", "{n} 个请求等待过连接（发送延迟 p99 最高 {lag}）：请增加并发连接，或目标过慢"],
  missed: ["only {value} of the plan was sent in the last seconds", "最近几秒只发送了计划的 {value}"],
  hadMissed: ["only {value} of the plan was sent so far", "目前只发送了计划的 {value}"],
  lost: ["agents lost: {names}", "执行机失联：{names}"],
  valid: ["The schedule was held and nothing speaks against the numbers.", "按计划发送，数据可信。"],
  generator_limited: ["The load generator was a limit: response times may say more about it than about the target.", "压测机成为瓶颈：响应时间可能反映的是压测机而非目标。"],
  schedule_missed: ["The schedule was not held: sent late or not at all.", "未按计划发送：有延迟或未发送。"],
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
/** Of the mean gap between two requests: at low rates it is the limit of the lag. */
const LAG_GAP_RATIO = 0.1;
const LATE_LIMIT = 0.01;
const BUSY_LIMIT = 0.95;
const STEAL_LIMIT = 0.05;
const SENT_LIMIT = 0.99;
/** What goes on by now is what went on for the last seconds, not in a single one. */
const RECENT_ROWS = 10;
/** Slots that a run did not send because it ended are no fault of its numbers. */
const ENDED = ["stopped", "ended"];

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
  if (["send_lag", "blocked"].includes(code)) return time(value);
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
      const found = run.state === "pending" ? [{ name: "pending", text: t.pendingMore }] : warningsOf(run, series, facts);
      const key = JSON.stringify([series.length > 0, found]);
      if (key === shown) return;
      shown = key;
      const good = series.length > 0 && found.length === 0 ? [h("li.good", null, `✓ ${t.good}`)] : [];
      put(warnings, good, found.map(({ name, text }) => h("li.warn", { "data-warning": name }, `⚠ ${text}`)));
    },
  };
}

/** @param {any} run @param {import("./series.js").Series} series @param {import("./plan-facts.js").Facts} facts */
function sentence(run, series, facts) {
  if (!ACTIVE.includes(run.state)) return t.over;
  if (run.stopping && run.state !== "draining") return t.stopping;
  if (run.state === "pending") return t.pending;
  if (run.state === "draining") return t.draining;
  if (series.length === 0 && run.state === "running") return t.reading;
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

/**
 * What speaks against the numbers: in the last seconds, else in the measured part so far.
 *
 * @param {any} run
 * @param {import("./series.js").Series} series
 * @param {import("./plan-facts.js").Facts} facts
 */
function warningsOf(run, series, facts) {
  const start = series.second.findIndex((second) => second >= 0);
  const limitNs = Math.max(LAG_LIMIT_NS, (LAG_GAP_RATIO * 1e9) / (facts.meanPerS || Infinity));
  const now = sumsOf(series, Math.max(0, series.length - RECENT_ROWS), limitNs);
  const all = sumsOf(series, start < 0 ? series.length : start, limitNs);
  /** @type {{ name: string, text: string }[]} */
  const found = [];
  const warn = (/** @type {string} */ name, /** @type {string} */ text, /** @type {Record<string, string>} */ values) => found.push({ name, text: fill(text, values) });
  const lost = run.parts.filter((/** @type {any} */ part) => part.lost_at_us !== null).map((/** @type {any} */ part) => part.agent);
  if (lost.length > 0) warn("missing", t.lost, { names: [...new Set(lost)].join(", ") });
  // A closed loop has no schedule to be late for, and being busy is its purpose.
  if (facts.isOpen) {
    const late = [now, all].find((sums) => sums.late > LATE_LIMIT * sums.sent);
    const blocked = late ? undefined : [now, all].find((sums) => sums.blocked > LATE_LIMIT * sums.sent);
    if (late) warn("send_lag", t.lag, { value: percent(late.late / Math.max(1, late.sent)), lag: time(late.lag) });
    if (blocked) warn("blocked", t.blocked, { n: count(blocked.blocked), lag: time(blocked.lag) });
    if (now.busy > BUSY_LIMIT) warn("busy", t.busy, { value: percent(now.busy) });
    else if (all.busiest > BUSY_LIMIT) warn("busy", t.wasBusy, { value: percent(all.busiest) });
  }
  const steal = Math.max(now.steal, all.steal);
  if (steal > STEAL_LIMIT) warn("steal", t.steal, { value: percent(steal) });
  if (now.errors > 0) warn("errors", t.errors, { value: percent(now.errors / Math.max(1, now.sent)) });
  else if (all.errors > 0) warn("errors", t.hadErrors, { n: count(all.errors), value: percent(all.errors / Math.max(1, all.sent)) });
  if (now.share < SENT_LIMIT) warn("sent", t.missed, { value: percent(now.share) });
  else if (all.share < SENT_LIMIT) warn("sent", t.hadMissed, { value: percent(all.share) });
  return found;
}

/**
 * What the rows from one on say together.
 *
 * @param {import("./series.js").Series} series
 * @param {number} from
 * @param {number} lagLimitNs
 */
function sumsOf(series, from, lagLimitNs) {
  const { columns, groups } = series;
  const rows = (/** @type {(number | null)[]} */ column) => column.slice(from).map((value) => value ?? 0);
  const sum = (/** @type {(number | null)[]} */ column) => rows(column).reduce((all, value) => all + value, 0);
  const sumOf = (/** @type {Map<string, number[]>} */ group, /** @type {string[]} */ except = []) =>
    [...group].reduce((all, [name, counts]) => (except.includes(name) ? all : all + sum(counts)), 0);
  const highest = (/** @type {(number | null)[]} */ column) => rows(column).reduce((most, value) => Math.max(most, value), 0);
  const lags = rows(columns.send_lag_p99_ns);
  const busy = rows(columns.busy_ratio).sort((a, b) => a - b);
  const [sent, notSent, machine] = [sum(columns.sent), sumOf(groups.not_sent, ENDED), sum(columns.machine_us)];
  return {
    sent, late: sum(columns.late), lag: highest(columns.send_lag_p99_ns),
    // Where waiting for a connection made requests late, not where it was over at once.
    blocked: rows(columns.blocked).reduce((all, value, row) => (lags[row] > lagLimitNs ? all + value : all), 0),
    // Above it for half of the time.
    busy: busy[Math.floor(busy.length / 2)] ?? 0, busiest: highest(columns.busy_ratio),
    steal: machine === 0 ? 0 : sum(columns.steal_us) / machine,
    errors: sumOf(groups.errors),
    share: sent + notSent === 0 ? 1 : sent / (sent + notSent),
  };
}
