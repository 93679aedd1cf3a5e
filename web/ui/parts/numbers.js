// The big numbers of a run. Each has a place of its own that does not change its width.

import { h, say } from "../dom.js";
import { count, percent, rate, time } from "../format.js";
import { fill, texts } from "../i18n.js";

const t = texts({
  label: ["Numbers of the run", "关键指标"],
  target: ["Target rate", "目标速率"],
  sent: ["Sent", "发送"],
  completed: ["Completed", "完成"],
  errors: ["Errors", "错误"],
  closed: ["no rate: closed loop", "闭环，无目标速率"],
  planned: ["{n} planned", "计划 {n}"],
  total: ["{n} in all", "累计 {n}"],
  ofSent: ["{n} in all, {share}", "累计 {n}，{share}"],
  flight: ["{n} in flight", "在途 {n}"],
  rank: ["{rank} {value}", "{rank} {value}"],
});

/**
 * @typedef {object} Numbers  null: not known
 * @property {boolean} isOpen  whether there is a rate to hold
 * @property {number | null} target  per second
 * @property {number | null} sentPerS
 * @property {number | null} completedPerS
 * @property {number | null} errorsPerS  null: their share of all is shown instead
 * @property {number | null} p50
 * @property {number | null} p90
 * @property {number | null} p99
 * @property {number | null} p99_9
 * @property {{ planned: number, sent: number, completed: number, errors: number }} totals
 * @property {number | null} inFlight
 */

/** @param {HTMLElement} root */
export function makeNumbers(root) {
  /** @type {Record<string, { number: HTMLElement, under: HTMLElement }>} */
  const tiles = {};
  const tile = (/** @type {string} */ name, /** @type {string} */ label) => {
    const number = h("dd.big", { id: `number-${name}` }, "–");
    const under = h("dd.under", { id: `number-${name}-more` }, "\u00a0");
    tiles[name] = { number, under };
    return h("div.tile", null, h("dt", null, label), number, under);
  };
  root.append(h("dl.numbers", { id: "numbers", "aria-label": t.label },
    tile("target", t.target), tile("sent", t.sent), tile("completed", t.completed),
    tile("p50", "p50"), tile("p99", "p99"), tile("errors", t.errors)));

  /** @param {string} name @param {string} text @param {string} under */
  const put = (name, text, under) => {
    say(tiles[name].number, text);
    say(tiles[name].under, under === "" ? "\u00a0" : under);
  };
  const rank = (/** @type {string} */ name, /** @type {number | null} */ value) => (value === null ? "" : fill(t.rank, { rank: name, value: time(value) }));
  /** @param {Numbers} now */
  const show = (now) => {
    const { totals } = now;
    const per = (/** @type {number | null} */ value) => (value === null ? "–" : rate(value));
    put("target", per(now.target), !now.isOpen ? t.closed : fill(t.planned, { n: count(totals.planned) }));
    put("sent", per(now.sentPerS), fill(t.total, { n: count(totals.sent) }));
    put("completed", per(now.completedPerS), now.inFlight === null ? fill(t.total, { n: count(totals.completed) })
      : `${fill(t.total, { n: count(totals.completed) })} · ${fill(t.flight, { n: count(now.inFlight) })}`);
    put("p50", now.p50 === null ? "–" : time(now.p50), rank("p90", now.p90));
    put("p99", now.p99 === null ? "–" : time(now.p99), rank("p99.9", now.p99_9));
    const share = totals.sent === 0 ? 0 : totals.errors / totals.sent;
    if (now.errorsPerS === null) put("errors", percent(share), fill(t.total, { n: count(totals.errors) }));
    else put("errors", rate(now.errorsPerS), fill(t.ofSent, { n: count(totals.errors), share: percent(share) }));
    tiles.errors.number.classList.toggle("bad", totals.errors > 0);
  };
  return { show };
}

/**
 * Where a run is by now: its last second, and sums of the measured part.
 *
 * @param {import("./series.js").Series} series
 * @param {boolean} isOpen
 * @returns {Numbers}
 */
export function numbersOf(series, isOpen) {
  const last = series.length - 1;
  const { columns, seconds } = series;
  const at = (/** @type {string} */ name) => columns[name][last] ?? null;
  const per = (/** @type {number | null} */ value) => (value === null ? null : value / Math.max(1, seconds[last]));
  const classes = [...series.groups.errors.values()];
  const start = series.second.findIndex((second) => second >= 0);
  const sum = (/** @type {(number | null)[]} */ column) => {
    let all = 0;
    for (let row = start < 0 ? column.length : start; row < column.length; row += 1) all += column[row] ?? 0;
    return all;
  };
  return {
    isOpen,
    target: isOpen ? at("rate_target") : null,
    sentPerS: per(at("sent")),
    completedPerS: per(at("completed")),
    errorsPerS: last < 0 ? 0 : per(classes.reduce((all, counts) => all + counts[last], 0)),
    p50: at("response_p50_ns"), p90: at("response_p90_ns"), p99: at("response_p99_ns"), p99_9: at("response_p99_9_ns"),
    totals: {
      planned: sum(columns.planned), sent: sum(columns.sent), completed: sum(columns.completed),
      errors: classes.reduce((all, counts) => all + sum(counts), 0),
    },
    inFlight: at("in_flight"),
  };
}
