// Durations and rates as people write them, read as control reads them: what it refuses is null here.

/** Seconds of each unit of a duration. @type {Record<string, number>} */
const SECONDS = { ns: 1e-9, us: 1e-6, "µs": 1e-6, ms: 1e-3, s: 1, m: 60, h: 3600, d: 86400 };
/** @type {Record<string, number>} */
const SCALES = { "": 1, k: 1e3, M: 1e6, G: 1e9 };
/** Seconds of what a rate is per: `m` after the slash is a minute. @type {Record<string, number>} */
const PER = { s: 1, m: 60, h: 3600, d: 86400 };

/** Seconds of `1m30s`, the larger unit first; a bare number is seconds. @param {string} text */
export function parseDuration(text) {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  if (!/^(\d+(\.\d+)?(ns|us|µs|ms|s|m|h|d))+$/.test(text)) return null;
  let [sum, before] = [0, Infinity];
  for (const [, number, unit] of text.matchAll(/([\d.]+)([a-zµ]+)/g)) {
    const scale = SECONDS[unit];
    if (scale >= before) return null;
    sum += Number(number) * scale;
    before = scale;
  }
  return sum;
}

/** Events per second of `2k`, `1.5M/s`, `300/m` or `5/d`. @param {string} text */
export function parseRate(text) {
  const found = /^(\d+(?:\.\d+)?)([kMG]?)(?:\/([smhd]))?$/.exec(text);
  return found === null ? null : (Number(found[1]) * SCALES[found[2]]) / PER[found[3] ?? "s"];
}
