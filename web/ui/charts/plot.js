// Charts over the time of a run. Charts of one group share their time axis: the line under the mouse,
// what is zoomed in on, and the marks of events.

import uPlot from "../vendor/uplot/uPlot.esm.js";
import { h } from "../dom.js";
import { clock } from "../format.js";
import { steer } from "./hands.js";
import { makeLegend } from "./legend.js";
import { drawMarks, MarkLayer } from "./marks.js";

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
 * @property {string} [id]
 * @property {string} [empty]  what the legend says while there are no lines
 * @property {() => [number, number]} [range]  of the y axis, where it does not follow the data
 * @property {(chart: any) => void} [paint]  draws behind the grid
 * @property {(row: number) => string} [tell]  more about the row under the line
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
 * @property {(x: number | null) => void} point  puts the line under the mouse at a second
 * @property {HTMLElement} figure
 */

/** Seconds between two lines of the time axis. */
const STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400];

/** Charts that share a time axis. */
export class Group {
  /** @param {AbortSignal} signal  ends its charts */
  constructor(signal) {
    this.signal = signal;
    /** @type {Plot[]} */
    this.plots = [];
    /** @type {Mark[]} */
    this.marks = [];
    /** @type {[number, number] | null} */
    this.range = null;
    /** The second under the mouse. @type {number | null} */
    this.at = null;
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

  /** Shows a second on every chart; null: none. @param {number | null} x */
  point(x) {
    this.at = x;
    for (const plot of this.plots) plot.point(x);
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
  const made = new TimePlot(root, group, options);
  group.plots.push(made);
  return made;
}

/** @implements {Plot} */
class TimePlot {
  /** @param {HTMLElement} root @param {Group} group @param {Options} options */
  constructor(root, group, options) {
    this.group = group;
    this.options = options;
    this.height = options.height ?? 150;
    this.lines = options.lines;
    /** @type {(number | null)[][]} */
    this.data = [[], ...this.lines.map(() => [])];
    /** @type {any} */
    this.chart = null;
    // Nobody sees a chart that is scrolled away: its data wait until somebody does.
    this.isSeen = true;
    this.isBehind = false;
    this.place = h("div.plot-canvas", { tabindex: "0", role: "group", "aria-label": options.title });
    this.place.style.minHeight = `${this.height}px`;
    this.legend = makeLegend(this.lines, options, (line, isShown) => this.chart?.setSeries(line + 1, { show: isShown }));
    this.figure = h("figure.plot", { id: options.id ?? null, "aria-label": options.title },
      h("figcaption", null, options.title), this.place, this.legend.root);
    this.layer = new MarkLayer(this.place, group.plots.length === 0, options.xUnit ?? clock);
    root.append(this.figure);
    steer(this.place, group, () => this.chart, () => this.data[0]);
    this.#watch();
  }

  #watch() {
    const size = new ResizeObserver(() => {
      const width = this.place.clientWidth;
      if (width > 0 && this.chart !== null && this.chart.width !== width) this.chart.setSize({ width, height: this.height });
    });
    size.observe(this.place);
    const sight = new IntersectionObserver((entries) => {
      this.isSeen = entries[entries.length - 1].isIntersecting;
      if (this.isSeen && this.isBehind) this.set(this.data);
      if (this.isSeen) this.point(this.group.at);
    }, { rootMargin: "200px" });
    sight.observe(this.place);
    this.group.signal.addEventListener("abort", () => {
      size.disconnect();
      sight.disconnect();
      this.chart?.destroy();
      this.chart = null;
    });
  }

  /** @param {(number | null)[][]} columns */
  set(columns) {
    this.data = columns;
    this.isBehind = !this.isSeen && this.chart !== null;
    if (this.group.signal.aborted || this.isBehind) return;
    if (this.chart === null) this.#make();
    else this.chart.setData(columns, false);
    this.zoom(this.group.range);
    if (this.group.at !== null) this.point(this.group.at);
    else this.#tell(null);
  }

  #make() {
    const width = this.place.clientWidth || 600;
    this.chart = new uPlot(/** @type {any} */ (settings(this, width)), /** @type {any} */ (this.data), this.place);
    this.chart.over.append(this.layer.root);
  }

  /** @param {Line[]} lines */
  setLines(lines) {
    this.lines = lines;
    this.legend.setLines(lines);
    this.chart?.destroy();
    this.chart = null;
  }

  draw() {
    if (this.isSeen) this.chart?.redraw(false, true);
    else this.isBehind = this.chart !== null;
  }

  /** @param {[number, number] | null} range */
  zoom(range) {
    const x = this.data[0];
    if (this.chart === null || x.length === 0) return;
    const [min, max] = range ?? [/** @type {number} */ (x[0]), /** @type {number} */ (x[x.length - 1])];
    this.chart.setScale("x", { min, max: range === null ? Math.max(max, min + 1) : max });
  }

  /** @param {number | null} x */
  point(x) {
    if (this.chart === null || !this.isSeen) return;
    // Above all lines, so that no line of its own is drawn across.
    this.chart.setCursor(x === null ? { left: -10, top: -10 } : { left: this.chart.valToPos(x, "x"), top: -10 }, false);
    this.layer.near(this.chart, this.group.marks, x);
    this.#tell(x === null ? null : this.chart.cursor.idx ?? null);
  }

  /** Values of a row in the legend; null: the last one. @param {number | null} row */
  #tell(row) {
    const x = this.data[0];
    const shown = row ?? lastOf(this.data);
    const values = this.lines.map((_, line) => this.data[line + 1]?.[shown] ?? null);
    this.legend.show(x[shown] ?? null, values, this.options.tell?.(shown) ?? "");
  }
}

/** The last row with a value. @param {(number | null)[][]} data */
function lastOf([x, ...columns]) {
  for (let row = x.length - 1; row > 0; row -= 1) {
    if (columns.some((column) => (column[row] ?? null) !== null)) return row;
  }
  return x.length - 1;
}

/** @param {TimePlot} plotted @param {number} width */
function settings({ options, lines, group, height, layer }, width) {
  const xUnit = options.xUnit ?? clock;
  const axis = { stroke: () => colour("muted"), grid: { stroke: () => colour("grid"), width: 1 }, ticks: { show: false }, font: "11px system-ui, sans-serif" };
  const series = lines.map((line) => ({
    label: line.label,
    stroke: () => colour(line.colour),
    fill: line.filled ? () => `${colour(line.colour)}33` : undefined,
    width: line.dashed ? 1.25 : 1.75,
    dash: line.dashed ? [4, 4] : undefined,
    // One point alone is no line.
    points: { size: 5, show: (/** @type {any} */ chart) => chart.data[0].length < 3 },
  }));
  const range = options.range ?? (options.isLog ? wholeDecades : fromZero);
  return {
    width,
    height,
    cursor: {
      y: false,
      drag: { x: true, y: false, setScale: false },
      points: { size: 6 },
      bind: { dblclick: () => () => (group.zoom(null), null) },
    },
    legend: { show: false },
    padding: [6, 18, 0, 0],
    scales: { x: { time: false }, y: { distr: options.isLog ? 3 : 1, range } },
    axes: [
      { ...axis, size: 24, incrs: options.xSteps ?? STEPS_S, values: (/** @type {any} */ _chart, /** @type {number[]} */ at) => at.map((value) => xUnit(value)) },
      { ...axis, size: 60, ...(options.isLog ? { splits: decades, filter: (/** @type {any} */ _chart, /** @type {number[]} */ at) => at } : {}), values: (/** @type {any} */ _chart, /** @type {(number | null)[]} */ at) => at.map((v) => (v === null ? "" : options.unit(v))) },
    ],
    series: [{ label: "t" }, ...series],
    hooks: {
      drawClear: options.paint === undefined ? [] : [options.paint],
      draw: [(/** @type {any} */ chart) => {
        drawMarks(chart, group.marks, colour);
        layer.place(chart, group.marks);
      }],
      setSelect: [(/** @type {any} */ chart) => select(chart, group)],
      // Only the hand of the reader comes here: `point` sets the others without telling.
      setCursor: [(/** @type {any} */ chart) => group.point(chart.cursor.left < 0 ? null : chart.posToVal(chart.cursor.left, "x"))],
    },
  };
}

/** @param {any} _chart @param {number | null} _min @param {number | null} max @returns {[number, number]} */
const fromZero = (_chart, _min, max) => [0, max === null || max <= 0 ? 1 : max * 1.08];

/** An axis without data has its place all the same. @param {any} _chart @param {number | null} min @param {number | null} max @returns {[number, number]} */
function wholeDecades(_chart, min, max) {
  if (min === null || max === null || min <= 0) return [1e4, 1e7];
  const low = Math.floor(Math.log10(min));
  return [10 ** low, 10 ** Math.max(low + 1, Math.ceil(Math.log10(max)))];
}

/**
 * Powers of ten, and 2 and 5 between them where they are few: what people read off a logarithmic axis.
 *
 * @param {any} _chart @param {number} _axis @param {number} min @param {number} max
 */
function decades(_chart, _axis, min, max) {
  const steps = max / min > 1000 ? [1] : max / min > 50 ? [1, 3] : [1, 2, 5];
  const found = [];
  for (let decade = 10 ** Math.floor(Math.log10(min)); decade <= max; decade *= 10) {
    for (const step of steps) if (decade * step >= min && decade * step <= max) found.push(decade * step);
  }
  return found;
}

/** @param {any} chart @param {Group} group */
function select(chart, group) {
  const { left, width } = chart.select;
  if (width < 4) return;
  chart.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
  group.zoom([chart.posToVal(left, "x"), chart.posToVal(left + width, "x")]);
}
