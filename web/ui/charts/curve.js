// Percentile curves: response time over the share of requests that were that fast or faster. The axis
// stretches what is slow, as the plots of HdrHistogram do: 0, 90 %, 99 %, 99.9 % are as far apart.

import uPlot from "../vendor/uplot/uPlot.esm.js";
import { h, put, say } from "../dom.js";
import { time } from "../format.js";
import { texts } from "../i18n.js";
import { colour } from "./plot.js";

const t = texts({
  title: ["Response time by percentile", "响应时间百分位曲线"],
  log: ["Logarithmic", "对数刻度"],
  hint: ["Arrow keys step along the curve", "方向键沿曲线移动"],
  place: ["Percentile", "百分位"],
  empty: ["No response time was recorded", "没有记录到响应时间"],
});

/**
 * @typedef {object} Run
 * @property {string} label
 * @property {string} colour  a custom property of the style sheet without its dashes
 * @property {[number, number][]} points  quantile 0 … 1 and the response time in ns
 */

const HEIGHT = 260;
/** Nines that the axis has at most. */
const NINES_MAX = 7;

/** Where a quantile is on the axis: 0.9 → 1, 0.99 → 2. @param {number} quantile */
const place = (quantile) => -Math.log10(1 - quantile);

/** A place on the axis as a percentile: 3 → `99.9 %`. @param {number} at */
function percentile(at) {
  const share = (1 - 10 ** -at) * 100;
  return `${share.toFixed(Math.max(0, Math.ceil(at) - (Number.isInteger(at) ? 2 : 1)))} %`;
}

/**
 * Draws the curves of one or more runs into `root`.
 *
 * @param {HTMLElement} root
 * @param {{ signal: AbortSignal, runs: Run[], title?: string }} options
 */
export function curve(root, { signal, runs, title = t.title }) {
  const drawn = runs.filter((run) => run.points.length > 0);
  const log = /** @type {HTMLInputElement} */ (h("input", { type: "checkbox", id: "curve-log" }));
  const canvas = h("div.curve-canvas", { tabindex: "0", role: "group", "aria-label": `${title}. ${t.hint}` });
  const legend = makeLegend(drawn);
  const head = h("figcaption.curve-head", null, h("span", null, title), h("label.curve-option", null, log, t.log));
  root.append(h("figure.plot.curve", null, head, canvas, legend.root));
  if (drawn.length === 0) {
    log.disabled = true;
    put(canvas, h("p.empty", null, t.empty));
    return;
  }
  const data = table(drawn);
  /** @type {any} */
  let chart = null;
  const make = () => {
    chart?.destroy();
    const settings = axes(drawn, log.checked, canvas.clientWidth || 600, (at) => legend.show(at === null ? null : data[0][at], at === null ? [] : data.slice(1).map((column) => column[at])));
    chart = new uPlot(/** @type {any} */ (settings), /** @type {any} */ (data), canvas);
    legend.show(null, []);
  };
  make();
  log.addEventListener("change", make, { signal });
  canvas.addEventListener("keydown", (event) => step(event, chart, data[0]), { signal });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => chart.redraw(false, true), { signal });
  const watch = new ResizeObserver(() => chart.setSize({ width: canvas.clientWidth, height: HEIGHT }));
  watch.observe(canvas);
  signal.addEventListener("abort", () => {
    watch.disconnect();
    chart.destroy();
  });
}

/**
 * Places on the axis, then the times of each run at them. The runs have points of their own: what a run
 * has at the place of another's point is the time that so many of its requests did not exceed.
 *
 * @param {Run[]} runs
 * @returns {(number | null)[][]}
 */
function table(runs) {
  const sorted = runs.map((run) => run.points.filter(([quantile]) => quantile < 1).sort((a, b) => a[0] - b[0]));
  const quantiles = [...new Set(sorted.flat().map(([quantile]) => quantile))].filter((one) => place(one) <= NINES_MAX).sort((a, b) => a - b);
  return [quantiles.map(place), ...sorted.map((points) => column(points, quantiles))];
}

/** @param {[number, number][]} points @param {number[]} quantiles @returns {(number | null)[]} */
function column(points, quantiles) {
  let next = 0;
  return quantiles.map((quantile) => {
    while (next < points.length && points[next][0] < quantile) next += 1;
    return next < points.length ? points[next][1] : null;
  });
}

/**
 * @param {Run[]} runs
 * @param {boolean} isLog
 * @param {number} width
 * @param {(at: number | null) => void} pointed
 */
function axes(runs, isLog, width, pointed) {
  const axis = { stroke: () => colour("muted"), grid: { stroke: () => colour("grid"), width: 1 }, ticks: { show: false } };
  const series = runs.map((run) => ({
    label: run.label,
    stroke: () => colour(run.colour),
    width: 1.75,
    points: { show: false },
  }));
  /** @param {any} _chart @param {number} min @param {number} max */
  const nines = (_chart, min, max) => [min, Math.max(2, max)];
  /** @param {any} _chart @param {number | null} _min @param {number | null} max */
  const fromZero = (_chart, _min, max) => [0, max === null || max <= 0 ? 1 : max * 1.05];
  return {
    width,
    height: HEIGHT,
    cursor: { drag: { x: false, y: false, setScale: false }, points: { size: 6 }, y: false },
    legend: { show: false },
    scales: { x: { time: false, range: nines }, y: { distr: isLog ? 3 : 1, range: isLog ? undefined : fromZero } },
    axes: [
      { ...axis, size: 28, splits: (/** @type {any} */ _chart, /** @type {any} */ _axis, /** @type {number} */ _min, /** @type {number} */ max) => wholes(max), values: (/** @type {any} */ _chart, /** @type {number[]} */ at) => at.map(percentile) },
      { ...axis, size: 68, values: (/** @type {any} */ _chart, /** @type {(number | null)[]} */ at) => at.map((value) => (value === null ? "" : time(value))) },
    ],
    series: [{ label: "%" }, ...series],
    hooks: { setCursor: [(/** @type {any} */ chart) => pointed(chart.cursor.idx ?? null)] },
  };
}

/** @param {number} max */
const wholes = (max) => Array.from({ length: Math.floor(max) + 1 }, (_, at) => at);

/** @param {KeyboardEvent} event @param {any} chart @param {(number | null)[]} places */
function step(event, chart, places) {
  const now = chart.cursor.idx ?? -1;
  const last = places.length - 1;
  /** @type {Record<string, number>} */
  const moves = { ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: last };
  if (!(event.key in moves)) return;
  event.preventDefault();
  const at = Math.max(0, Math.min(last, moves[event.key]));
  chart.setCursor({ left: chart.valToPos(places[at], "x"), top: 0 });
}

/** What each line is, and its time under the mouse. Its places have a width: nothing moves. @param {Run[]} runs */
function makeLegend(runs) {
  const where = h("span.curve-place");
  const numbers = runs.map(() => h("span.curve-value"));
  const items = runs.map((run, at) => {
    const swatch = h("span.curve-swatch");
    swatch.style.borderTopColor = `var(--${run.colour})`;
    return h("span.curve-item", null, swatch, h("span.cut", null, run.label), numbers[at]);
  });
  return {
    root: h("div.curve-legend", { id: "curve-legend" }, where, items),
    /** @param {number | null} at @param {(number | null)[]} values */
    show(at, values) {
      say(where, at === null ? t.place : percentile(at));
      numbers.forEach((number, run) => say(number, shown(values[run])));
    },
  };
}

/** @param {number | null | undefined} value */
const shown = (value) => (value === null || value === undefined ? "–" : time(value));
