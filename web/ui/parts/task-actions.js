// The bar below the form: what is not saved, what is wrong, and the buttons.

import { h, put, say } from "../dom.js";
import { fill, texts } from "../i18n.js";
import { problem } from "./problem.js";

const t = texts({
  save: ["Save", "保存"],
  start: ["Start", "启动"],
  saveStart: ["Save and start", "保存并启动"],
  clone: ["Clone", "克隆"],
  delete: ["Delete", "删除"],
  cancel: ["Cancel", "取消"],
  sure: ["Delete this task?", "删除该任务？"],
  sureWhy: ["Its runs and their reports stay.", "其运行记录与报告会保留。"],
  isNew: ["Not saved yet", "尚未保存"],
  dirty: ["Unsaved changes", "有未保存的修改"],
  saved: ["Saved", "已保存"],
  away: ["Control does not answer; it is asked again", "控制端无响应，正在重试"],
  working: ["Working…", "处理中…"],
  wrong: ["{n} to correct", "{n} 处需修改"],
  keys: ["Ctrl+S saves, Ctrl+Enter saves and starts. Enter in a field does neither.", "Ctrl+S 保存，Ctrl+Enter 保存并启动；在输入框中按 Enter 不会保存或启动。"],
  conflict: ["Somebody saved this task since you opened it", "打开之后，该任务已被他人保存"],
  conflictHint: ["Your changes are kept here until you choose.", "在您选择之前，您的修改会保留在此处。"],
  force: ["Save mine over it", "用我的覆盖"],
  theirs: ["Show what is saved", "查看已保存的版本"],
});

/**
 * @typedef {object} Handlers
 * @property {() => Promise<void>} save
 * @property {() => Promise<void>} start
 * @property {() => void} clone
 * @property {() => Promise<void>} remove
 * @property {() => void} wrong  shows the first thing that is wrong
 *
 * @typedef {object} State
 * @property {boolean} isNew
 * @property {boolean} isDirty
 * @property {boolean} isAway
 * @property {boolean} isReadOnly
 * @property {number} wrong  how many places are
 */

export class TaskActions {
  /** @param {Handlers} handlers @param {AbortSignal} signal */
  constructor(handlers, signal) {
    this.handlers = handlers;
    this.isWorking = false;
    /** @type {State} */
    this.state = { isNew: true, isDirty: false, isAway: false, isReadOnly: false, wrong: 0 };
    this.said = h("div", { id: "edit-problem" });
    this.now = h("span.muted", { id: "edit-state", role: "status" });
    this.wrong = h("button.link", { type: "button", id: "edit-wrong", onclick: () => handlers.wrong() });
    this.delete = h("button", { type: "button", id: "delete", onclick: () => this.ask() }, t.delete);
    this.clone = h("button", { type: "button", id: "clone", onclick: () => handlers.clone() }, t.clone);
    this.save = h("button", { type: "button", id: "save", title: "Ctrl+S", "aria-keyshortcuts": "Control+S", onclick: () => this.work(handlers.save) }, t.save);
    this.start = h("button.primary", { type: "button", id: "start", title: "Ctrl+Enter", "aria-keyshortcuts": "Control+Enter", "aria-describedby": "edit-keys", onclick: () => this.work(handlers.start) });
    this.keys = h("span.muted", { id: "edit-keys" }, t.keys);
    this.dialog = /** @type {HTMLDialogElement} */ (this.question());
    this.element = h("div.edit-actions", null, this.said,
      h("div.row", null, h("span.edit-now", null, this.now, this.wrong, this.keys), this.delete, this.clone, this.save, this.start), this.dialog);
    document.addEventListener("keydown", (event) => this.key(event), { signal });
    this.show({});
  }

  question() {
    const yes = h("button.stop", { type: "button", id: "delete-yes", onclick: () => { this.dialog.close(); this.work(this.handlers.remove); } }, t.delete);
    const no = h("button", { type: "button", id: "delete-no", onclick: () => this.dialog.close() }, t.cancel);
    return h("dialog.ask", { id: "delete-ask", "aria-labelledby": "delete-title" }, h("h2", { id: "delete-title" }, t.sure), h("p", null, t.sureWhy), h("div.row", null, no, yes));
  }

  ask() {
    if (!this.isWorking) this.dialog.showModal();
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey || this.dialog.open) return;
    const button = event.key === "Enter" ? this.start : event.key.toLowerCase() === "s" ? this.save : null;
    if (button === null) return;
    event.preventDefault();
    button.click();
  }

  /** Does one thing at a time, and says what went wrong. @param {() => Promise<void>} what */
  async work(what) {
    if (this.isWorking) return;
    this.isWorking = true;
    put(this.said);
    this.show({});
    try {
      await what();
    } catch (error) {
      put(this.said, problem(error));
    } finally {
      this.isWorking = false;
      this.show({});
    }
  }

  /** Takes away what was said about a plan that is another one by now. A choice stays until it is made. */
  forget() {
    if (this.said.querySelector("#edit-conflict") === null) put(this.said);
  }

  /** @param {{ force: () => Promise<void>, theirs: () => void }} choices */
  conflict({ force, theirs }) {
    put(this.said, h("div.problem", { role: "alert", id: "edit-conflict" }, t.conflict, h("span.hint", null, t.conflictHint),
      h("div.row", null,
        h("button.small", { type: "button", id: "conflict-force", onclick: () => this.work(force) }, t.force),
        h("button.small", { type: "button", id: "conflict-theirs", onclick: theirs }, t.theirs))));
  }

  /** @param {Partial<State>} state  what of it has changed */
  show(state) {
    this.state = { ...this.state, ...state };
    const { isNew, isDirty, isAway, isReadOnly, wrong } = this.state;
    say(this.now, this.isWorking ? t.working : isAway ? t.away : isNew ? t.isNew : isDirty ? t.dirty : t.saved);
    this.now.classList.toggle("bad", isAway);
    this.wrong.hidden = wrong === 0;
    say(this.wrong, fill(t.wrong, { n: wrong }));
    say(this.start, isNew || isDirty ? t.saveStart : t.start);
    this.start.setAttribute("data-action", isNew || isDirty ? "save-start" : "start");
    this.delete.hidden = this.clone.hidden = isNew;
    this.now.hidden = isReadOnly;
    this.keys.hidden = isReadOnly;
    this.start.toggleAttribute("disabled", isReadOnly);
    this.save.toggleAttribute("disabled", isReadOnly || (!isNew && !isDirty && !this.isWorking));
    this.delete.toggleAttribute("disabled", isReadOnly);
    this.clone.toggleAttribute("disabled", isReadOnly);
    this.element.setAttribute("aria-busy", String(this.isWorking));
  }
}
