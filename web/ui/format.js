// Numbers as people read them. Units are part of the text.

import { language } from "./i18n.js";

const locale = language === "zh" ? "zh-CN" : "en-GB";
const whole = new Intl.NumberFormat("en");

/** A count in full: `1,234,567`. @param {number} value */
export const count = (value) => whole.format(value);

/** Three digits that matter, without an exponent. @param {number} value */
function three(value) {
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value) || 1)));
  return value.toFixed(Math.min(digits, 3));
}

/** A number in little space: `1.23M`. @param {number} value */
export function short(value) {
  const size = Math.abs(value);
  for (const [unit, name] of /** @type {[number, string][]} */ ([[1e9, "G"], [1e6, "M"], [1e3, "k"]])) {
    if (size >= unit * 0.9995) return trim(three(value / unit)) + name;
  }
  return size === 0 ? "0" : trim(three(value));
}

/** @param {string} text */
const trim = (text) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);

/** A rate: `12.5k/s`. @param {number} perSecond */
export const rate = (perSecond) => `${short(perSecond)}/s`;

/** A time that was measured: `27.3 µs`. @param {number} ns */
export function time(ns) {
  if (ns < 1e3) return `${Math.round(ns)} ns`;
  if (ns < 1e6) return `${three(ns / 1e3)} µs`;
  if (ns < 1e9) return `${three(ns / 1e6)} ms`;
  return `${three(ns / 1e9)} s`;
}

/** A length of time that was planned: `5 m 30 s`. @param {number} seconds */
export function duration(seconds) {
  if (seconds < 60) return `${trim(seconds.toFixed(seconds < 10 ? 1 : 0))} s`;
  const s = Math.round(seconds);
  const parts = [[Math.floor(s / 3600), "h"], [Math.floor(s / 60) % 60, "m"], [s % 60, "s"]];
  return parts.filter(([value]) => value !== 0).map(([value, unit]) => `${value} ${unit}`).join(" ");
}

/** A share: `0.12 %`. @param {number} ratio */
export function percent(ratio) {
  const value = ratio * 100;
  if (value === 0) return "0 %";
  return Math.abs(value) < 0.01 ? "< 0.01 %" : `${trim(three(value))} %`;
}

/** An amount of memory: `1.5 GiB`. @param {number} value */
export function bytes(value) {
  let size = value;
  for (const unit of ["B", "KiB", "MiB", "GiB"]) {
    if (size < 1024) return `${trim(three(size))} ${unit}`;
    size /= 1024;
  }
  return `${trim(three(size))} TiB`;
}

/** A moment, in the reader's time zone. @param {number} unixUs */
export const moment = (unixUs) =>
  new Date(unixUs / 1000).toLocaleString(locale, { dateStyle: "medium", timeStyle: "medium" });

/** A moment of a run: `1:05`, `-0:03` in the warm-up, `1:00:00`. @param {number} seconds */
export function clock(seconds) {
  const s = Math.abs(Math.round(seconds));
  const [hours, minutes, rest] = [Math.floor(s / 3600), Math.floor(s / 60) % 60, s % 60];
  const two = (/** @type {number} */ value) => String(value).padStart(2, "0");
  const text = hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
  return seconds < 0 ? `-${text}` : text;
}
