// Questions that are asked before something is done, and other things shown over the page. The browser
// keeps the focus inside, closes them on Esc, and gives the focus back.

import { h } from "../dom.js";
import { texts } from "../i18n.js";
import { problem } from "./problem.js";

const t = texts({
  cancel: ["Cancel", "取消"],
  close: ["Close", "关闭"],
});

let dialogs = 0;

/**
 * Shows a dialog until it is closed.
 *
 * @param {string} title
 * @param {(Node | string | null)[]} children
 * @param {AbortSignal} [signal]  closes it when the reader leaves the page
 * @returns {HTMLDialogElement}
 */
export function dialog(title, children, signal) {
  const name = `dialog-${(dialogs += 1)}`;
  const made = /** @type {HTMLDialogElement} */ (
    h("dialog", { "aria-labelledby": name }, h("h2", { id: name }, title), ...children)
  );
  const before = document.activeElement;
  const leave = () => made.close();
  signal?.addEventListener("abort", leave, { once: true });
  made.addEventListener("close", () => {
    signal?.removeEventListener("abort", leave);
    made.remove();
    // What opened it may be gone: the row of what was deleted.
    const back = before instanceof HTMLElement && before.isConnected ? before : document.getElementById("page");
    back?.focus();
  });
  document.body.append(made);
  made.showModal();
  return made;
}

/**
 * Asks before something is done that cannot be taken back, and does it. It stays open, with what went
 * wrong, when that fails.
 *
 * @param {{ title: string, text: string, action: string, work: () => Promise<void>, signal?: AbortSignal }} question
 */
export function ask({ title, text, action, work, signal }) {
  const said = h("div");
  const cancel = h("button", { type: "button", "data-act": "cancel", onclick: () => made.close() }, t.cancel);
  const act = h("button.danger", { type: "button", "data-act": "confirm", onclick: () => go() }, action);
  const go = async () => {
    act.setAttribute("disabled", "");
    try {
      await work();
      made.close();
    } catch (error) {
      said.replaceChildren(problem(error));
      act.removeAttribute("disabled");
      act.focus();
    }
  };
  const made = dialog(title, [h("p", null, text), said, h("div.row.end", null, cancel, act)], signal);
  cancel.focus();
}

/**
 * Shows something that has only to be read.
 *
 * @param {string} title
 * @param {(Node | string)[]} children
 * @param {AbortSignal} [signal]
 */
export function tell(title, children, signal) {
  const close = h("button", { type: "button", "data-act": "close", onclick: () => made.close() }, t.close);
  const made = dialog(title, [...children, h("div.row.end", null, close)], signal);
  close.focus();
}
