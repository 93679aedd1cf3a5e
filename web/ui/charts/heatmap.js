// Response times as a map: time across, time taken upwards, and the colour says how many responses.
// Rows are quarters of an octave. Colours are viridis (perceptually uniform), turned around on a light
// page so that few is always near the background and many far from it; they follow the logarithm.

import { h } from "../dom.js";
import { count, time } from "../format.js";
import { bandEdge } from "../parts/hdr.js";
import { plot } from "./plot.js";

/** Matplotlib's viridis at nine equal steps. */
const VIRIDIS = [[68, 1, 84], [71, 44, 122], [59, 81, 139], [44, 113, 142], [33, 144, 141], [39, 173, 129], [92, 200, 99], [170, 220, 50], [253, 231, 37]];
const SHADES = 64;
const HEIGHT = 200;

/**
 * @typedef {object} Heatmap
 * @property {(x: (number | null)[], seconds: number[], bands: (number[] | null)[]) => void} set
 */

/**
 * @param {HTMLElement} root
 * @param {import("./plot.js").Group} group
 * @param {{ title: string, id?: string, few: string, many: string, at: string }} options  texts
 * @returns {Heatmap}
 */
export function heatmap(root, group, options) {
  /** @type {number[]} */
  let seconds = [];
  /** @type {(number[] | null)[]} */
  let bands = [];
  /** @type {[number, number]} */
  let range = [1e5, 1e7];
  const scale = /** @type {HTMLCanvasElement} */ (h("canvas.heat-scale", { width: SHADES, height: 1, "aria-hidden": "true" }));
  const made = plot(root, group, {
    title: options.title, id: options.id, height: HEIGHT, lines: [], isLog: true, unit: time,
    range: () => range,
    paint: (chart) => paint(chart, seconds, bands, scale),
    tell: (row) => tell(bands[row] ?? null, options.at),
  });
  made.figure.querySelector(".legend-lines")?.append(h("span.muted", null, options.few), scale, h("span.muted", null, options.many));
  return {
    set(x, width, rows) {
      seconds = width;
      bands = rows;
      range = rangeOf(rows);
      made.set([x]);
    },
  };
}

/** What is most frequent in a row. @param {number[] | null} row @param {string} at  before the value */
function tell(row, at) {
  if (row === null || row.length === 0) return "";
  let most = 0;
  for (let pair = 0; pair < row.length; pair += 2) if (row[pair + 1] > row[most + 1]) most = pair;
  return `${count(row[most + 1])} ${at} ${time(bandEdge(row[most]))} – ${time(bandEdge(row[most] + 1))}`;
}

/** @param {(number[] | null)[]} rows @returns {[number, number]} */
function rangeOf(rows) {
  let [low, high] = [Infinity, 0];
  for (const row of rows) {
    if (row === null || row.length === 0) continue;
    low = Math.min(low, row[0]);
    high = Math.max(high, row[row.length - 2]);
  }
  return high === 0 ? [1e5, 1e7] : [Math.max(1, bandEdge(low)), bandEdge(high + 1)];
}

/**
 * Every column of pixels is the sum of the rows in it, so that no second is lost on a narrow screen.
 *
 * @param {any} chart
 * @param {number[]} seconds  of each row
 * @param {(number[] | null)[]} rows
 * @param {HTMLCanvasElement} scale
 */
function paint(chart, seconds, rows, scale) {
  const { ctx, bbox } = chart;
  const width = Math.max(1, Math.round(bbox.width));
  const { cells, lowest, highest, most } = sums(chart, seconds, rows, width);
  const shades = palette();
  paintScale(scale, shades);
  if (most === 0) return;
  const height = highest - lowest + 1;
  const strip = new OffscreenCanvas(width, height);
  const brush = /** @type {OffscreenCanvasRenderingContext2D} */ (strip.getContext("2d"));
  const image = brush.createImageData(width, height);
  const perCount = (SHADES - 1) / Math.log(most + 1);
  for (let cell = 0; cell < cells.length; cell += 1) {
    if (cells[cell] === 0) continue;
    const shade = Math.round(Math.log(cells[cell] + 1) * perCount);
    image.data.set(shades[shade], cell * 4);
  }
  brush.putImageData(image, 0, 0);
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.imageSmoothingEnabled = false;
  for (let band = lowest; band <= highest; band += 1) {
    const top = Math.round(chart.valToPos(bandEdge(band + 1), "y", true));
    const bottom = Math.round(chart.valToPos(Math.max(1, bandEdge(band)), "y", true));
    ctx.drawImage(strip, 0, band - lowest, width, 1, bbox.left, top, bbox.width, bottom - top);
  }
  ctx.restore();
}

/** @param {any} chart @param {number[]} seconds @param {(number[] | null)[]} rows @param {number} width */
function sums(chart, seconds, rows, width) {
  const { min, max } = chart.scales.x;
  const x = chart.data[0];
  let [lowest, highest] = [Infinity, 0];
  for (const row of rows) {
    if (row === null || row.length === 0) continue;
    lowest = Math.min(lowest, row[0]);
    highest = Math.max(highest, row[row.length - 2]);
  }
  const cells = new Float64Array(highest < lowest ? 0 : width * (highest - lowest + 1));
  const perSecond = width / (max - min);
  let most = 0;
  for (let at = 0; at < rows.length; at += 1) {
    const row = rows[at];
    if (row === null) continue;
    const left = Math.max(0, Math.round((x[at] - min) * perSecond));
    const right = Math.min(width, Math.max(left + 1, Math.round((x[at] + seconds[at] - min) * perSecond)));
    for (let pair = 0; pair < row.length; pair += 2) {
      const line = (row[pair] - lowest) * width;
      for (let column = left; column < right; column += 1) {
        const sum = (cells[line + column] += row[pair + 1]);
        if (sum > most) most = sum;
      }
    }
  }
  return { cells, lowest, highest, most };
}

/** Red, green, blue and cover of each shade. */
function palette() {
  const isDark = matchMedia("(prefers-color-scheme: dark)").matches;
  const stops = isDark ? VIRIDIS : [...VIRIDIS].reverse();
  return Array.from({ length: SHADES }, (_, shade) => {
    const at = (shade / (SHADES - 1)) * (stops.length - 1);
    const [low, high] = [stops[Math.floor(at)], stops[Math.ceil(at)]];
    return [...low.map((value, part) => value + (high[part] - value) * (at % 1)), 255];
  });
}

/** @param {HTMLCanvasElement} scale @param {number[][]} shades */
function paintScale(scale, shades) {
  const brush = scale.getContext("2d");
  const image = brush?.createImageData(SHADES, 1);
  if (!brush || !image) return;
  shades.forEach((shade, at) => image.data.set(shade, at * 4));
  brush.putImageData(image, 0, 0);
}
