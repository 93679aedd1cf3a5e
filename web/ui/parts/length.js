// How long the measured part of a run is, from its plan, and where a run is on its way.

import { clock } from "../format.js";
import { fill, texts } from "../i18n.js";

const t = texts({
  warmup: ["warm-up {at}", "预热 {at}"],
  of: ["{at} of {all}", "{at} / {all}"],
  share: ["{at} · {share} %", "{at} · {share} %"],
});

/** Seconds of a unit. @type {Record<string, number>} */
const SECONDS = { ns: 1e-9, us: 1e-6, "µs": 1e-6, ms: 1e-3, s: 1, m: 60, h: 3600, d: 86400, "": 1 };
/** @type {Record<string, number>} */
const COUNT = { k: 1e3, M: 1e6, G: 1e9 };
/** @type {Record<string, number>} */
const PER = { s: 1, m: 60, h: 3600, d: 86400 };

/** `1m30s` in seconds. @param {string} text */
export function seconds(text) {
  let sum = 0;
  for (const [, value, unit] of text.matchAll(/([\d._]+)\s*([a-zµ]*)/g)) sum += Number(value) * (SECONDS[unit] ?? NaN);
  return sum;
}

/** `10k/s` per second. @param {string} text */
function perSecond(text) {
  const [, value, size, unit] = text.trim().match(/^([\d._]+)([kMG]?)(?:\/([smhd]))?$/) ?? [];
  return (Number(value) * (COUNT[size] ?? 1)) / (PER[unit] ?? 1);
}

/**
 * Seconds that the schedule of a plan takes; null: it has no end that is known before.
 *
 * @param {any} load  of a plan
 * @returns {number | null}
 */
export function length(load) {
  if (load.duration) return known(seconds(load.duration));
  if (!load.profile) return null;
  let sum = 0;
  for (const [, name, inside] of load.profile.matchAll(/(\w+)\s*\(([^)]*)\)/g)) {
    const given = inside.split(",").map((/** @type {string} */ one) => one.trim());
    const every = seconds(given[given.length - 1]);
    const [from, to, by] = given.map(perSecond);
    // A hair of slack: 0.1 does not go into 0.3 in floating point.
    sum += name === "step" ? every * (Math.floor(Math.abs(to - from) / by + 1e-9) + 1) : every;
  }
  return known(sum);
}

/** @param {number} value */
const known = (value) => (Number.isFinite(value) && value > 0 ? value : null);

/**
 * Where an active run is: `1:05 of 5:00`.
 *
 * @param {any} run  as `runs/ID` shows it
 */
export function progress(run) {
  const { live, plan } = run;
  if (!live) return "";
  const at = live.second + 1;
  if (live.is_warmup) return fill(t.warmup, { at: clock(at) });
  const all = length(plan.load);
  if (all !== null) return fill(t.of, { at: clock(Math.min(at, Math.ceil(all))), all: clock(all) });
  if (!plan.load.requests) return clock(at);
  const share = Math.floor((live.planned / plan.load.requests) * 100);
  return fill(t.share, { at: clock(at), share: Math.min(share, 100) });
}
