// Calls of the API. An answer that is not a success is thrown as `Refused`, with the hint.

import { texts } from "./i18n.js";

const t = texts({
  away: ["control does not answer", "控制端没有响应"],
  again: ["it is asked again until it does", "将持续重试，直到恢复"],
});

const API = "api/v1/";
/** A control that hangs says nothing, and its connections stay open. */
const LIMIT_MS = 10_000;
/** A change that is under way is not given up early: nobody would know whether it was made. */
const CHANGE_LIMIT_MS = 30_000;
/** A status that says nothing of what was asked: control, or what stands before it, cannot answer now. */
const AWAY = [0, 502, 503, 504];

/** What the API says when something cannot be done. */
export class Refused extends Error {
  /**
   * @param {number} status  0: nobody answered
   * @param {string} message
   * @param {string} hint
   */
  constructor(status, message, hint) {
    super(message);
    this.status = status;
    this.hint = hint;
  }
}

/** That nobody has answered. */
export const unanswered = () => new Refused(0, t.away, t.again);

/** Whether the same may be answered a moment later. @param {any} error */
export const isAway = (error) => AWAY.includes(error.status);

/**
 * A path with its parts escaped: ``path`runs/${id}/stop` ``.
 *
 * @param {TemplateStringsArray} texts
 * @param {...(string | number)} values
 */
export function path(texts, ...values) {
  return texts.reduce((whole, text, at) => whole + encodeURIComponent(values[at - 1]) + text);
}

/**
 * @param {string} method
 * @param {string} where  below /api/v1/
 * @param {any} [body]
 * @param {AbortSignal} [signal]
 * @param {number} [limitMs]  what takes longer counts as not answered
 * @returns {Promise<any>}
 */
async function call(method, where, body, signal, limitMs = CHANGE_LIMIT_MS) {
  /** @type {Record<string, string>} */
  const headers = { "x-acp-csrf": "1" };
  if (body !== undefined) headers["content-type"] = "application/json";
  const text = body === undefined ? undefined : JSON.stringify(body);
  const limit = AbortSignal.timeout(limitMs);
  const either = signal === undefined ? limit : AbortSignal.any([signal, limit]);
  let answer;
  let said;
  try {
    answer = await fetch(API + where, { method, headers, body: text, signal: either });
    said = await answer.text();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw unanswered();
  }
  if (answer.ok) return said === "" ? null : JSON.parse(said);
  if (answer.status === 401) document.dispatchEvent(new Event("acp-login"));
  throw refused(answer.status, said);
}

/**
 * @param {number} status
 * @param {string} said
 */
function refused(status, said) {
  try {
    const { message, hint } = JSON.parse(said).error;
    return new Refused(status, message, hint ?? "");
  } catch {
    return new Refused(status, `control answered with status ${status}`, "");
  }
}

/** @param {string} where @param {AbortSignal} [signal] @param {number} [limitMs]  how long an answer may take */
export const get = (where, signal, limitMs = LIMIT_MS) => call("GET", where, undefined, signal, limitMs);
/** @param {string} where @param {any} [body] @param {AbortSignal} [signal] */
export const post = (where, body, signal) => call("POST", where, body, signal);
/** @param {string} where @param {any} body @param {AbortSignal} [signal] */
export const replace = (where, body, signal) => call("PUT", where, body, signal);
/** @param {string} where @param {AbortSignal} [signal] */
export const remove = (where, signal) => call("DELETE", where, undefined, signal);

/** Where a document of the API is, for links. @param {string} where */
export const address = (where) => API + where;

/**
 * Does `work` now and `milliseconds` after each time it is done, until `signal` ends it. What it throws
 * goes to `failed`, and the next turn comes all the same.
 *
 * @param {number} milliseconds
 * @param {AbortSignal} signal
 * @param {() => Promise<void>} work
 * @param {(error: any) => void} failed
 */
export async function every(milliseconds, signal, work, failed) {
  while (!signal.aborted) {
    try {
      await work();
    } catch (error) {
      if (!signal.aborted) failed(error);
    }
    await new Promise((done) => setTimeout(done, milliseconds));
  }
}
