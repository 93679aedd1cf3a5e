// What was judged about runs beside their baseline: in a sentence for each run, and in a table.

import { h } from "../dom.js";
import { fill, texts } from "../i18n.js";
import { change, interval, measured, measureName } from "./measures.js";

const t = texts({
  slower: ["{run} is slower than {base}", "{run} 比 {base} 慢"],
  faster: ["{run} is faster than {base}", "{run} 比 {base} 快"],
  worse: ["{run} is worse than {base}", "{run} 比 {base} 差"],
  better: ["{run} is better than {base}", "{run} 比 {base} 好"],
  mixed: ["{run} is better than {base} in some and worse in others", "{run} 与 {base} 相比有好有坏"],
  same: ["{run} and {base} show no difference", "{run} 与 {base} 未见差异"],
  unknown: ["{run} and {base} cannot be told apart: too little was measured, or it varies too much", "{run} 与 {base} 无法判定：数据不足或波动过大"],
  part: ["{name} {change} ({interval})", "{name} {change}（{interval}）"],
  partAlone: ["{name} {change}", "{name} {change}"],
  partSame: ["{name} the same", "{name}相同"],
  partUnknown: ["{name} undecided", "{name}未定"],
  colon: [": ", "："],
  comma: [", ", "，"],
  number: ["Number", "指标"],
  baseline: ["baseline", "基线"],
  changed: ["{run}: change (95 %)", "{run}：变化（95 %）"],
  judgement: ["{run}: judgement", "{run}：判定"],
  table: ["Differences that were judged", "差异判定表"],
  lower: ["lower is better", "越低越好"],
  higher: ["higher is better", "越高越好"],
});

const JUDGEMENTS = texts({
  better: ["better", "变好"],
  worse: ["worse", "变差"],
  same: ["no difference", "无差异"],
  no_decision: ["cannot be told", "无法判断"],
});

/** @type {Record<string, [string, string]>} */
const LOOKS = { better: ["good", "▲"], worse: ["bad", "▼"], same: ["plain", "="], no_decision: ["plain", "?"] };

/** Numbers that the sentence is about, the first one first. */
const TOLD = ["response_ns.p99", "completed_per_s", "errors_ratio"];

/**
 * @typedef {object} Difference
 * @property {number} difference
 * @property {number | null} ratio
 * @property {number | null} low
 * @property {number | null} high
 * @property {string} judgement  `better`, `worse`, `same` or `no_decision`
 *
 * @typedef {object} Judged
 * @property {string} name
 * @property {string} unit
 * @property {string} better  `lower` or `higher`
 * @property {(number | null)[]} values
 * @property {(Difference | null)[]} differences
 */

/**
 * A run beside the baseline in a sentence, and how it is meant: `B is slower than A: p99 +12 % (+8.1 …
 * +16 %), throughput the same`.
 *
 * @param {Judged[]} judged
 * @param {number} run  its place
 * @param {string[]} letters  what the runs are called
 */
export function sentence(judged, run, letters) {
  const told = TOLD.flatMap((name) => judged.filter((row) => row.name === name && row.differences[run] !== null));
  const judgements = new Map(told.map((row) => [row.name, of(row, run)?.judgement ?? "no_decision"]));
  const head = headline([...judgements.values()], judgements.get(TOLD[0]));
  const parts = told.filter((row) => isWorthTelling(row, run)).map((row) => part(row, run));
  const text = fill(t[head.text], { run: letters[run], base: letters[0] });
  return { kind: head.kind, text: parts.length > 0 && head.text !== "unknown" ? text + t.colon + parts.join(t.comma) : text };
}

/** @param {Judged} row @param {number} run @returns {Difference | null} */
const of = (row, run) => row.differences[run];

/**
 * @param {(string | undefined)[]} all
 * @param {string | undefined} response
 * @returns {{ text: "slower" | "faster" | "worse" | "better" | "mixed" | "same" | "unknown", kind: string }}
 */
function headline(all, response) {
  const [isWorse, isBetter] = [all.includes("worse"), all.includes("better")];
  if (isWorse && isBetter) return { text: "mixed", kind: "warn" };
  if (isWorse) return { text: response === "worse" ? "slower" : "worse", kind: "bad" };
  if (isBetter) return { text: response === "better" ? "faster" : "better", kind: "good" };
  const isSame = all.length > 0 && response === "same";
  return { text: isSame ? "same" : "unknown", kind: "plain" };
}

/** Errors are only told of where they have changed. @param {Judged} row @param {number} run */
function isWorthTelling(row, run) {
  return row.unit !== "ratio" || ["better", "worse"].includes(of(row, run)?.judgement ?? "");
}

/** @param {Judged} row @param {number} run */
function part(row, run) {
  const name = row.name === TOLD[0] ? "p99" : measureName(row.name).toLowerCase();
  const found = /** @type {Difference} */ (of(row, run));
  if (found.judgement === "same") return fill(t.partSame, { name });
  if (found.judgement === "no_decision") return fill(t.partUnknown, { name });
  if (found.ratio === null) return fill(t.partAlone, { name, change: `${measured(row.values[0], row.unit)} → ${measured(row.values[run], row.unit)}` });
  const by = change(found.ratio);
  if (found.low === null || found.high === null) return fill(t.partAlone, { name, change: by });
  return fill(t.part, { name, change: by, interval: interval(found.low, found.high) });
}

/**
 * @param {Judged[]} judged
 * @param {string[]} letters  of the runs, the baseline first
 */
export function judgedTable(judged, letters) {
  const others = letters.slice(1);
  const head = h("tr", null, h("th", { scope: "col" }, t.number), h("th.number", { scope: "col" }, `${letters[0]} (${t.baseline})`),
    others.map((run) => [
      h("th.number", { scope: "col" }, run),
      h("th.number", { scope: "col" }, fill(t.changed, { run })),
      h("th", { scope: "col" }, fill(t.judgement, { run })),
    ]).flat());
  const rows = judged.map((row) => h("tr", { "data-measure": row.name },
    h("th.measure", { scope: "row" }, measureName(row.name), h("span.muted.way", null, row.better === "lower" ? t.lower : t.higher)),
    h("td.number", { "data-run": letters[0] }, measured(row.values[0], row.unit)),
    others.map((run, at) => cells(row, at + 1, run)).flat()));
  return h("div.scroll", { tabindex: "0", role: "region", "aria-label": t.table }, h("table", { id: "judged" }, h("thead", null, head), h("tbody", null, rows)));
}

/** @param {Judged} row @param {number} at @param {string} run */
function cells(row, at, run) {
  const found = of(row, at);
  const value = h("td.number", { "data-run": run }, measured(row.values[at], row.unit));
  if (found === null) return [value, h("td.number.muted", null, "–"), h("td", null, judgementBadge("no_decision"))];
  const by = found.ratio === null ? "–" : change(found.ratio);
  const range = found.low === null || found.high === null ? null : h("span.muted.range", null, `(${interval(found.low, found.high)})`);
  return [value, h("td.number", { "data-change": run }, by, range), h("td", null, judgementBadge(found.judgement))];
}

/** @param {string} judgement */
export function judgementBadge(judgement) {
  const [kind, sign] = LOOKS[judgement] ?? ["plain", ""];
  const text = /** @type {Record<string, string>} */ (JUDGEMENTS)[judgement] ?? judgement;
  return h(`span.badge.${kind}`, { "data-judgement": judgement }, h("span", { "aria-hidden": "true" }, `${sign} `), text);
}
