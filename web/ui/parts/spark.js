// A line without axes, as large as a word: how a number went over a run.

import { svg } from "../dom.js";

const WIDTH = 96;
const HEIGHT = 24;

/**
 * @param {string} label  what it shows, for those who do not see it
 * @returns {{ element: SVGElement, set: (values: number[]) => void }}
 */
export function spark(label) {
  const line = svg("polyline", { fill: "none", "vector-effect": "non-scaling-stroke" });
  const element = svg("svg.spark", { role: "img", "aria-label": label, viewBox: `0 0 ${WIDTH} ${HEIGHT}`, width: WIDTH, height: HEIGHT }, line);
  let shown = "";
  return {
    element,
    set(values) {
      const points = outline(values);
      if (points === shown) return;
      shown = points;
      line.setAttribute("points", points);
    },
  };
}

/** Corners of the line: zero is at the bottom, the largest value on top. @param {number[]} values */
export function outline(values) {
  if (values.length === 0) return "";
  const most = Math.max(...values, 0) || 1;
  const whole = values.length === 1 ? [values[0], values[0]] : values;
  const step = (WIDTH - 2) / (whole.length - 1);
  const y = (/** @type {number} */ value) => HEIGHT - 1.5 - (value / most) * (HEIGHT - 3);
  return whole.map((value, at) => `${(1 + at * step).toFixed(1)},${y(value).toFixed(1)}`).join(" ");
}
