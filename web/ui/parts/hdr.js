// Histograms as reports carry them: base64 of HDR V2 → values and counts → a percentile curve.
//
// Format: HdrHistogram V2, uncompressed: a header of 40 bytes (big-endian), then counts as zig-zag
// LEB128 from the lowest bucket up; a negative one is a run of so many empty buckets.

const COOKIE = 0x1c849313;
const HEADER_BYTES = 40;
/** Buckets of equal width in the first power of two, for three significant digits. */
const SUB_BUCKETS = 2048;
const HALF = SUB_BUCKETS / 2;
/** Steps for each halving of the distance to 100 %, as HdrHistogram's own tables have. */
const TICKS_PER_HALF_DISTANCE = 5;

/**
 * @typedef {object} Histogram
 * @property {number[]} values  the largest of each bucket that has a count, ascending
 * @property {number[]} counts
 * @property {number} total
 */

/**
 * Reads a histogram. Null where the text is none: whoever shows it does without.
 *
 * @param {string | null | undefined} text
 * @returns {Histogram | null}
 */
export function decode(text) {
  const bytes = read(text);
  if (bytes === null || bytes.length < HEADER_BYTES) return null;
  const header = new DataView(bytes.buffer);
  const fits = header.getUint32(4) === bytes.length - HEADER_BYTES;
  // Another precision would have other buckets.
  if (header.getUint32(0) !== COOKIE || !fits || header.getUint32(12) !== 3 || header.getUint32(20) !== 1) return null;
  return buckets(bytes);
}

/** @param {string | null | undefined} text */
function read(text) {
  try {
    return text ? Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)) : null;
  } catch {
    return null;
  }
}

/** @param {Uint8Array} bytes @returns {Histogram} */
function buckets(bytes) {
  /** @type {Histogram} */
  const found = { values: [], counts: [], total: 0 };
  let bucket = 0;
  for (let at = HEADER_BYTES; at < bytes.length; ) {
    const [number, next] = varint(bytes, at);
    at = next;
    if (number % 2 === 1) {
      bucket += (number + 1) / 2;
      continue;
    }
    if (number > 0) {
      found.values.push(highest(bucket));
      found.counts.push(number / 2);
      found.total += number / 2;
    }
    bucket += 1;
  }
  return found;
}

/**
 * A number of seven bits a byte, lowest first; the ninth byte has eight. Bits are added, not shifted:
 * shifts of this language end at 32 bits.
 *
 * @param {Uint8Array} bytes @param {number} at @returns {[number, number]}
 */
function varint(bytes, at) {
  let value = 0;
  let scale = 1;
  for (let length = 1; length <= 9 && at < bytes.length; length += 1) {
    const byte = bytes[at];
    at += 1;
    const isLast = byte < 128 || length === 9;
    value += (isLast ? byte : byte - 128) * scale;
    if (isLast) break;
    scale *= 128;
  }
  return [value, at];
}

/** The largest value that counts into a bucket. @param {number} bucket */
function highest(bucket) {
  if (bucket < SUB_BUCKETS) return bucket;
  const octave = Math.floor(bucket / HALF) - 1;
  return ((bucket % HALF) + HALF + 1) * 2 ** octave - 1;
}

/**
 * Values at quantiles that get denser towards 1, up to the last one that a single value can tell.
 *
 * @param {Histogram | null} histogram
 * @returns {[number, number][]}  quantile, nanoseconds
 */
export function curvePoints(histogram) {
  if (histogram === null || histogram.total === 0) return [];
  const { values, counts, total } = histogram;
  /** @type {[number, number][]} */
  const points = [];
  let at = 0;
  let below = counts[0];
  for (const quantile of quantiles(total)) {
    const rank = Math.max(1, Math.ceil(quantile * total));
    while (below < rank && at + 1 < counts.length) {
      at += 1;
      below += counts[at];
    }
    points.push([quantile, values[at]]);
  }
  return points;
}

/** @param {number} total */
function* quantiles(total) {
  for (let distance = 1; distance * total >= 1; distance /= 2) {
    for (let tick = 0; tick < TICKS_PER_HALF_DISTANCE; tick += 1) {
      yield 1 - distance * (1 - tick / (2 * TICKS_PER_HALF_DISTANCE));
    }
  }
  yield 1;
}

/**
 * The band of a heat map that a value is in: quarters of an octave.
 *
 * @param {number} ns
 */
export function bandOf(ns) {
  if (ns < 4) return Math.floor(ns);
  const octave = Math.floor(Math.log2(ns));
  return octave * 4 + Math.floor(ns / 2 ** (octave - 2)) % 4;
}

/** The lower edge of a band in nanoseconds. @param {number} band */
export const bandEdge = (band) => (band < 8 ? Math.min(band, 4) : (4 + (band % 4)) * 2 ** (Math.floor(band / 4) - 2));
