// A field of the plan that holds several values: a list of texts, or of names with values.

import { h, put } from "../dom.js";
import { fill, texts } from "../i18n.js";
import { idOf, notes } from "./field.js";

/**
 * @typedef {import("./field.js").Field} Field
 * @typedef {import("./plan.js").Edit} Edit
 * @typedef {import("./plan.js").Problem} Problem
 *
 * @typedef {object} Settings
 * @property {string} place
 * @property {string} label
 * @property {string} hint
 * @property {string} add  text of the button
 * @property {"texts" | "table" | "pairs"} shape  of the value; `pairs` may repeat a name and may be a table
 * @property {string[]} [columns]  what the inputs of a row are called
 * @property {string[]} [examples]  offered while typing
 */

const t = texts({
  remove: ["Remove", "删除"],
  row: ["{label} {n}", "{label} {n}"],
  removeRow: ["Remove {label} {n}", "删除{label} {n}"],
  twice: ["`{name}` is there twice; only the last one would be kept.", "“{name}”重复，只会保留最后一个。"],
});

/**
 * @param {Settings} settings
 * @param {(edits: Edit[]) => void} changed
 * @returns {Field}
 */
export function rows(settings, changed) {
  const made = new Rows(settings, changed);
  return {
    place: settings.place,
    element: made.element,
    set: (value) => made.set(value),
    get: () => made.get(),
    own: () => made.own(),
    complain: (problems) => made.complain(problems),
  };
}

class Rows {
  /** @param {Settings} settings @param {(edits: Edit[]) => void} changed */
  constructor(settings, changed) {
    this.settings = settings;
    this.changed = changed;
    this.id = idOf(settings.place);
    /** What is typed, empty rows too. @type {string[][]} */
    this.typed = [];
    /** Whether the plan had a table: it gets one back. */
    this.isTable = settings.shape === "table";
    this.list = h("ol.plan-rows");
    this.button = h("button.small", { type: "button", id: `${this.id}-add`, onclick: () => this.add() }, `+ ${settings.add}`);
    const { line, complain } = notes(this.id, settings.hint, () => null);
    this.say = complain;
    this.lists = h("datalist", { id: `${this.id}-examples` }, (settings.examples ?? []).map((value) => h("option", { value })));
    this.element = h("div.plan-field.wide", { "data-place": settings.place, role: "group", "aria-labelledby": `${this.id}-label` },
      h("div.row", null, h("span.plan-label", { id: `${this.id}-label` }, settings.label), this.button),
      this.list, settings.examples && this.lists, line);
  }

  /** @param {any} value */
  set(value) {
    if (this.settings.shape === "pairs") this.isTable = value !== undefined && !Array.isArray(value);
    if (value === undefined) this.typed = [];
    else if (!Array.isArray(value)) this.typed = Object.entries(value).map(([name, text]) => [name, String(text)]);
    else this.typed = value.map((one) => (Array.isArray(one) ? [...one] : [String(one)]));
    this.draw();
  }

  get() {
    const filled = this.filled().map((index) => this.typed[index]);
    if (filled.length === 0) return undefined;
    if (this.settings.shape === "texts") return filled.map(([text]) => text.trim());
    const names = new Set(filled.map(([name]) => name.trim()));
    const pairs = filled.map(([name, text]) => [name.trim(), text.trim()]);
    if (this.settings.shape === "table" || (this.isTable && names.size === filled.length)) return Object.fromEntries(pairs);
    return pairs;
  }

  /** Indices of the rows that the plan gets. */
  filled() {
    return this.typed.flatMap((row, index) => (row.some((text) => text.trim() !== "") ? [index] : []));
  }

  /** @returns {Problem[]} */
  own() {
    if (this.settings.shape !== "table") return [];
    const names = this.filled().map((index) => this.typed[index][0].trim());
    const name = names.find((one, index) => names.indexOf(one) !== index);
    return name === undefined ? [] : [{ place: this.settings.place, message: fill(t.twice, { name }), hint: "" }];
  }

  draw() {
    put(this.list, this.typed.map((row, index) => this.drawRow(row, index)));
    this.list.hidden = this.typed.length === 0;
  }

  /** @param {string[]} row @param {number} index */
  drawRow(row, index) {
    const { label, columns = [], examples } = this.settings;
    const inputs = row.map((text, column) => h("input", {
      id: [this.id, index, ...(row.length > 1 ? [["name", "value"][column]] : [])].join("-"),
      "aria-label": fill(t.row, { label: columns[column] ?? label, n: index + 1 }),
      "aria-describedby": `${this.id}-note`,
      list: examples && column === 0 ? `${this.id}-examples` : null,
      value: text, autocomplete: "off", spellcheck: "false",
      oninput: (/** @type {Event} */ event) => {
        row[column] = /** @type {HTMLInputElement} */ (event.target).value;
        this.tell();
      },
    }));
    const remove = h("button.small", {
      type: "button", id: `${this.id}-${index}-remove`, onclick: () => this.remove(index),
      "aria-label": fill(t.removeRow, { label: label.toLowerCase(), n: index + 1 }), title: t.remove,
    }, "✕");
    return h("li", null, inputs, remove);
  }

  tell() {
    this.changed([[this.settings.place, this.get()]]);
  }

  add() {
    this.typed.push((this.settings.columns ?? [""]).map(() => ""));
    this.draw();
    this.list.lastElementChild?.querySelector("input")?.focus();
  }

  /** @param {number} index */
  remove(index) {
    this.typed.splice(index, 1);
    this.draw();
    const next = this.list.children[Math.min(index, this.typed.length - 1)]?.querySelector("input") ?? this.button;
    next.focus();
    this.tell();
  }

  /** @param {Problem[]} problems */
  complain(problems) {
    this.say(problems);
    const filled = this.filled();
    const bad = problems.map(({ place }) => filled[Number(/\[(\d+)\]/.exec(place)?.[1] ?? NaN)]);
    [...this.list.children].forEach((row, index) => {
      for (const input of row.querySelectorAll("input")) {
        if (bad.includes(index)) input.setAttribute("aria-invalid", "true");
        else input.removeAttribute("aria-invalid");
      }
    });
  }
}
