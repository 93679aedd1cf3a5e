// The seconds of a run as columns: loaded at once, then added to by the frames of its stream.
//
// Rows are a second each until there are too many; then neighbours are put together, and memory does
// not grow with the length of the run. A second that comes again replaces what it was. Where its row is
// put together already, what it was is not known: the columns say `isStale` and are to be loaded again.

const SUMS = ["planned", "sent", "completed", "connects", "disconnects", "bytes_sent", "bytes_received", "cpu_us", "steal_us", "machine_us", "blocked", "late"];
/** Of a row of several seconds: the highest of them. */
const HIGHEST = [
  "in_flight", "busy_ratio", "response_p50_ns", "response_p90_ns", "response_p99_ns", "response_p99_9_ns", "response_max_ns",
  "service_p50_ns", "service_p99_ns", "send_lag_p50_ns", "send_lag_p99_ns",
];
export const GROUPS = ["errors", "status", "not_sent"];
/** Seconds of a row, as control puts them together too. */
const WIDTHS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600];
const ROWS_MAX = 7200;

/**
 * @typedef {(number | null)[]} Column
 * @typedef {object} Row
 * @property {number} second
 * @property {number} seconds
 * @property {Record<string, number | null>} values
 * @property {Record<string, Record<string, number>>} groups
 * @property {number[]} bands  band, count, band, count, …
 */

export class Series {
  constructor() {
    /** Seconds of a row. @type {number} */
    this.width = 1;
    /** @type {boolean} */
    this.isStale = false;
    /** @type {number[]} */
    this.second = [];
    /** @type {number[]} */
    this.seconds = [];
    this.columns = noColumns();
    this.groups = noGroups();
    /** @type {number[][]} */
    this.bands = [];
  }

  clear() {
    Object.assign(this, new Series());
  }

  get length() {
    return this.second.length;
  }

  /** The second after the last one. */
  get end() {
    const last = this.length - 1;
    return last < 0 ? 0 : this.second[last] + this.seconds[last];
  }

  /** The seconds that are there: `-3..57`, or `-3..12 16..57` where some are missing. */
  get ranges() {
    /** @type {[number, number][]} */
    const ranges = [];
    this.second.forEach((from, at) => {
      const to = from + this.seconds[at] - 1;
      const last = ranges[ranges.length - 1];
      if (last !== undefined && last[1] === from - 1) last[1] = to;
      else ranges.push([from, to]);
    });
    return ranges.map(([from, to]) => `${from}..${to}`).join(" ");
  }

  /** Takes the answer of `runs/{id}/series` in place of all there is. @param {any} answer */
  load(answer) {
    this.clear();
    this.width = answer.width_s;
    const copy = (/** @type {any[]} */ column) => (column ?? []).slice();
    this.second = copy(answer.second);
    this.seconds = copy(answer.seconds);
    this.bands = copy(answer.bands);
    for (const name of Object.keys(this.columns)) this.columns[name] = copy(answer[name]);
    for (const group of GROUPS) {
      for (const [name, counts] of Object.entries(answer[group] ?? {})) this.groups[group].set(name, copy(counts));
    }
    return this;
  }

  /**
   * Adds a message `frame` of the stream.
   *
   * @param {{ width_s: number, frame: any }} message
   * @param {number} warmupSeconds  the warm-up counts from its own 0
   */
  merge(message, warmupSeconds) {
    const row = rowOf(message, warmupSeconds);
    if (this.width === 1 && row.seconds === 1) this.#replace(row);
    else if (row.second < this.end) this.isStale = true;
    else this.#add(row);
    while (this.length > ROWS_MAX) this.#rollUp();
  }

  /** @param {Row} row */
  #replace(row) {
    const at = this.#position(row.second);
    if (this.second[at] === row.second) this.#set(at, row);
    else this.#insert(at, row);
  }

  /** Adds what is behind all there is. @param {Row} row */
  #add(row) {
    const last = this.length - 1;
    if (last >= 0 && row.second < this.second[last] + this.width) this.#fold(last, row);
    else this.#insert(this.length, { ...row, second: Math.max(this.end, Math.floor(row.second / this.width) * this.width) });
  }

  /** Where a second is, or would be. @param {number} second */
  #position(second) {
    let [low, high] = [0, this.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.second[middle] < second) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** @param {number} at @param {Row} row */
  #insert(at, row) {
    this.second.splice(at, 0, row.second);
    this.seconds.splice(at, 0, row.seconds);
    this.bands.splice(at, 0, []);
    for (const column of Object.values(this.columns)) column.splice(at, 0, null);
    for (const group of Object.values(this.groups)) for (const counts of group.values()) counts.splice(at, 0, 0);
    this.#set(at, row);
  }

  /** @param {number} at @param {Row} row */
  #set(at, row) {
    this.seconds[at] = row.seconds;
    this.bands[at] = row.bands;
    for (const [name, column] of Object.entries(this.columns)) column[at] = row.values[name];
    for (const group of GROUPS) {
      for (const counts of this.groups[group].values()) counts[at] = 0;
      for (const [name, count] of Object.entries(row.groups[group])) this.#counts(group, name)[at] = count;
    }
  }

  /** The counts of a class. @param {string} group @param {string} name */
  #counts(group, name) {
    const known = this.groups[group].get(name) ?? new Array(this.length).fill(0);
    this.groups[group].set(name, known);
    return known;
  }

  /** A row as it is. @param {number} at @returns {Row} */
  #row(at) {
    const values = Object.fromEntries(Object.entries(this.columns).map(([name, column]) => [name, column[at]]));
    const groups = Object.fromEntries(GROUPS.map((group) => [
      group, Object.fromEntries([...this.groups[group]].map(([name, counts]) => [name, counts[at]])),
    ]));
    return { second: this.second[at], seconds: this.seconds[at], values, groups, bands: this.bands[at] ?? [] };
  }

  /** Puts a later row into one. @param {number} at @param {Row} row */
  #fold(at, row) {
    const { columns, seconds } = this;
    const both = seconds[at] + row.seconds;
    for (const name of SUMS) columns[name][at] = (columns[name][at] ?? 0) + (row.values[name] ?? 0);
    for (const name of HIGHEST) columns[name][at] = highest(columns[name][at], row.values[name]);
    columns.rate_target[at] = ((columns.rate_target[at] ?? 0) * seconds[at] + (row.values.rate_target ?? 0) * row.seconds) / both;
    for (const group of GROUPS) {
      for (const [name, count] of Object.entries(row.groups[group])) this.#counts(group, name)[at] += count;
    }
    this.bands[at] = addBands(this.bands[at] ?? [], row.bands);
    seconds[at] = both;
  }

  /** Makes rows of the next width. */
  #rollUp() {
    const fine = Object.assign(new Series(), this);
    const next = WIDTHS.find((width) => width > fine.width && width % fine.width === 0) ?? fine.width * 2;
    const { isStale } = fine;
    this.clear();
    this.width = next;
    this.isStale = isStale;
    for (let at = 0; at < fine.length; at += 1) {
      const row = fine.#row(at);
      const start = Math.floor(row.second / next) * next;
      if (this.length > 0 && this.second[this.length - 1] === start) this.#fold(this.length - 1, row);
      else this.#insert(this.length, { ...row, second: start });
    }
  }
}

/** @returns {Record<string, Column>} */
const noColumns = () => Object.fromEntries([...SUMS, ...HIGHEST, "rate_target"].map((name) => [name, []]));

/** @returns {Record<string, Map<string, number[]>>} */
const noGroups = () => Object.fromEntries(GROUPS.map((name) => [name, new Map()]));

/** @param {number | null} a @param {number | null} b */
function highest(a, b) {
  if (a === null) return b;
  return b === null ? a : Math.max(a, b);
}

/** @param {number[]} a @param {number[]} b */
function addBands(a, b) {
  const counts = new Map();
  for (const list of [a, b]) {
    for (let at = 0; at < list.length; at += 2) counts.set(list[at], (counts.get(list[at]) ?? 0) + list[at + 1]);
  }
  return [...counts].sort((one, other) => one[0] - other[0]).flat();
}

/** @param {{ width_s: number, frame: any }} message @param {number} warmupSeconds @returns {Row} */
function rowOf({ width_s: seconds, frame }, warmupSeconds) {
  const second = frame.second - (frame.flags.warmup ? warmupSeconds : 0);
  /** @type {Record<string, number | null>} */
  const values = { rate_target: frame.rate_target, in_flight: frame.in_flight, busy_ratio: frame.cost?.busy_ratio ?? 0 };
  for (const name of SUMS) values[name] = frame[name] ?? 0;
  values.machine_us = frame.cost?.machine_us ?? 0;
  for (const [name, ranks] of /** @type {[string, string[]][]} */ ([
    ["response", ["p50", "p90", "p99", "p99_9", "max"]], ["service", ["p50", "p99"]], ["send_lag", ["p50", "p99"]],
  ])) {
    const found = frame[`${name}_ns`];
    for (const rank of ranks) values[`${name}_${rank}_ns`] = found && found.count > 0 ? found[rank] : null;
  }
  const groups = Object.fromEntries(GROUPS.map((group) => [group, frame[group] ?? {}]));
  const bands = Object.entries(frame.response_bands ?? {}).map(([band, count]) => [Number(band), count]);
  return { second, seconds, values, groups, bands: bands.sort((a, b) => a[0] - b[0]).flat() };
}

/**
 * The columns of frames as a report has them: what is shown where nobody has put columns together.
 *
 * @param {{ second: number }[]} frames
 */
export function seriesOfFrames(frames) {
  const series = new Series();
  frames.forEach((frame, at) => {
    // A long run's report has frames of several seconds, as far apart as they are long.
    const next = frames[at + 1] ?? frames[at];
    series.merge({ width_s: 1, frame }, 0);
    series.seconds[series.length - 1] = Math.max(1, next.second - frame.second);
  });
  return series;
}
