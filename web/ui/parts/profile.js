// A profile as text and as rows: `line(0,10k,30s) const(10k,5m)`. Rates and lengths stay the text that
// was written; whether they are good ones is said by the server.

/** Kinds of rows, and what each takes, in order. */
export const KINDS = /** @type {const} */ ({
  const: ["rate", "length"],
  line: ["from", "to", "length"],
  step: ["from", "to", "by", "each"],
  sine: ["mean", "amplitude", "period", "length"],
});

/**
 * @typedef {keyof typeof KINDS} Kind
 * @typedef {{ kind: Kind, values: string[] }} Row
 */

/**
 * The rows of a text; null where it cannot be shown as rows.
 *
 * @param {string} text
 * @returns {Row[] | null}
 */
export function parseProfile(text) {
  const rows = [];
  let rest = text.trim();
  while (rest !== "") {
    const found = /^(\w+)\s*\(([^()]*)\)[,\s]*/.exec(rest);
    const kind = /** @type {Kind} */ (found?.[1]);
    if (found === null || !Object.hasOwn(KINDS, kind)) return null;
    const values = found[2].split(",").map((value) => value.trim());
    if (values.length !== KINDS[kind].length) return null;
    rows.push({ kind, values });
    rest = rest.slice(found[0].length);
  }
  return rows;
}

/** @param {Row[]} rows */
export const printProfile = (rows) => rows.map(({ kind, values }) => `${kind}(${values.join(",")})`).join(" ");

/**
 * The same row as another kind: what both have is kept.
 *
 * @param {Row} row
 * @param {Kind} kind
 * @returns {Row}
 */
export function asKind(row, kind) {
  const had = Object.fromEntries(KINDS[row.kind].map((name, index) => [name, row.values[index]]));
  const to = had.to ?? had.rate ?? had.mean ?? "100/s";
  const all = {
    rate: to, from: had.from ?? to, to, length: had.length ?? had.each ?? "10s", each: had.each ?? had.length ?? "10s", by: had.by ?? "10/s",
    mean: to, amplitude: had.amplitude ?? had.by ?? "10/s", period: had.period ?? had.each ?? "10s",
  };
  return { kind, values: KINDS[kind].map((name) => all[name]) };
}
