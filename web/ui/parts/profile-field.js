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
  hint: ["Stretches one after the other: const(rate, length), line(from, to, length), step(from, to, by, length of each step).",
    "各段依次执行：const(速率, 时长)、line(起始, 目标, 时长)、step(起始, 目标, 步长, 每级时长)。"],
  const: ["constant", "恒定"],
  line: ["ramp", "线性变化"],
  step: ["steps", "阶梯"],
  kind: ["Kind of stretch {n}", "第 {n} 段类型"],
  rate: ["Rate", "速率"],
  from: ["From", "起始速率"],
  to: ["To", "目标速率"],
  by: ["By", "步长"],
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
  const list = h("ol.plan-rows.stretches");
  const sorry = h("p.note.warn", { id: `${ID}-rows`, role: "status" });
  /** @type {Row[]} */
  let shown = [];
  const text = field({ place: PLACE, label: t.label, hint: t.hint, fallback: "", isWide: true }, () => {
    drawText();
    changed();
  });
  const input = /** @type {HTMLInputElement} */ (text.element.querySelector("input"));

  const print = () => {
    input.value = printProfile(shown);
    changed();
  };
  const draw = () => put(list, shown.map(drawRow));
  const drawText = () => {
    const parsed = parseProfile(input.value);
    say(sorry, parsed === null ? t.noRows : "");
    // The rows stay where they are: nothing moves under the hand of who types.
    list.inert = parsed === null;
    add.toggleAttribute("disabled", parsed === null);
    if (parsed === null) return;
    shown = parsed;
    draw();
  };
  /** @param {Row} row @param {number} index */
  const drawRow = (row, index) => {
    const n = index + 1;
    const kind = h("select", {
      id: `${ID}-${index}-kind`, "aria-label": fill(t.kind, { n }),
      onchange: (/** @type {Event} */ event) => {
        shown[index] = asKind(row, /** @type {Kind} */ (/** @type {HTMLSelectElement} */ (event.target).value));
        draw();
        list.children[index].querySelector("select")?.focus();
        print();
      },
    }, Object.keys(KINDS).map((name) => h("option", { value: name, selected: name === row.kind }, t[/** @type {Kind} */ (name)])));
    const inputs = KINDS[row.kind].map((name, column) => h("label", null, h("span", { "aria-hidden": "true" }, t[name]), h("input", {
      id: `${ID}-${index}-${name}`, value: row.values[column], autocomplete: "off", spellcheck: "false",
      "aria-label": fill(t.nth, { name: t[name], n }), "aria-describedby": `${ID}-note`,
      oninput: (/** @type {Event} */ event) => {
        // A bracket or a comma would make other rows of it.
        row.values[column] = /** @type {HTMLInputElement} */ (event.target).value.replaceAll(/[(),]/g, "").trim();
        print();
      },
    })));
    const remove = h("button.small", { type: "button", id: `${ID}-${index}-remove`, "aria-label": fill(t.remove, { n }), title: fill(t.remove, { n }), onclick: () => drop(index) }, "✕");
    return h("li", null, kind, inputs, remove);
  };
  /** @param {number} index */
  const drop = (index) => {
    shown.splice(index, 1);
    draw();
    (list.children[Math.min(index, shown.length - 1)]?.querySelector("select") ?? add).focus();
    print();
  };
  const add = h("button.small", {
    type: "button", id: `${ID}-add`,
    onclick: () => {
      const last = shown.at(-1);
      // It goes on where the last one ends.
      shown.push({ kind: "const", values: last === undefined ? ["100/s", "30s"] : asKind(last, "const").values });
      draw();
      list.lastElementChild?.querySelector("select")?.focus();
      print();
    },
  }, `+ ${t.add}`);
  return {
    ...text,
    element: h("div.profile.wide", null, list, add, sorry, text.element),
    get: () => input.value.trim(),
    set: (value) => {
      text.set(value);
      drawText();
    },
  };
}
