// How long ago something was: `2 min ago`, with the moment itself as a hint.

import { h, say } from "../dom.js";
import { moment } from "../format.js";
import { language } from "../i18n.js";

const words = new Intl.RelativeTimeFormat(language === "zh" ? "zh-CN" : "en-GB", { style: "short", numeric: "auto" });

/** @type {[number, Intl.RelativeTimeFormatUnit][]} */
const UNITS = [[86400, "day"], [3600, "hour"], [60, "minute"], [1, "second"]];

/** @param {number} unixUs @param {number} [nowMs] */
export function agoText(unixUs, nowMs = Date.now()) {
  // Clocks differ: nothing was in the future.
  const seconds = Math.max(0, Math.round((nowMs - unixUs / 1000) / 1000));
  const [size, unit] = UNITS.find(([size]) => seconds >= size) ?? [1, "second"];
  return words.format(-Math.floor(seconds / size), unit);
}

/** An element that shows it, to be set again and again. */
export function ago() {
  const element = h("time.ago");
  return {
    element,
    /** @param {number | null} unixUs */
    set(unixUs) {
      say(element, unixUs === null ? "" : agoText(unixUs));
      if (unixUs === null) return;
      element.setAttribute("datetime", new Date(unixUs / 1000).toISOString());
      element.setAttribute("title", moment(unixUs));
    },
  };
}
