// A plan as the page holds it: its values by their place (`load.rate`), and what a new one is.

/**
 * @typedef {Record<string, any>} Plan  a document `acp.plan/1`
 *
 * @typedef {[place: string, value: any]} Edit  a value that is undefined is to be left out
 *
 * @typedef {object} Problem
 * @property {string} message
 * @property {string} hint
 * @property {string} place  of the field; empty where nobody knows
 */

/** A new plan: few enough requests to hurt nobody, for long enough to see a percentile. @returns {Plan} */
export const newPlan = () => ({
  schema: "acp.plan/1",
  name: "",
  seed: 1,
  target: { url: "" },
  load: {
    model: "open", rate: "100/s", arrival: "uniform", connections: 16, duration: "30s", warmup: "0s",
    catchup: "smooth", backlog: 65536,
  },
  request: { method: "GET" },
  connection: { keep_alive: true, requests_per_connection: 0, pipeline: 1, timeout: "10s", connect_timeout: "5s" },
});

/**
 * The value at a place; undefined where there is none.
 *
 * @param {Plan} plan
 * @param {string} place
 */
export const at = (plan, place) => place.split(".").reduce((value, name) => value?.[name], plan);

/**
 * The plan with values changed. A table that has nothing left goes too: an empty one would be another
 * plan than none in the text.
 *
 * @param {Plan} plan
 * @param {Iterable<Edit>} edits
 * @returns {Plan}
 */
export function withEdits(plan, edits) {
  const changed = structuredClone(plan);
  for (const [place, value] of edits) {
    const names = place.split(".");
    if (value !== undefined) put(changed, names, value);
    else leaveOut(changed, names);
  }
  // A source without a place is none, however its lines would be read.
  const { source } = changed;
  if (source !== undefined && source.file === undefined && source.dataset === undefined) delete changed.source;
  return changed;
}

/** @param {any} table @param {string[]} names @param {any} value */
function put(table, [name, ...rest], value) {
  if (rest.length === 0) table[name] = value;
  else put((table[name] ??= {}), rest, value);
}

/** @param {any} table @param {string[]} names */
function leaveOut(table, [name, ...rest]) {
  if (table === undefined) return;
  if (rest.length === 0) {
    delete table[name];
    return;
  }
  leaveOut(table[name], rest);
  if (table[name] !== undefined && Object.keys(table[name]).length === 0) delete table[name];
}

/** Whether two plans say the same, whatever the order of their names. @param {Plan} a @param {Plan} b */
export const isSame = (a, b) => canonical(a) === canonical(b);

/** @param {any} value @returns {string} */
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const names = Object.keys(value).filter((name) => value[name] !== undefined).sort();
  return `{${names.map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join()}}`;
}
