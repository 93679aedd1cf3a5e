// Marks of events on a chart: a line for each, and above it a flag whose text shows under the mouse,
// with the focus, and when the line under the mouse comes near.

import { h, put } from "../dom.js";

/** Flags nearer than this are one. */
const NEAR_PIXELS = 7;

/**
 * @param {any} chart
 * @param {import("./plot.js").Mark[]} marks
 * @param {(name: string) => string} colour
 */
export function drawMarks(chart, marks, colour) {
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

/** The flags of one chart. */
export class MarkLayer {
  /**
   * @param {HTMLElement} place  of the chart; the text shows in it
   * @param {boolean} isFirst  the flags of one chart of a group are enough to step through
   * @param {(seconds: number) => string} xUnit  a moment as text
   */
  constructor(place, isFirst, xUnit) {
    this.xUnit = xUnit;
    this.root = h("div.marks");
    this.tip = h("div.mark-tip", { hidden: true });
    this.isFirst = isFirst;
    this.placed = "";
    place.append(this.tip);
  }

  /** Puts the flags where the lines are. @param {any} chart @param {import("./plot.js").Mark[]} marks */
  place(chart, marks) {
    const width = chart.over.clientWidth;
    const places = marks.map((mark) => ({ mark, left: Math.round(chart.valToPos(mark.x, "x")) }))
      .filter(({ left }) => left >= 0 && left <= width).sort((a, b) => a.left - b.left);
    const key = JSON.stringify(places.map(({ mark, left }) => [left, mark.text]));
    if (key === this.placed) return;
    this.placed = key;
    /** @type {{ left: number, marks: import("./plot.js").Mark[] }[]} */
    const flags = [];
    for (const { mark, left } of places) {
      const last = flags[flags.length - 1];
      if (last !== undefined && left - last.left < NEAR_PIXELS) last.marks.push(mark);
      else flags.push({ left, marks: [mark] });
    }
    put(this.root, flags.map((flag) => this.#flag(chart, flag.left, flag.marks)));
  }

  /** @param {any} chart @param {number} left @param {import("./plot.js").Mark[]} marks */
  #flag(chart, left, marks) {
    const text = this.#text(marks);
    const show = () => this.#show(chart, left, text);
    const hide = () => { this.tip.hidden = true; };
    // A press on it is not the start of a zoom.
    const keep = (/** @type {Event} */ event) => event.stopPropagation();
    const button = h("button.mark", {
      type: "button", "aria-label": text, tabindex: this.isFirst ? "0" : "-1",
      onmouseenter: show, onmouseleave: hide, onfocus: show, onblur: hide, onmousedown: keep,
    });
    button.style.left = `${left}px`;
    button.style.background = `var(--${marks[0].colour ?? "muted"})`;
    return button;
  }

  /** Shows the text of marks at a second. @param {any} chart @param {import("./plot.js").Mark[]} marks @param {number | null} x */
  near(chart, marks, x) {
    this.tip.hidden = true;
    if (x === null || marks.length === 0) return;
    const left = chart.valToPos(x, "x");
    const found = marks.filter((mark) => Math.abs(chart.valToPos(mark.x, "x") - left) < NEAR_PIXELS);
    if (found.length > 0) this.#show(chart, left, this.#text(found));
  }

  /** @param {any} chart @param {number} left @param {string} text */
  #show(chart, left, text) {
    put(this.tip, text);
    this.tip.hidden = false;
    const { offsetLeft, clientWidth } = chart.over;
    const most = Math.max(0, offsetLeft + clientWidth - this.tip.offsetWidth);
    this.tip.style.left = `${Math.min(offsetLeft + left + 8, most)}px`;
  }

  /** @param {import("./plot.js").Mark[]} marks */
  #text(marks) {
    return marks.slice(0, 6).map((mark) => `${this.xUnit(mark.x)} ${mark.text}`).join("\n");
  }
}
