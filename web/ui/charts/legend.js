// What the lines of a chart are, and their values under the mouse (or the last ones). Its places have
// a fixed width: nothing moves when numbers do. A click on a line hides it.

import { h, put, say } from "../dom.js";
import { clock } from "../format.js";

/**
 * @param {import("./plot.js").Line[]} first
 * @param {import("./plot.js").Options} options
 * @param {(line: number, isShown: boolean) => void} toggle
 */
export function makeLegend(first, options, toggle) {
  const xUnit = options.xUnit ?? clock;
  const time = h("span.legend-time");
  const list = h("span.legend-lines");
  const more = h("span.legend-more");
  const root = h("div.legend", null, time, list, more);
  /** @type {HTMLElement[]} */
  let numbers = [];

  /** @param {import("./plot.js").Line[]} lines */
  const setLines = (lines) => {
    numbers = lines.map(() => h("span.legend-value"));
    const items = lines.map((line, at) => item(line, numbers[at], (isShown) => toggle(at, isShown)));
    put(list, items, items.length === 0 && options.empty ? h("span.muted", null, options.empty) : null);
  };
  setLines(first);
  return {
    root,
    setLines,
    /** @param {number | null} x @param {(number | null)[]} values @param {string} text */
    show(x, values, text) {
      say(time, x === null ? "" : xUnit(x));
      values.forEach((value, at) => numbers[at] && say(numbers[at], value === null ? "–" : options.unit(value)));
      say(more, text);
    },
  };
}

/**
 * @param {import("./plot.js").Line} line
 * @param {HTMLElement} number
 * @param {(isShown: boolean) => void} toggle
 */
function item(line, number, toggle) {
  const swatch = h(`span.legend-swatch${line.dashed ? ".dashed" : ""}`);
  swatch.style.borderTopColor = `var(--${line.colour})`;
  const click = () => {
    const isShown = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(isShown));
    toggle(isShown);
  };
  const button = h("button.legend-item", { type: "button", "aria-pressed": "true", onclick: click }, swatch, h("span", null, line.label), number);
  return button;
}
