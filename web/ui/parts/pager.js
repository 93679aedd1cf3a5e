// Which part of a long list is shown, and the way to the others.

import { h, say } from "../dom.js";
import { count } from "../format.js";
import { fill, texts } from "../i18n.js";

const t = texts({
  label: ["Parts of the list", "分页"],
  before: ["Previous", "上一页"],
  after: ["Next", "下一页"],
  shown: ["{from}–{to} of {total}", "第 {from}–{to} 项，共 {total} 项"],
  rest: ["{from}–{to}", "第 {from}–{to} 项"],
});

/**
 * @param {string} name  begins the ids of its parts
 * @param {number} size  how many things a part has
 * @param {(offset: number) => void} go
 */
export function pager(name, size, go) {
  let offset = 0;
  const text = h("span.muted", { id: `${name}-shown`, role: "status" });
  const step = (/** @type {number} */ by) => () => go(Math.max(0, offset + by * size));
  const before = h("button.small", { type: "button", id: `${name}-before`, onclick: step(-1) }, t.before);
  const after = h("button.small", { type: "button", id: `${name}-after`, onclick: step(1) }, t.after);
  const element = h("nav.row.pager", { "aria-label": t.label, hidden: true }, before, text, after);
  return {
    element,
    /**
     * @param {number} from  how many are before what is shown
     * @param {number} shown  how many are shown
     * @param {number | null} total  null: nobody counts them
     */
    set(from, shown, total) {
      offset = from;
      const isLast = total === null ? shown < size : from + shown >= total;
      element.hidden = from === 0 && isLast;
      before.toggleAttribute("disabled", from === 0);
      after.toggleAttribute("disabled", isLast);
      const values = { from: count(Math.min(from + 1, from + shown)), to: count(from + shown), total: count(total ?? 0) };
      say(text, fill(total === null ? t.rest : t.shown, values));
    },
  };
}
