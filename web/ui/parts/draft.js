// What was typed and not saved, kept in this tab while the reader is elsewhere.

const KEY = "acp.draft.";

/**
 * @typedef {import("./plan-sync.js").Kept & { updated_unix_us: number }} Draft
 */

/** @param {string} name @returns {Draft | null} */
export function readDraft(name) {
  try {
    const draft = JSON.parse(sessionStorage.getItem(KEY + name) ?? "null");
    return typeof draft?.plan === "object" && typeof draft.text === "string" ? draft : null;
  } catch {
    return null;
  }
}

/** @param {string} name @param {Draft} draft */
export function keepDraft(name, draft) {
  try {
    sessionStorage.setItem(KEY + name, JSON.stringify(draft));
  } catch {
    // No room: then leaving the page asks, and that is all there is.
  }
}

/** @param {string} name */
export function dropDraft(name) {
  try {
    sessionStorage.removeItem(KEY + name);
  } catch {
    // There was none.
  }
}
