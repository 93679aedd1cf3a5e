// The profile builder: rows of constant, ramp and steps above the text that they make. Either edits the
// other; a text that has no rows is left as it is.

import { h, put, say } from "../dom.js";
import { fill, texts } from "../i18n.js";
import { field, idOf } from "./field.js";
import { KINDS, asKind, parseProfile, printProfile } from "./profile.js";

/**
 * @typedef {import("./field.js").Field} Field
 * @typedef {import("./plan.js").Edit} Edit
 * @typedef {import("./profile.js").Row} Row
 * @typedef {import("./profile.js").Kind} Kind
 */

const t = texts({
  label: ["Profile", "压力曲线"],
  hint: ["Stretches one after the other: const(rate, length), line(from, to, length), step(from, to, by, length of each step), sine(mean, amplitude, period, length).",
    "各段依次执行：const(速率, 时长)、line(起始, 目标, 时长)、step(起始, 目标, 步长, 每级时长)、sine(均值, 振幅, 周期, 时长)。"],
  const: ["constant", "恒定"],
  line: ["ramp", "线性变化"],
  step: ["steps", "阶梯"],
  sine: ["sine", "正弦"],
  kind: ["Kind of stretch {n}", "第 {n} 段类型"],
  rate: ["Rate", "速率"],
  from: ["From", "起始速率"],
  to: ["To", "目标速率"],
  by: ["By", "步长"],
  mean: ["Mean", "均值"],
  amplitude: ["Amplitude", "振幅"],
  period: ["Period", "周期"],
  length: ["Duration", "时长"],
  each: ["Each step", "每级时长"],
  nth: ["{name}, stretch {n}", "第 {n} 段{name}"],
  add: ["Add a stretch", "添加一段"],
  remove: ["Remove stretch {n}", "删除第 {n} 段"],
  noRows: ["The text below cannot be shown as rows; correct it there.", "下方文本无法按行显示，请在下方修改。"],
});

const PLACE = "load.profile";
const ID = idOf(PLACE);

/**
 * @param {() => void} changed
 * @returns {Field}
 */
export function profileField(changed) {
  const made = new Builder(changed);
  return { ...made.text, element: made.element, get: () => made.input.value.trim(), set: (value) => made.set(value) };
}

class Builder {
  /** @param {() => void} changed */
  constructor(changed) {
    this.changed = changed;
    /** @type {Row[]} */
    this.rows = [];
    this.list = h("ol.plan-rows.stretches");
    this.add = h("button.small", { type: "button", id: `${ID}-add`, onclick: () => this.append() }, `+ ${t.add}`);
    this.sorry = h("p.note.warn", { id: `${ID}-rows`, role: "status" });
    this.text = field({ place: PLACE, label: t.label, hint: t.hint, fallback: "", isWide: true }, () => {
      this.read();
      changed();
    });
    this.input = /** @type {HTMLInputElement} */ (this.text.element.querySelector("input"));
    this.element = h("div.profile.wide", null, this.list, this.add, this.sorry, this.text.element);
  }

  /** @param {any} value */
  set(value) {
    this.text.set(value);
    this.read();
  }

  /** The rows of the text. */
  read() {
    const rows = parseProfile(this.input.value);
    say(this.sorry, rows === null ? t.noRows : "");
    // The rows stay where they are: nothing moves under the hand of who types.
    this.list.inert = rows === null;
    this.add.toggleAttribute("disabled", rows === null);
    if (rows === null) return;
    this.rows = rows;
    this.draw();
  }

  /** The text of the rows. */
  write() {
    this.input.value = printProfile(this.rows);
    this.changed();
  }

  draw() {
    put(this.list, this.rows.map((row, index) => this.drawRow(row, index)));
  }

  /** @param {Row} row @param {number} index */
  drawRow(row, index) {
    const n = index + 1;
    const title = fill(t.remove, { n });
    const remove = h("button.small", { type: "button", id: `${ID}-${index}-remove`, "aria-label": title, title, onclick: () => this.remove(index) }, "✕");
    return h("li", null, this.kind(row, index), KINDS[row.kind].map((name, column) => this.value(row, index, name, column)), remove);
  }

  /** @param {Row} row @param {number} index */
  kind(row, index) {
    const names = /** @type {Kind[]} */ (Object.keys(KINDS));
    return h("select", {
      id: `${ID}-${index}-kind`, "aria-label": fill(t.kind, { n: index + 1 }),
      onchange: (/** @type {Event} */ event) => {
        this.rows[index] = asKind(row, /** @type {Kind} */ (/** @type {HTMLSelectElement} */ (event.target).value));
        this.draw();
        this.focus(index);
        this.write();
      },
    }, names.map((name) => h("option", { value: name, selected: name === row.kind }, t[name])));
  }

  /** @param {Row} row @param {number} index @param {typeof KINDS[Kind][number]} name @param {number} column */
  value(row, index, name, column) {
    return h("label", null, h("span", { "aria-hidden": "true" }, t[name]), h("input", {
      id: `${ID}-${index}-${name}`, value: row.values[column], autocomplete: "off", spellcheck: "false",
      "aria-label": fill(t.nth, { name: t[name], n: index + 1 }), "aria-describedby": `${ID}-note`,
      oninput: (/** @type {Event} */ event) => {
        // A bracket or a comma would make other rows of it.
        row.values[column] = /** @type {HTMLInputElement} */ (event.target).value.replaceAll(/[(),]/g, "").trim();
        this.write();
      },
    }));
  }

  append() {
    const last = this.rows.at(-1);
    // It goes on where the last one ends.
    this.rows.push({ kind: "const", values: last === undefined ? ["100/s", "30s"] : asKind(last, "const").values });
    this.draw();
    this.focus(this.rows.length - 1);
    this.write();
  }

  /** @param {number} index */
  remove(index) {
    this.rows.splice(index, 1);
    this.draw();
    this.focus(Math.min(index, this.rows.length - 1));
    this.write();
  }

  /** @param {number} index */
  focus(index) {
    (this.list.children[index]?.querySelector("select") ?? this.add).focus();
  }
}
