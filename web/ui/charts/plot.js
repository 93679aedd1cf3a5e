// Charts over the time of a run. Charts of one group share their time axis: the line under the mouse,
// what is zoomed in on, and the marks of events.

import uPlot from "../vendor/uplot/uPlot.esm.js";
import { h } from "../dom.js";
import { clock } from "../format.js";

/**
 * @typedef {object} Line
 * @property {string} label
 * @property {string} colour  a custom property of the style sheet without its dashes: `c1` … `c8`, `bad`
 * @property {boolean} [dashed]
 * @property {boolean} [filled]
 *
 * @typedef {object} Options
 * @property {string} title
 * @property {(value: number) => string} unit  a value of the y axis as text
 * @property {Line[]} lines
 * @property {boolean} [isLog]  a logarithmic y axis
 * @property {number} [height]  of the canvas in pixels
 * @property {(seconds: number) => string} [xUnit]  a value of the x axis as text, where it is no time of a run
 * @property {number[]} [xSteps]  distances that its labels may have
 *
 * @typedef {object} Mark
 * @property {number} x  seconds
 * @property {string} text
 * @property {string} [colour]
 *
 * @typedef {object} Plot
 * @property {(data: (number | null)[][]) => void} set  seconds, then a column for each line
 * @property {(lines: Line[]) => void} setLines
 * @property {() => void} draw
 * @property {(range: [number, number] | null) => void} zoom
 */

let groups = 0;

/** Charts that share a time axis. */
export class Group {
  /** @param {AbortSignal} signal  ends its charts */
  constructor(signal) {
    this.signal = signal;
    this.sync = uPlot.sync(`time${(groups += 1)}`);
    /** @type {Plot[]} */
    this.plots = [];
    /** @type {Mark[]} */
    this.marks = [];
    /** @type {[number, number] | null} */
    this.range = null;
    /** @type {(range: [number, number] | null) => void} */
    this.zoomed = () => {};
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw(), { signal });
  }

  /** @param {Mark[]} marks */
  setMarks(marks) {
    this.marks = marks;
    this.draw();
  }

  draw() {
    for (const plot of this.plots) plot.draw();
  }

  /** Shows a part of the time on every chart; null: all of it. @param {[number, number] | null} range */
  zoom(range) {
    this.range = range;
    for (const plot of this.plots) plot.zoom(range);
    this.zoomed(range);
  }
}

/** A colour of the style sheet as it is now, light or dark. @param {string} name */
export const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/**
 * Draws a chart into `root`.
 *
 * @param {HTMLElement} root
 * @param {Group} group
 * @param {Options} options
 * @returns {Plot}
 */
export function plot(root, group, options) {
  const height = options.height ?? 150;
  const place = h("div.plot-canvas");
  const figure = h("figure.plot", { "aria-label": options.title }, h("figcaption", null, options.title), place);
  root.append(figure);
  /** @type {(number | null)[][]} */
  let data = [[], ...options.lines.map(() => [])];
  let lines = options.lines;
  /** @type {any} */
  let chart = null;

  const make = () => {
    chart?.destroy();
    chart = new uPlot(settings(options, lines, group, place.clientWidth || 600, height), /** @type {any} */ (data), place);
    if (group.range !== null) chart.setScale("x", { min: group.range[0], max: group.range[1] });
  };
  /** @type {Plot} */
  const made = {
    set(columns) {
      data = columns;
      if (chart === null) make();
      else chart.setData(data, false);
      made.zoom(group.range);
    },
    setLines(more) {
      lines = more;
      chart?.destroy();
      chart = null;
    },
    draw: () => chart?.redraw(false, true),
    zoom(range) {
      const x = data[0];
      if (chart === null || x.length === 0) return;
      const [min, max] = range ?? [/** @type {number} */ (x[0]), /** @type {number} */ (x[x.length - 1])];
      chart.setScale("x", { min, max: Math.max(max, min + 1) });
    },
  };
  const watch = new ResizeObserver(() => chart?.setSize({ width: place.clientWidth, height }));
  watch.observe(place);
  group.plots.push(made);
  group.signal.addEventListener("abort", () => {
    watch.disconnect();
    chart?.destroy();
  });
  return made;
}

/**
 * @param {Options} options
 * @param {Line[]} lines
 * @param {Group} group
 * @param {number} width
 * @param {number} height
 */
function settings(options, lines, group, width, height) {
  const x = options.xUnit ?? clock;
  const axis = { stroke: () => colour("muted"), grid: { stroke: () => colour("grid"), width: 1 }, ticks: { show: false } };
  const series = lines.map((line) => ({
    label: line.label,
    stroke: () => colour(line.colour),
    fill: line.filled ? () => `${colour(line.colour)}33` : undefined,
    width: 1.5,
    dash: line.dashed ? [4, 4] : undefined,
    points: { show: false },
    value: (/** @type {any} */ _chart, /** @type {number | null} */ value) => (value === null ? "–" : options.unit(value)),
  }));
  return {
    width,
    height,
    cursor: {
      sync: { key: group.sync.key, setSeries: false },
      drag: { x: true, y: false, setScale: false },
      points: { size: 6 },
      bind: { dblclick: () => () => (group.zoom(null), null) },
    },
    legend: { live: true },
    scales: { x: { time: false }, y: { distr: options.isLog ? 3 : 1, range: options.isLog ? undefined : fromZero } },
    axes: [
      { ...axis, size: 28, incrs: options.xSteps, values: (/** @type {any} */ _chart, /** @type {number[]} */ at) => at.map((value) => x(value)) },
      { ...axis, size: 68, values: (/** @type {any} */ _chart, /** @type {(number | null)[]} */ at) => at.map((v) => (v === null ? "" : options.unit(v))) },
    ],
    series: [{ label: "t", value: (/** @type {any} */ _chart, /** @type {number | null} */ at) => (at === null ? "–" : x(at)) }, ...series],
    hooks: {
      draw: [(/** @type {any} */ chart) => drawMarks(chart, group.marks)],
      setSelect: [(/** @type {any} */ chart) => select(chart, group)],
    },
  };
}

/** @param {any} _chart @param {number | null} _min @param {number | null} max @returns {[number, number]} */
const fromZero = (_chart, _min, max) => [0, max === null || max <= 0 ? 1 : max * 1.08];

/** @param {any} chart @param {Group} group */
function select(chart, group) {
  const { left, width } = chart.select;
  if (width < 4) return;
  group.zoom([chart.posToVal(left, "x"), chart.posToVal(left + width, "x")]);
  chart.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
}

/** @param {any} chart @param {Mark[]} marks */
function drawMarks(chart, marks) {
  const { ctx, bbox } = chart;
  ctx.save();
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([3 * devicePixelRatio, 3 * devicePixelRatio]);
  for (const mark of marks) {
    const x = Math.round(chart.valToPos(mark.x, "x", true));
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.strokeStyle = colour(mark.colour ?? "muted");
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
  }
  ctx.restore();
}
