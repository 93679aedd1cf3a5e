// The stream of a run: frames, events and states as they come, resumed where it was cut.
//
// The browser's own way to come back ends at the first answer that is not a stream (a control that is
// starting, a proxy's error page), so each connection is ours to open again: after the last id that was
// read, with a pause that grows, and at once when the network or the reader comes back.

import { address, path } from "./api.js";

const PAUSE_MS = 500;
const PAUSE_MAX_MS = 5000;
/** A stream whose machine has slept looks open for ever: one that says nothing is opened again. */
const SILENCE_MS = 40_000;
/** A browser has six connections for one control: a tab that nobody sees gives its own back. */
const HIDDEN_MS = 60_000;

/**
 * @typedef {object} Listener
 * @property {(message: any) => void} frame
 * @property {(event: any) => void} event
 * @property {(state: any) => void} state
 * @property {(state: any) => void} end  nothing comes after it
 * @property {(isConnected: boolean) => void} connected
 */

/**
 * Follows a run from a cursor on until it ends or `signal` ends it.
 *
 * @param {string} run
 * @param {string} cursor  what is known already: `f12.e3`, or empty
 * @param {AbortSignal} signal
 * @param {Listener} listener
 */
export function follow(run, cursor, signal, listener) {
  let last = cursor;
  let pause = PAUSE_MS;
  let heard = Date.now();
  let isOver = false;
  /** @type {EventSource | null} */
  let source = null;
  let timer = 0;

  const close = () => {
    clearTimeout(timer);
    source?.close();
    source = null;
  };
  const open = () => {
    close();
    if (signal.aborted || isOver) return;
    heard = Date.now();
    const after = last === "" ? "" : `?after=${encodeURIComponent(last)}`;
    const opened = new EventSource(address(path`runs/${run}/events`) + after);
    source = opened;
    const on = (/** @type {string} */ kind, /** @type {(data: any) => void} */ work) => {
      opened.addEventListener(kind, (event) => {
        heard = Date.now();
        if (source !== opened) return;
        last = event.lastEventId || last;
        work(JSON.parse(event.data));
      });
    };
    opened.addEventListener("open", () => {
      pause = PAUSE_MS;
      listener.connected(true);
    });
    on("frame", listener.frame);
    on("event", listener.event);
    on("state", listener.state);
    on("end", (state) => {
      isOver = true;
      close();
      listener.end(state);
    });
    opened.addEventListener("error", () => {
      if (source !== opened) return;
      close();
      listener.connected(false);
      // Many readers do not come back to a control at the same moment.
      timer = window.setTimeout(open, pause * (0.75 + Math.random() / 2));
      pause = Math.min(pause * 2, PAUSE_MAX_MS);
    });
  };
  const wake = () => {
    if (!document.hidden && (source === null || Date.now() - heard > SILENCE_MS)) open();
  };
  let rest = 0;
  const look = () => {
    clearTimeout(rest);
    if (document.hidden) rest = window.setTimeout(close, HIDDEN_MS);
    else wake();
  };
  const watch = window.setInterval(wake, SILENCE_MS / 4);
  document.addEventListener("visibilitychange", look, { signal });
  addEventListener("online", open, { signal });
  // A page that the browser had frozen: its stream may be cut without a word.
  document.addEventListener("resume", open, { signal });
  signal.addEventListener("abort", () => {
    clearInterval(watch);
    clearTimeout(rest);
    close();
  });
  open();
}
