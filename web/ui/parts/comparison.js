// Two to four runs side by side: what was judged first, then curves, rates over time, every number,
// and what differs in plan and environment. The first run is the baseline.

import { curve } from "../charts/curve.js";
import { Group, plot } from "../charts/plot.js";
import { h } from "../dom.js";
import { duration, moment, rate, time } from "../format.js";
import { fill, texts } from "../i18n.js";
import { verdictBadge } from "./badges.js";
import { judgedTable, sentence } from "./judged.js";
import { measured, measureName, unitOf } from "./measures.js";

const t = texts({
  judged: ["Differences", "差异"],
  noise: ["An interval has the true change in 95 of 100 cases, by the noise inside of both runs.", "区间依据两次运行内部的波动，在 100 次中有 95 次包含真实变化。"],
  runs: ["Runs", "运行"],
  baseline: ["baseline", "基线"],
  makeBaseline: ["Make baseline", "设为基线"],
  remove: ["Remove", "移除"],
  makeBaselineOf: ["Make baseline: {run}", "设为基线：{run}"],
  removeOf: ["Remove: {run}", "移除：{run}"],
  curves: ["Distribution", "分布"],
  overTime: ["Over time", "随时间变化"],
  completed: ["Completed per second", "每秒完成"],
  p99: ["Response time p99", "响应时间 p99"],
  numbers: ["All numbers", "全部指标"],
  number: ["Number", "指标"],
  plan: ["Plans", "压测计划差异"],
  environment: ["Environments", "环境差异"],
  samePlan: ["The plans are the same.", "压测计划相同。"],
  sameEnvironment: ["The environments are the same.", "环境相同。"],
  field: ["Field", "字段"],
});

/** Colours of the runs, in their order: told apart without seeing red from green. */
const COLOURS = ["c1", "c2", "c3", "c4"];

/** What the runs are called in short. */
const LETTERS = ["A", "B", "C", "D"];

/** Letters of a name that fit beside a line. */
const LABEL_MAX = 20;

/** @param {string} name */
const brief = (name) => (name.length > LABEL_MAX ? `${name.slice(0, LABEL_MAX - 1)}…` : name);

/** @typedef {(number | null)[]} Column */

/**
 * @param {any} found  the answer of `compare`
 * @param {{ signal: AbortSignal, choose: (runs: string[]) => void }} how  `choose` compares other runs
 * @returns {{ root: HTMLElement, draw: () => void }}  `draw` once it is on the page: charts have to know their width
 */
export function comparison(found, { signal, choose }) {
  const letters = LETTERS.slice(0, found.runs.length);
  const labels = found.runs.map((/** @type {any} */ run, /** @type {number} */ at) => `${letters[at]} ${brief(run.name)}`);
  const curves = h("section.card", { id: "curve" }, h("h2", null, t.curves));
  const overTime = h("section.card", null, h("h2", null, t.overTime));
  const root = h("div.comparison", null,
    summary(found, letters),
    runCards(found.runs, letters, choose),
    h("section.card", null, h("h2", null, t.judged), judgedTable(found.judged, letters), h("p.muted.note", null, t.noise)),
    h("div.columns", null, curves, overTime),
    numbers(found.numbers, letters),
    differing("plan", t.plan, t.samePlan, found.plan, letters),
    differing("environment", t.environment, t.sameEnvironment, found.environment, letters),
  );
  const draw = () => {
    const named = (/** @type {any} */ one) => Math.max(0, found.runs.findIndex((/** @type {any} */ run) => run.run === one.run));
    curve(curves, { signal, runs: found.curves.map((/** @type {any} */ one) => ({ label: labels[named(one)], colour: COLOURS[named(one)], points: one.points })) });
    rates(overTime, found.rates, labels, signal);
  };
  return { root, draw };
}

/** @param {any} found @param {string[]} letters */
function summary(found, letters) {
  const lines = letters.slice(1).map((letter, at) => {
    const { kind, text } = sentence(found.judged, at + 1, letters);
    return h(`p.sentence.${kind}`, { "data-run": letter, "data-kind": kind }, text);
  });
  const named = (/** @type {string} */ text) =>
    found.runs.reduce((/** @type {string} */ said, /** @type {any} */ run, /** @type {number} */ at) => said.replaceAll(run.run, letters[at]), text);
  const warnings = found.warnings.map((/** @type {string} */ text) => h("li", null, named(text)));
  return h("section.card.summary", { id: "summary" }, lines, warnings.length > 0 && h("ul.warnings", { id: "warnings" }, warnings));
}

/** @param {any[]} runs @param {string[]} letters @param {(runs: string[]) => void} choose */
function runCards(runs, letters, choose) {
  const ids = runs.map((run) => run.run);
  const cards = runs.map((run, at) => {
    const others = ids.filter((_, other) => other !== at);
    const swatch = h("span.run-swatch", { "aria-hidden": "true" });
    swatch.style.backgroundColor = `var(--${COLOURS[at]})`;
    return h("li.card.run-card", { "data-run": run.run },
      h("div.row", null, swatch, h("strong", null, letters[at]), h("a.cut", { href: `#/runs/${encodeURIComponent(run.run)}` }, run.name), verdictBadge(run.verdict)),
      h("div.muted", null, moment(run.started_unix_us), " · ", duration(run.duration_us / 1e6)),
      h("div.row.run-actions", null,
        at === 0
          ? h("span.badge.busy", null, t.baseline)
          : h("button.small", { type: "button", "data-action": "baseline", "aria-label": fill(t.makeBaselineOf, { run: letters[at] }), onclick: () => choose([run.run, ...others]) }, t.makeBaseline),
        h("button.small", { type: "button", "data-action": "remove", "aria-label": fill(t.removeOf, { run: letters[at] }), onclick: () => choose(others) }, t.remove)));
  });
  return h("section", null, h("h2", null, t.runs), h("ul.run-cards", { id: "compared" }, cards));
}

/**
 * @param {HTMLElement} root
 * @param {any[]} tracks
 * @param {string[]} labels
 * @param {AbortSignal} signal
 */
function rates(root, tracks, labels, signal) {
  const group = new Group(signal);
  const lines = tracks.map((_, at) => ({ label: labels[at], colour: COLOURS[at] }));
  const seconds = [...new Set(tracks.flatMap((track) => track.second))].sort((a, b) => a - b);
  for (const [title, unit, name] of /** @type {[string, (value: number) => string, string][]} */ ([[t.completed, rate, "completed_per_s"], [t.p99, time, "response_p99_ns"]])) {
    plot(root, group, { title, unit, lines, height: 120 }).set([seconds, ...tracks.map((track) => atSeconds(track, name, seconds))]);
  }
}

/**
 * A column of a run at the seconds of all runs: rows of several seconds go on until the next one.
 *
 * @param {any} track
 * @param {string} name
 * @param {number[]} seconds
 * @returns {Column}
 */
function atSeconds(track, name, seconds) {
  let row = -1;
  return seconds.map((second) => {
    while (row + 1 < track.second.length && track.second[row + 1] <= second) row += 1;
    return row >= 0 && second < track.second[row] + track.width_s ? track[name][row] : null;
  });
}

/** @param {{ name: string, values: Column }[]} rows @param {string[]} letters */
function numbers(rows, letters) {
  const body = rows.map((row) => h("tr", { "data-number": row.name },
    h("th", { scope: "row" }, measureName(row.name)),
    row.values.map((value) => h("td.number", null, measured(value, unitOf(row.name))))));
  const head = h("tr", null, h("th", { scope: "col" }, t.number), letters.map((letter) => h("th.number", { scope: "col" }, letter)));
  return h("details.card", { id: "numbers" }, h("summary", null, t.numbers),
    h("div.scroll", { tabindex: "0", role: "region", "aria-label": t.numbers }, h("table", null, h("thead", null, head), h("tbody", null, body))));
}

/**
 * @param {string} id
 * @param {string} title
 * @param {string} same
 * @param {{ name: string, values: (string | null)[] }[]} rows
 * @param {string[]} letters
 */
function differing(id, title, same, rows, letters) {
  const section = (/** @type {HTMLElement} */ what) => h("section.card", { id }, h("h2", null, title), what);
  if (rows.length === 0) return section(h("p.muted", null, same));
  const body = rows.map((row) => h("tr", { "data-field": row.name },
    h("th", { scope: "row" }, h("code", null, row.name)),
    row.values.map((value) => h("td.text", null, value ?? "–"))));
  const head = h("tr", null, h("th", { scope: "col" }, t.field), letters.map((letter) => h("th", { scope: "col" }, letter)));
  return section(h("div.scroll", { tabindex: "0", role: "region", "aria-label": title }, h("table", null, h("thead", null, head), h("tbody", null, body))));
}
