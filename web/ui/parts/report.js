// The report of a run that is over: verdict first, then numbers, charts, books and where they come from.
// It knows nothing of a server: the page shows it, and so does the file that is read from a disk.

import { curve } from "../charts/curve.js";
import { h } from "../dom.js";
import { bytes, count, duration, moment, percent, rate, time } from "../format.js";
import { fill, texts } from "../i18n.js";
import { showAgents } from "./agents.js";
import { showBooks } from "./books.js";
import { classText } from "./classes.js";
import { makeEvents } from "./events.js";
import { showGoals } from "./goals.js";
import { showGroups } from "./groups.js";
import { curvePoints, decode } from "./hdr.js";
import { makeNumbers } from "./numbers.js";
import { RunCharts } from "./run-charts.js";
import { Series, seriesOfFrames } from "./series.js";
import { showSlowest } from "./slowest.js";
import { showVerdict } from "./verdict.js";

const t = texts({
  latency: ["Percentiles", "百分位"],
  none: ["nothing was recorded", "没有记录"],
  response_ns: ["response time", "响应时间"],
  service_ns: ["service time", "服务时间"],
  first_byte_ns: ["first byte", "首字节"],
  connect_ns: ["connect", "建连"],
  handshake_ns: ["TLS handshake", "TLS 握手"],
  send_lag_ns: ["send lag", "发送延迟"],
  error_response_ns: ["errors", "出错请求"],
  samples: ["samples", "样本数"],
  mean: ["mean", "平均"],
  stddev: ["std dev", "标准差"],
  min: ["min", "最小"],
  max: ["max", "最大"],
  curve: ["Percentile curve", "百分位曲线"],
  errors: ["Errors and status codes", "错误与状态码"],
  noErrors: ["Every response was as expected.", "所有响应都符合预期。"],
  what: ["What", "类别"],
  requests: ["Requests", "请求数"],
  ofSent: ["Of sent", "占已发送"],
  responses: ["Responses", "响应数"],
  plan: ["Plan", "计划"],
  asPlan: ["The plan as it was run", "实际运行的计划"],
  environment: ["Environment", "环境"],
});

/** @type {Record<string, string>} */
const ENVIRONMENT = texts({
  id: ["Run", "运行"],
  started: ["Start of the measured part", "正式阶段开始"],
  length: ["Length", "时长"],
  warmup: ["Warm-up", "预热"],
  rates: ["Planned · sent · completed", "计划 · 发送 · 完成"],
  version: ["Version of acp", "acp 版本"],
  driver: ["Driver", "驱动"],
  shards: ["Shards", "分片"],
  host: ["Host", "主机"],
  addresses: ["Addresses of the target", "目标地址"],
  seed: ["Seed", "随机种子"],
  connections: ["Connections", "连接"],
  bytes: ["Bytes", "字节"],
  cpu: ["CPU per request", "每请求 CPU"],
  memory: ["Peak memory", "内存峰值"],
  busy: ["Busiest second of a core", "核的最高占用"],
  steal: ["Steal", "CPU 偷取"],
  blocked: ["Waited for a connection", "等待连接"],
  late: ["Sent late", "发送滞后"],
  tags: ["Labels", "标签"],
});

const connections = texts({ text: ["{opened} opened, {closed} closed, {reused} requests on kept ones", "建立 {opened}，关闭 {closed}，复用请求 {reused}"] });
const traffic = texts({ text: ["{sent} sent, {received} received", "发送 {sent}，接收 {received}"] });

const RANKS = /** @type {[string, string][]} */ ([
  ["count", t.samples], ["min", t.min], ["mean", t.mean], ["stddev", t.stddev],
  ["p50", "p50"], ["p90", "p90"], ["p99", "p99"], ["p99_9", "p99.9"], ["p99_99", "p99.99"], ["max", t.max],
]);

/**
 * Shows a report.
 *
 * @param {HTMLElement} root
 * @param {object} options
 * @param {any} options.report  a document `acp.report/1`
 * @param {any} [options.series]  its columns (the answer of `runs/{id}/series`); without: the frames of the report
 * @param {AbortSignal} options.signal
 * @param {(root: HTMLElement) => void} [options.plan]  shows more beside the plan
 * @returns {{ charts: RunCharts, series: Series, events: any[] }}
 */
export function showReport(root, { report, series: answer, signal, plan }) {
  const series = answer ? new Series().load(answer) : seriesOfFrames(report.series ?? []);
  const events = eventsOf(answer?.events ?? [], report.events ?? []);
  showVerdict(root, report);
  showNumbers(root, report);
  const charts = new RunCharts(root, signal);
  charts.tell(series);
  charts.show(series);
  charts.mark(events);
  const pair = h("div.columns");
  root.append(pair);
  showBooks(pair, report);
  showErrors(pair, report);
  if (report.slo.length > 0) showGoals(root, report);
  showPercentiles(root, report);
  showCurve(root, report, signal);
  showGroups(root, report);
  showSlowest(root, report.slowest ?? [], (second) => charts.goTo(second, series.width));
  makeEvents(root).show(events);
  showAgents(root, report);
  showPlan(root, report, plan);
  showEnvironment(root, report);
  return { charts, series, events };
}

/**
 * Events of the run have who did them; those of the report are the engines' too.
 *
 * @param {any[]} ofRun @param {any[]} ofReport
 */
function eventsOf(ofRun, ofReport) {
  const known = new Set(ofRun.map((event) => `${event.kind} ${event.text}`));
  return [...ofRun, ...ofReport.filter((event) => !known.has(`${event.kind} ${event.text}`))]
    .sort((a, b) => (a.at_us ?? -Infinity) - (b.at_us ?? -Infinity));
}

/** @param {HTMLElement} root @param {any} report */
function showNumbers(root, { books, rate: rates, latency, plan }) {
  const { p50, p90, p99, p99_9, count: samples } = latency.response_ns;
  const known = (/** @type {number} */ value) => (samples === 0 ? null : value);
  const errors = Object.values(books.errors).reduce((sum, value) => sum + Number(value), 0);
  makeNumbers(root).show({
    isOpen: plan.load.model === "open",
    target: plan.load.model === "open" ? rates.planned_per_s : null,
    sentPerS: rates.sent_per_s, completedPerS: rates.completed_per_s, errorsPerS: null,
    p50: known(p50), p90: known(p90), p99: known(p99), p99_9: known(p99_9),
    totals: { planned: books.planned, sent: books.sent, completed: books.completed, errors },
    inFlight: null,
  });
}

/** @param {HTMLElement} root @param {any} report */
function showErrors(root, { books, status }) {
  const share = (/** @type {number} */ value) => percent(books.sent === 0 ? 0 : value / books.sent);
  const line = (/** @type {string} */ kind, /** @type {string} */ label, /** @type {any} */ value) =>
    h("tr", { [`data-${kind}`]: label }, h("th", { scope: "row" }, label), h("td.number", null, count(value)), h("td.number", null, share(value)));
  const errors = Object.entries(books.errors).map(([name, value]) => line("error", classText(name), value));
  const codes = Object.entries(status).map(([name, value]) => line("status", name, value));
  const heads = (/** @type {string} */ last) => [h("th", { scope: "col" }, t.what), h("th.number", { scope: "col" }, last), h("th.number", { scope: "col" }, t.ofSent)];
  root.append(h("section.card", { id: "errors" }, h("h2", null, t.errors),
    errors.length === 0 ? h("p.good", null, books.completed === 0 ? t.none : t.noErrors) : table(heads(t.requests), errors),
    codes.length === 0 ? null : table(heads(t.responses), codes)));
}

/** @param {HTMLElement} root @param {any} report */
function showPercentiles(root, { latency }) {
  /** @type {Record<string, string>} */
  const names = t;
  const found = Object.entries(latency).filter(([, distribution]) => distribution.count > 0);
  const rows = found.map(([name, distribution]) => h("tr", { "data-latency": name }, h("th", { scope: "row" }, names[name] ?? name),
    RANKS.map(([rank]) => h("td.number", { "data-rank": rank }, rank === "count" ? count(distribution[rank]) : time(distribution[rank])))));
  const heads = ["", ...RANKS.map(([, label]) => `#${label}`)];
  if (rows.length === 0) root.append(h("section.card", { id: "percentiles" }, h("h2", null, t.latency), h("p.muted", null, t.none)));
  else root.append(card("percentiles", t.latency, heads, rows));
}

/** @param {HTMLElement} root @param {any} report @param {AbortSignal} signal */
function showCurve(root, { histograms }, signal) {
  const lines = /** @type {[string, string, string][]} */ ([["response", t.response_ns, "c1"], ["service", t.service_ns, "c3"], ["send_lag", t.send_lag_ns, "c2"]]);
  const runs = lines.map(([name, label, colour]) => ({ label, colour, points: curvePoints(decode(histograms?.[name])) }))
    .filter((run) => run.points.length > 0);
  if (runs.length === 0) return;
  const place = h("section.card", { id: "curve" }, h("h2", null, t.curve));
  root.append(place);
  curve(place, { signal, runs });
}

/** @param {HTMLElement} root @param {any} report @param {((root: HTMLElement) => void) | undefined} more */
function showPlan(root, { plan }, more) {
  const place = h("section.card", { id: "plan" }, h("h2", null, t.plan));
  place.append(h("details", null, h("summary", null, t.asPlan),
    h("pre.plan-shown", { tabindex: "0", "aria-label": t.asPlan }, JSON.stringify(plan, null, 2))));
  more?.(place);
  root.append(place);
}

/** @param {HTMLElement} root @param {any} report */
function showEnvironment(root, { run, rate: rates, connections: links, bytes: sizes, generator }) {
  /** @type {Record<string, string | null>} */
  const facts = {
    id: run.id, started: moment(run.started_unix_us), length: duration(run.duration_us / 1e6),
    warmup: run.warmup_us > 0 ? duration(run.warmup_us / 1e6) : null,
    rates: [rates.planned_per_s, rates.sent_per_s, rates.completed_per_s].map(rate).join(" · "),
    version: run.version, driver: run.driver === "" ? null : `${run.driver} (${run.driver_reason})`,
    shards: run.shards === 0 ? null : `${run.shards}${run.cpus.length > 0 ? ` · CPU ${run.cpus.join(", ")}` : ""}`, host: [run.host, run.kernel].filter((text) => text !== "").join(" · "),
    addresses: run.addresses.join(", "), seed: String(run.seed),
    connections: fill(connections.text, { opened: count(links.opened), closed: count(links.closed), reused: count(links.reused_requests) }),
    bytes: fill(traffic.text, { sent: bytes(sizes.sent), received: bytes(sizes.received) }),
    cpu: `${generator.cpu_us_per_request.toFixed(2)} µs`, memory: bytes(generator.max_rss_bytes),
    busy: percent(generator.busy_ratio), steal: percent(generator.steal_ratio),
    blocked: count(generator.blocked), late: count(generator.late),
    tags: Object.entries(run.tags ?? {}).map(([name, value]) => `${name}=${value}`).join(", "),
  };
  const pairs = Object.entries(facts).filter(([, value]) => value !== null && value !== "");
  root.append(h("section.card", { id: "environment" }, h("h2", null, t.environment),
    h("dl.facts", null, pairs.flatMap(([name, value]) => [h("dt", null, ENVIRONMENT[name]), h("dd", { "data-fact": name }, value)]))));
}

/** @param {string} id @param {string} title @param {string[]} heads  `#` before those of numbers @param {HTMLElement[]} rows */
function card(id, title, heads, rows) {
  const cells = heads.map((name) => (name === "" ? h("td") : h(`th${name.startsWith("#") ? ".number" : ""}`, { scope: "col" }, name.replace(/^#/, ""))));
  return h("section.card", { id }, h("h2", null, title), h("div.scroll", { tabindex: "0", role: "group", "aria-label": title }, table(cells, rows)));
}

/** @param {HTMLElement[]} cells @param {HTMLElement[]} rows */
const table = (cells, rows) => h("table", null, h("thead", null, h("tr", null, cells)), h("tbody", null, rows));
