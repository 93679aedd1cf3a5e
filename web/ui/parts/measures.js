// Names, units and changes of the numbers that runs are compared by.

import { count, percent, rate, time } from "../format.js";
import { texts } from "../i18n.js";

const NAMES = texts({
  response_ns: ["Response time", "响应时间"],
  service_ns: ["Service time", "服务时间"],
  first_byte_ns: ["Time to first byte", "首字节时间"],
  connect_ns: ["Connecting", "建连时间"],
  send_lag_ns: ["Send lag", "发送延迟"],
  error_response_ns: ["Response time of errors", "错误响应时间"],
  completed_per_s: ["Throughput", "吞吐量"],
  planned_per_s: ["Planned rate", "计划速率"],
  sent_per_s: ["Sent rate", "发送速率"],
  errors_ratio: ["Errors", "错误率"],
  cpu_us_per_request: ["CPU of agents per request", "每请求执行机 CPU"],
  planned: ["Planned requests", "计划请求数"],
  sent: ["Sent", "已发送"],
  not_sent: ["Not sent", "未发送"],
  completed: ["Completed", "已完成"],
  errors: ["Errors", "错误数"],
  in_flight_at_stop: ["In flight at stop", "停止时在途"],
  lost_with_agent: ["Lost with an agent", "随执行机丢失"],
});

const FIGURES = texts({
  min: ["least", "最小"],
  mean: ["mean", "平均"],
  max: ["most", "最大"],
});

/** What a number is called: `latency.response_ns.p99_9` → `Response time p99.9`. @param {string} name */
export function measureName(name) {
  const parts = name.replace(/^(latency|rate|books|generator)\./, "").split(".");
  const what = /** @type {Record<string, string>} */ (NAMES)[parts[0]] ?? parts[0];
  if (parts.length === 1) return what;
  const figure = /** @type {Record<string, string>} */ (FIGURES)[parts[1]] ?? parts[1].replace("_", ".");
  return `${what} ${figure}`;
}

/** The unit of a number of a report, by its name. @param {string} name */
export function unitOf(name) {
  const units = { ns: /_ns\./, per_s: /_per_s$/, us: /_us_per_request$/, ratio: /_ratio$/ };
  return Object.entries(units).find(([, pattern]) => pattern.test(name))?.[0] ?? "count";
}

/** A value in its unit. @param {number | null} value @param {string} unit */
export function measured(value, unit) {
  if (value === null) return "–";
  /** @type {Record<string, (value: number) => string>} */
  const units = { ns: time, per_s: rate, us: (us) => time(us * 1000), ratio: percent };
  return (units[unit] ?? count)(value);
}

/** A ratio as a change: 1.12 → `+12 %`. @param {number} ratio */
export function change(ratio) {
  const by = ratio - 1;
  const size = Math.abs(by) * 100;
  const text = size.toFixed(size < 1 ? 2 : size < 10 ? 1 : 0);
  if (Number(text) === 0) return "±0 %";
  return `${by > 0 ? "+" : "−"}${text} %`;
}

/** An interval of ratios as changes: `+8 … +16 %`. @param {number} low @param {number} high */
export function interval(low, high) {
  const [from, to] = [change(low), change(high)];
  return `${from.replace(/ %$/, "")} … ${to}`;
}
