// The keys of the page, and the list of them that `?` opens.

import { h } from "../dom.js";
import { texts } from "../i18n.js";
import { tell } from "./dialog.js";

const t = texts({
  title: ["Keys", "快捷键"],
  list: ["Show this list", "显示此列表"],
  search: ["Go to the search field of the page", "跳到本页的搜索框"],
  next: ["Go to the next or the previous control", "跳到下一个或上一个控件"],
  press: ["Press a button, open a link, choose", "按下按钮、打开链接、选择"],
  close: ["Close a dialog without doing anything", "关闭对话框，不执行任何操作"],
  or: ["or", "或"],
});

/** @type {[string[], string][]} */
const KEYS = [
  [["?"], t.list],
  [["/"], t.search],
  [["Tab", "Shift + Tab"], t.next],
  [["Enter", "Space"], t.press],
  [["Esc"], t.close],
];

/** Shows the list. */
export function showKeys() {
  const rows = KEYS.map(([keys, text]) =>
    h("div", null, h("dt", null, keys.flatMap((key, at) => [at > 0 ? ` ${t.or} ` : null, h("kbd", null, key)])), h("dd", null, text)));
  tell(t.title, [h("dl.keys", { id: "keys-list" }, ...rows)]);
}

/** Is a key typed into a field, or in a dialog? @param {KeyboardEvent} event */
function isTaken(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return true;
  const { target } = event;
  return target instanceof Element && target.closest("input, textarea, select, [contenteditable], dialog") !== null;
}

/** Begins to listen. */
export function listen() {
  document.addEventListener("keydown", (event) => {
    if (isTaken(event) || document.querySelector("dialog[open]") !== null) return;
    if (event.key === "?") showKeys();
    else if (event.key === "/") document.querySelector("main")?.querySelector(/** @type {"input"} */ ("input[type=search]"))?.focus();
    else return;
    event.preventDefault();
  });
}
