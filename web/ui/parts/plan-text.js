// The plan as TOML in an editor with line numbers; the line that cannot be read is marked in them.

import { h, put } from "../dom.js";
import { fill, texts } from "../i18n.js";

/** @typedef {import("./plan.js").Problem} Problem */

const t = texts({
  label: ["Plan as TOML", "TOML 格式的计划"],
  jsonLabel: ["Plan as JSON", "JSON 格式的计划"],
  hint: ["The same plan: either side edits the other. Comments last until a field is changed.", "与表单是同一份计划，可互相编辑。修改表单字段后，注释不会保留。"],
  place: ["Line {line}, column {column}", "第 {line} 行第 {column} 列"],
  stale: ["The fields show the last text that could be read.", "表单显示的是最近一次可读的内容。"],
  old: ["The text is as it was before: a value of the form cannot be read.", "表单中有无法解析的值，文本仍是之前的内容。"],
  back: ["Back to that text", "恢复到该内容"],
});

export class PlanText {
  /** @param {{ changed: (text: string) => void, back: () => void }} actions */
  constructor({ changed, back }) {
    this.numbers = h("pre", { "aria-hidden": "true" });
    this.area = /** @type {HTMLTextAreaElement} */ (h("textarea.code", {
      id: "plan-toml", wrap: "off", spellcheck: "false", autocomplete: "off", autocapitalize: "off", "aria-label": t.label, "aria-describedby": "plan-toml-note",
    }));
    this.note = h("p.note", { id: "plan-toml-note" }, t.hint);
    this.back = h("button.small", { type: "button", id: "plan-toml-back", onclick: back }, t.back);
    this.element = h("div.plan-text", null, this.note, h("div.editor", null, this.numbers, this.area));
    this.line = 0;
    this.isTyped = false;
    /** @type {(() => void) | null} */
    this.offered = null;
    this.area.addEventListener("input", () => {
      this.isTyped = true;
      this.offered = null;
      this.number();
      changed(this.area.value);
    });
    this.area.addEventListener("blur", () => {
      this.isTyped = false;
      this.offered?.();
      this.offered = null;
    });
    this.area.addEventListener("scroll", () => { this.numbers.scrollTop = this.area.scrollTop; });
    this.number();
  }

  /** Shows a text at once. @param {string} text */
  set(text) {
    if (this.area.value === text) return;
    const { selectionStart, selectionEnd, scrollTop } = this.area;
    const hasFocus = document.activeElement === this.area;
    this.area.value = text;
    if (hasFocus) this.area.setSelectionRange(selectionStart, selectionEnd);
    this.area.scrollTop = scrollTop;
    this.number();
  }

  /**
   * Shows a text as soon as nobody types in this one.
   *
   * @param {string} text
   * @param {() => void} shown
   */
  offer(text, shown) {
    const show = () => {
      this.set(text);
      shown();
    };
    if (this.isTyped && document.activeElement === this.area) this.offered = show;
    else show();
  }

  /** Shows a plan to a reader who may not have it checked. @param {any} plan */
  showJson(plan) {
    this.area.setAttribute("aria-label", t.jsonLabel);
    this.set(JSON.stringify(plan, null, 2));
    this.area.readOnly = true;
    put(this.note);
  }

  number() {
    const count = this.area.value.split("\n").length;
    const lines = Array.from({ length: count }, (_, index) => index + 1);
    const bad = this.line;
    if (bad === 0) put(this.numbers, lines.join("\n"));
    else put(this.numbers, lines.slice(0, bad - 1).map((n) => `${n}\n`).join(""), h("span.wrong-line", null, `✕ ${bad}`), lines.slice(bad).map((n) => `\n${n}`).join(""));
    this.numbers.scrollTop = this.area.scrollTop;
  }

  /**
   * Says what is wrong with the text itself.
   *
   * @param {Problem[]} problems  with places `toml:3:7`
   * @param {{ isBroken: boolean, isOld: boolean }} state  whether there is no plan of this text, whether the form's is another
   */
  complain(problems, { isBroken, isOld }) {
    const places = problems.map((one) => this.problem(one));
    const line = Math.max(0, ...problems.slice(0, 1).map(({ place }) => lineOf(place)?.line ?? 0));
    if (isBroken) this.area.setAttribute("aria-invalid", "true");
    else this.area.removeAttribute("aria-invalid");
    this.note.classList.toggle("wrong", isBroken);
    if (isBroken) put(this.note, ...places, h("span.back", null, t.stale, " ", this.back));
    else put(this.note, isOld ? t.old : t.hint);
    if (line !== this.line) {
      this.line = line;
      this.number();
    }
  }

  /** @param {Problem} problem */
  problem({ message, hint, place }) {
    const at = lineOf(place);
    const text = `${message}${hint ? ` (${hint})` : ""} `;
    if (at === null) return h("span.place", null, text);
    const { line, column } = at;
    const go = h("button.link", { type: "button", id: "plan-toml-place", onclick: () => this.goTo(line, column) }, fill(t.place, { line, column }));
    return h("span.place", { "data-line": line }, go, `: ${text}`);
  }

  /** @param {number} line @param {number} column */
  goTo(line, column) {
    const lines = this.area.value.split("\n");
    const before = lines.slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0);
    const at = before + Math.min(column - 1, (lines[line - 1] ?? "").length);
    this.area.focus();
    this.area.setSelectionRange(at, at);
  }
}

/** `toml:3:7` → line and column. @param {string} place */
function lineOf(place) {
  const found = /^toml:(\d+):(\d+)$/.exec(place);
  return found === null ? null : { line: Number(found[1]), column: Number(found[2]) };
}
