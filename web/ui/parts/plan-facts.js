// What a plan says in numbers: its length, its warm-up, its highest rate. Control has checked the plan;
// what cannot be read here is null, and nothing is made up for it.

/** @typedef {{ isOpen: boolean, durationS: number | null, warmupS: number, peakPerS: number | null, connections: number }} Facts */

/** Seconds of each unit. @type {Record<string, number>} */
const SECONDS = { ns: 1e-9, us: 1e-6, "µs": 1e-6, ms: 1e-3, s: 1, m: 60, h: 3600, d: 86400, "": 1 };
/** @type {Record<string, number>} */
const SCALES = { "": 1, k: 1e3, K: 1e3, M: 1e6, m: 1e6, G: 1e9 };
/** @type {Record<string, number>} */
const PER = { "": 1, s: 1, m: 60, h: 3600 };

/** @param {any} plan @returns {Facts} */
export function factsOf(plan) {
  const { model, rate, profile, duration, warmup, connections } = plan.load;
  const segments = profile ? segmentsOf(profile) : null;
  const fixed = duration ? parseDuration(duration) : null;
  return {
    isOpen: model === "open",
    durationS: fixed ?? (segments === null ? null : segments.reduce((sum, segment) => sum + segment.lengthS, 0)),
    // Seconds of the warm-up count from its own 0; a part of one counts as one.
    warmupS: Math.ceil(parseDuration(warmup ?? "0s") ?? 0),
    peakPerS: segments === null ? (rate ? parseRate(rate) : null) : Math.max(0, ...segments.map((segment) => segment.peakPerS)),
    connections,
  };
}

/** Seconds of `1m30s`; a bare number is seconds. @param {string} text */
export function parseDuration(text) {
  const parts = [...text.matchAll(/([\d.]+)\s*(ns|us|µs|ms|s|m|h|d)?/g)];
  if (parts.length === 0 || parts.map((part) => part[0]).join("") !== text.trim()) return null;
  const sum = parts.reduce((all, [, number, unit]) => all + Number(number) * SECONDS[unit ?? ""], 0);
  return Number.isFinite(sum) ? sum : null;
}

/** Events per second of `2k`, `1.5M/s` or `300/m`. @param {string} text */
export function parseRate(text) {
  const found = /^(\d+(?:\.\d*)?|\.\d+)\s*([kKMG]?)(?:\s*\/\s*(s|m|h))?$/.exec(text.trim().replaceAll(",", ""));
  if (found === null) return null;
  return (Number(found[1]) * SCALES[found[2]]) / PER[found[3] ?? ""];
}

/** @param {string} profile */
function segmentsOf(profile) {
  const segments = [];
  for (const [, kind, inside] of profile.matchAll(/(const|line|step)\s*\(([^)]*)\)/g)) {
    const texts = inside.split(",").map((text) => text.trim());
    const lengthS = parseDuration(texts[texts.length - 1]);
    const [from, to, by] = texts.slice(0, -1).map(parseRate);
    if (lengthS === null || from === null || from === undefined) return null;
    const steps = kind === "step" && by ? Math.floor(Math.abs((to ?? 0) - from) / by + 1e-9) + 1 : 1;
    segments.push({ lengthS: lengthS * steps, peakPerS: Math.max(from, kind === "const" ? 0 : to ?? 0) });
  }
  return segments.length === 0 ? null : segments;
}
