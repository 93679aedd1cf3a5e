// What the page says, in English and Chinese. Each module keeps its own texts, both languages side by
// side, so that none can be forgotten.

const LANGUAGES = ["en", "zh"];
const KEY = "acp.lang";

/** The language of the page: `?lang=` of the address, else what was chosen last, else the browser's. */
export const language = choose();

function choose() {
  const asked = new URLSearchParams(location.search).get("lang");
  if (asked !== null && LANGUAGES.includes(asked)) {
    remember(asked);
    return asked;
  }
  const kept = recall();
  if (kept !== null && LANGUAGES.includes(kept)) return kept;
  return navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}

// A file that was opened from a disk has no storage in some browsers.
function recall() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

/** @param {string} chosen */
function remember(chosen) {
  try {
    localStorage.setItem(KEY, chosen);
  } catch {
    // Then the address says it.
  }
}

/** @param {string} chosen */
export function setLanguage(chosen) {
  remember(chosen);
  const address = new URL(location.href);
  address.searchParams.delete("lang");
  history.replaceState(null, "", address);
  location.reload();
}

/**
 * Texts of a module: `t.stop`, or with values `fill(t.left, { n: 3 })` for `{n} left`.
 *
 * @template {string} K
 * @param {Record<K, [string, string]>} pairs  English and Chinese
 * @returns {Record<K, string>}
 */
export function texts(pairs) {
  const column = LANGUAGES.indexOf(language);
  const entries = /** @type {[K, [string, string]][]} */ (Object.entries(pairs));
  return /** @type {Record<K, string>} */ (
    Object.fromEntries(entries.map(([key, pair]) => [key, pair[column]]))
  );
}

/**
 * A text with values in it: `fill("{n} left", { n: 3 })`.
 *
 * @param {string} text
 * @param {Record<string, string | number>} values
 */
export function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}
