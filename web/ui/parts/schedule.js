// The schedule as a picture: the planned rate over time, the warm-up shaded.

import { h, put, svg } from "../dom.js";
import { clock, rate } from "../format.js";
import { fill, texts } from "../i18n.js";

/** @typedef {[at_s: number, rate_per_s: number]} Point */

const t = texts({
  title: ["Planned rate in requests a second over time", "计划速率（请求/秒）随时间变化"],
  none: ["No schedule yet: give a rate or a profile", "暂无计划：请填写速率或压力曲线"],
  closed: ["Closed loop: the rate follows the responses", "闭环：速率由响应决定"],
  warmup: ["warm-up", "预热"],
  spoken: ["Planned rate: from {from} to {to}, at the most {peak}, over {length} s", "计划速率：从 {from} 到 {to}，最高 {peak}，共 {length} 秒"],
});

const HEIGHT = 130;
const LEFT = 64;
const RIGHT = 14;
const TOP = 12;
const BOTTOM = 24;
/** Points that are drawn as dots, at the most: more would hide the line. */
const DOTS = 40;

export class Schedule {
  /** @param {AbortSignal} signal */
  constructor(signal) {
    this.place = h("div.schedule-place");
    this.element = h("figure.schedule", { id: "schedule", "data-points": 0 }, this.place);
    /** @type {Point[]} */
    this.points = [];
    this.isClosed = false;
    const watch = new ResizeObserver(() => this.draw());
    watch.observe(this.place);
    signal.addEventListener("abort", () => watch.disconnect());
  }

  /** @param {Point[]} points @param {boolean} isClosed */
  set(points, isClosed) {
    this.points = points;
    this.isClosed = isClosed;
    this.element.setAttribute("data-points", String(points.length));
    this.draw();
  }

  draw() {
    const width = Math.max(this.place.clientWidth, 160);
    if (this.points.length < 2) {
      put(this.place, h("p.empty", null, this.isClosed ? t.closed : t.none));
      return;
    }
    const peak = Math.max(...this.points.map(([, y]) => y));
    const from = this.points[0][0];
    const to = Math.max(this.points[this.points.length - 1][0], from + 1e-9);
    const x = (/** @type {number} */ at) => LEFT + ((at - from) / (to - from)) * (width - LEFT - RIGHT);
    const y = (/** @type {number} */ value) => HEIGHT - BOTTOM - (value / (peak * 1.08 || 1)) * (HEIGHT - TOP - BOTTOM);
    const line = this.points.map(([at, value]) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`);
    const ground = y(0).toFixed(1);
    const label = fill(t.spoken, { from: rate(this.points[0][1]), to: rate(this.points[this.points.length - 1][1]), peak: rate(peak), length: (to - from).toFixed(0) });
    put(this.place, svg("svg", { width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": label },
      svg("title", null, t.title),
      axes(width, from, to, peak * 1.08 || 1, x, y),
      warmup(from, x),
      svg("polygon.area", { points: `${x(from).toFixed(1)},${ground} ${line.join(" ")} ${x(to).toFixed(1)},${ground}` }),
      svg("polyline.line", { points: line.join(" ") }),
      this.points.length <= DOTS ? this.points.map(([at, value]) => svg("circle.dot", { cx: x(at), cy: y(value), r: 2.5 })) : null));
  }
}

/** @param {number} from @param {(at: number) => number} x */
function warmup(from, x) {
  if (from >= 0) return null;
  const [left, right] = [x(from), x(0)];
  return [
    svg("rect.warmup", { x: left, y: TOP, width: right - left, height: HEIGHT - TOP - BOTTOM, "data-warmup": -from }),
    svg("line.edge", { x1: right, x2: right, y1: TOP, y2: HEIGHT - BOTTOM }),
    right - left > 48 ? svg("text.middle", { x: (left + right) / 2, y: HEIGHT - BOTTOM - 6 }, t.warmup) : null,
  ];
}

/**
 * @param {number} width
 * @param {number} from
 * @param {number} to
 * @param {number} top
 * @param {(at: number) => number} x
 * @param {(value: number) => number} y
 */
function axes(width, from, to, top, x, y) {
  const rates = ticks(0, top, 4, 10);
  const times = ticks(from, to, width > 420 ? 7 : 4, to - from > 10 ? 60 : 10);
  const name = (/** @type {number} */ at) => (to - from < 10 ? `${Number(at.toFixed(3))} s` : clock(at));
  return [
    rates.map((value) => [
      svg("line.grid", { x1: LEFT, x2: width - RIGHT, y1: y(value), y2: y(value) }),
      svg("text.end", { x: LEFT - 6, y: y(value) + 4 }, rate(value)),
    ]),
    times.map((at) => svg("text.middle", { x: x(at), y: HEIGHT - 8 }, name(at))),
  ].flat(2);
}

/** Steps of a tick: of numbers by tens, of times by sixties. @type {Record<number, number[]>} */
const STEPS = { 10: [1, 2, 5, 10], 60: [1, 2, 5, 10, 15, 30, 60] };

/**
 * Round values between two, few enough to be read.
 *
 * @param {number} from
 * @param {number} to
 * @param {number} most
 * @param {10 | 60} base
 */
function ticks(from, to, most, base) {
  const least = (to - from) / most;
  const power = base ** Math.floor(Math.log(least) / Math.log(base));
  const step = (STEPS[base].find((one) => one * power >= least * 0.999) ?? base) * power;
  const first = Math.ceil(from / step - 1e-9);
  const count = Math.max(0, Math.floor((to - first * step) / step + 1e-6) + 1);
  return Array.from({ length: count }, (_, index) => (first + index) * step);
}
