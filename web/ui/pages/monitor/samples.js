// Samples of an agent's host: read once, then only what is new.

import { get, path } from "../../api.js";

/** As many as one answer has at most. */
const ANSWER_MAX = 5000;

/** Samples of one agent. */
export class Samples {
  /** @param {string} agent */
  constructor(agent) {
    this.agent = agent;
    /** By time. @type {any[]} */
    this.list = [];
    this.fromUs = Infinity;
    this.nextUs = 0;
  }

  /** Reads what is missing from a moment on, and forgets what was before. @param {number} fromUs @param {AbortSignal} signal */
  async read(fromUs, signal) {
    if (fromUs < this.fromUs) [this.list, this.nextUs] = [[], fromUs];
    this.fromUs = fromUs;
    let more = true;
    while (more) {
      const { samples } = await get(`${path`agents/${this.agent}/host`}?from=${this.nextUs}`, signal);
      this.list.push(...samples);
      if (samples.length > 0) this.nextUs = samples[samples.length - 1].at_unix_us + 1;
      more = samples.length >= ANSWER_MAX;
    }
    this.list = this.list.filter((sample) => sample.at_unix_us >= fromUs);
  }
}

/**
 * Seconds of a row: so many that the rows of a range are few, and each has a sample where there are any.
 *
 * @param {number} rangeS
 * @param {any[][]} lists  of samples
 */
export function widthOf(rangeS, lists) {
  const gaps = lists.flatMap((list) => list.slice(1).map((sample, at) => (sample.at_unix_us - list[at].at_unix_us) / 1e6));
  const usual = gaps.sort((a, b) => a - b)[gaps.length >> 1] ?? 0;
  return Math.ceil(Math.max(rangeS / 600, 2 * usual, 1));
}

/**
 * The mean of a number in each row; null where no sample tells it.
 *
 * @param {any[]} samples
 * @param {(sample: any) => number | null} pick
 * @param {number} fromS  where the first row begins
 * @param {number} widthS
 * @param {number} rows
 */
export function column(samples, pick, fromS, widthS, rows) {
  const sums = new Array(rows).fill(0);
  const counts = new Array(rows).fill(0);
  for (const sample of samples) {
    const value = pick(sample);
    const row = Math.floor((sample.at_unix_us / 1e6 - fromS) / widthS);
    if (value === null || row < 0 || row >= rows) continue;
    sums[row] += value;
    counts[row] += 1;
  }
  return sums.map((sum, row) => (counts[row] === 0 ? null : sum / counts[row]));
}
