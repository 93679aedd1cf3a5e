// The goals of a run and whether they were met. A value is in the unit that its goal was written in.

import { h } from "../dom.js";
import { count, percent, rate, short, time } from "../format.js";
import { texts } from "../i18n.js";

const t = texts({
  title: ["Goals", "目标达成"],
  goal: ["Goal", "目标"],
  found: ["Found", "实测"],
  met: ["✓ met", "✓ 达成"],
  missed: ["✗ missed", "✗ 未达成"],
});

/** Units of time → ns. A limit without one is in seconds. @type {Record<string, number>} */
const TIMES_NS = { ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9, d: 86_400e9 };

/**
 * What was found for a goal: `p99<50ms`, 61.2 → `61.2 ms`.
 *
 * @param {string} expr
 * @param {number} value  in the last unit of the expression
 */
export function goalValue(expr, value) {
  const [, metric, limit] = /^\s*([^<>]*)[<>]=?\s*(.*)$/.exec(expr) ?? ["", "", ""];
  if (metric.startsWith("p")) return time(value * (TIMES_NS[limit.replace(/^.*\d/, "").trim()] ?? 1e9));
  if (metric.startsWith("rate")) {
    const unit = /\/[mhd]$/.exec(limit.trim())?.[0];
    return unit === undefined ? rate(value) : short(value) + unit;
  }
  return limit.trim().endsWith("%") ? percent(value / 100) : count(value);
}

/** @param {HTMLElement} root @param {any} report */
export function showGoals(root, { slo, books }) {
  // Where nothing ended, a percentile and a share are not 0: there are none.
  const isSilent = books.completed === 0 && Object.keys(books.errors).length === 0;
  const found = (/** @type {any} */ goal) => (isSilent && /^\s*p|%\s*$/.test(goal.expr) ? "–" : goalValue(goal.expr, goal.value));
  const rows = slo.map((/** @type {any} */ goal) => h("tr", { "data-slo": goal.expr, "data-pass": String(goal.pass) },
    h("td", null, h("code", null, goal.expr)), h("td.number", { "data-found": "" }, found(goal)),
    h(`td.${goal.pass ? "good" : "bad"}`, null, goal.pass ? t.met : t.missed)));
  const heads = h("tr", null, h("th", { scope: "col" }, t.goal), h("th.number", { scope: "col" }, t.found), h("td"));
  root.append(h("section.card", { id: "slo" }, h("h2", null, t.title),
    h("div.scroll", { tabindex: "0", role: "group", "aria-label": t.title }, h("table", null, h("thead", null, heads), h("tbody", null, rows)))));
}
