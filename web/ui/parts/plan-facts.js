// What a plan says in numbers: its length, its warm-up, its rates. Control has checked the plan; what
// cannot be read here is null, and nothing is made up for it.

import { parseDuration, parseRate } from "./units.js";

/**
 * @typedef {object} Facts
 * @property {boolean} isOpen
 * @property {boolean} hasProfile  its rate changes by itself
 * @property {number | null} durationS  null: it has no end that is known before
 * @property {number} warmupS
 * @property {number | null} peakPerS
 * @property {number | null} meanPerS
 * @property {number} connections
 */

/** @param {any} plan @returns {Facts} */
export function factsOf(plan) {
  const { model, rate, profile, duration, warmup, connections } = plan.load;
  const segments = profile ? segmentsOf(profile) : null;
  const fixed = duration ? parseDuration(duration) : null;
  const flat = !profile && rate ? parseRate(rate) : null;
  const sum = (/** @type {(segment: Segment) => number} */ of) => (segments ?? []).reduce((all, segment) => all + of(segment), 0);
  const lengthS = sum((segment) => segment.lengthS);
  return {
    isOpen: model === "open",
    hasProfile: Boolean(profile),
    durationS: fixed ?? (lengthS > 0 ? lengthS : null),
    // Seconds of the warm-up count from its own 0; a part of one counts as one.
    warmupS: Math.ceil(parseDuration(warmup ?? "0s") ?? 0),
    peakPerS: segments === null ? flat : Math.max(0, ...segments.map((segment) => segment.peakPerS)),
    meanPerS: lengthS > 0 ? sum((segment) => segment.meanPerS * segment.lengthS) / lengthS : flat,
    connections,
  };
}

/** @typedef {{ lengthS: number, peakPerS: number, meanPerS: number }} Segment */

/** @param {string} profile @returns {Segment[] | null} */
function segmentsOf(profile) {
  const segments = [];
  for (const [, kind, inside] of profile.matchAll(/(const|line|step)\s*\(([^)]*)\)/g)) {
    const texts = inside.split(",").map((text) => text.trim());
    const lengthS = parseDuration(texts[texts.length - 1]);
    const rates = texts.slice(0, -1).map(parseRate);
    if (lengthS === null || rates.some((rate) => rate === null)) return null;
    segments.push(segmentOf(kind, /** @type {number[]} */ (rates), lengthS));
  }
  return segments.length === 0 ? null : segments;
}

/** @param {string} kind @param {number[]} rates @param {number} lengthS @returns {Segment} */
function segmentOf(kind, [from, end, by], lengthS) {
  const to = end ?? from;
  // A hair of slack: 0.1 does not go into 0.3 in floating point.
  const steps = kind === "step" && by > 0 ? Math.floor(Math.abs(to - from) / by + 1e-9) : 0;
  const last = kind === "step" ? from + Math.sign(to - from) * steps * (by ?? 0) : to;
  return { lengthS: lengthS * (steps + 1), peakPerS: Math.max(from, last), meanPerS: (from + last) / 2 };
}
