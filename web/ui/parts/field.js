// A field of the plan: label, control, and below it a hint, or what is wrong with the value.

import { h, put } from "../dom.js";
import { texts } from "../i18n.js";

/**
 * @typedef {import("./plan.js").Edit} Edit
 * @typedef {import("./plan.js").Problem} Problem
 *
 * @typedef {object} Field  a part of the form that shows one value of the plan
 * @property {string} place
 * @property {HTMLElement} element
 * @property {(value: any) => void} set  shows a value of the plan
 * @property {() => any} get  what the plan is to hold; undefined: nothing
 * @property {() => Problem[]} own  what the page itself finds wrong
 * @property {(problems: Problem[]) => void} complain  shows what is wrong; none: nothing is
 *
 * @typedef {object} Settings
 * @property {string} place
 * @property {string} label
 * @property {string} [hint]
 * @property {"text" | "whole" | "flag" | "choice" | "long"} [kind]
 * @property {[value: string, label: string, isLater?: boolean][]} [choices]  `isLater`: not supported yet
 * @property {string | number | boolean} [fallback]  what an empty field stands for; without it: nothing
 * @property {string[]} [examples]  offered while typing
 * @property {boolean} [isLater]  no engine supports it yet: it can be emptied, not filled
 * @property {boolean} [isWide]
 */

const t = texts({
  whole: ["A whole number: 64, 10k, 1.5M.", "请填整数，例如 64、10k、1.5M。"],
  large: ["A browser cannot hold this number exactly; it would be saved as another one.", "浏览器无法精确保存这么大的数，保存后会变成另一个数。"],
  later: ["Not supported by the engine yet.", "引擎暂不支持。"],
  laterHere: ["{text} (not supported yet)", "{text}（暂不支持）"],
});

/** The id of the control of a place. @param {string} place */
export const idOf = (place) => `plan-${place.replaceAll(/[.[\]_]+/g, "-").replace(/-$/, "")}`;

/**
 * Lines below a control, with room kept for one.
 *
 * @param {string} id
 * @param {string} hint
 * @param {() => (HTMLElement | null)} control  which is told whether its value is wrong
 */
export function notes(id, hint, control) {
  const line = h("p.note", { id: `${id}-note` }, hint);
  /** @param {Problem[]} problems */
  const complain = (problems) => {
    const isBad = problems.length > 0;
    const element = control();
    if (isBad) element?.setAttribute("aria-invalid", "true");
    else element?.removeAttribute("aria-invalid");
    const texts = isBad ? problems.map(({ message, hint }) => (hint ? `${message}: ${hint}` : message)) : [hint];
    line.classList.toggle("wrong", isBad);
    if (line.textContent !== texts.join(" ")) put(line, texts.join(" "));
  };
  return { line, complain };
}

/**
 * @param {Settings} settings
 * @param {(edits: Edit[]) => void} changed
 * @returns {Field}
 */
export function field(settings, changed) {
  const { place, label, kind = "text", isWide = false, isLater = false } = settings;
  const id = idOf(place);
  const control = /** @type {HTMLInputElement} */ (controlOf(settings, id));
  const hint = [settings.hint, isLater && t.later].filter(Boolean).join(" ");
  const { line, complain } = notes(id, hint, () => control);
  const lists = settings.examples && h("datalist", { id: `${id}-examples` }, settings.examples.map((value) => h("option", { value })));
  const get = () => valueOf(control, settings);
  const show = (/** @type {any} */ value) => {
    if (kind === "flag") control.checked = value;
    else control.value = String(value ?? "");
    if (isLater) control.disabled = control.value === "";
  };
  control.addEventListener("input", () => changed([[place, get()]]));
  // What an empty field stands for is seen in it, faint.
  if (kind === "text" || kind === "whole") control.placeholder = String(settings.fallback ?? "");
  show(settings.fallback);
  const name = h("label", { for: id }, label);
  const parts = kind === "flag" ? [h("div.flag", null, control, name), line] : [name, control, lists, line];
  const element = h("div.plan-field", { "data-place": place }, parts);
  element.classList.toggle("wide", isWide);
  return { place, element, set: (value) => show(value ?? settings.fallback), get, complain, own: () => own(settings, get()) };
}

/** @param {Settings} settings @param {string} id */
function controlOf(settings, id) {
  const described = { id, "aria-describedby": `${id}-note`, autocomplete: "off", spellcheck: "false" };
  switch (settings.kind) {
    case "flag": return h("input", { ...described, type: "checkbox" });
    case "long": return h("textarea.code", { ...described, rows: 3 });
    case "choice": return h("select", described, (settings.choices ?? []).map(([value, label, isLater]) =>
      h("option", { value, disabled: isLater }, isLater ? t.laterHere.replace("{text}", label) : label)));
    case "whole": return h("input", { ...described, type: "text", inputmode: "numeric" });
    default: return h("input", { ...described, type: "text", list: settings.examples ? `${id}-examples` : null });
  }
}

/** @param {HTMLInputElement} control @param {Settings} settings */
function valueOf(control, settings) {
  if (settings.kind === "flag") return control.checked;
  // A body is sent as it was typed; blanks around anything else are a slip.
  const text = settings.kind === "long" ? control.value : control.value.trim();
  if (text === "") return settings.fallback === "" ? "" : undefined;
  return settings.kind === "whole" ? whole(text) : text;
}

/**
 * The number that a text stands for: `2.6k` is 2,600. A text that is none stays what it is, and the
 * server says so.
 *
 * @param {string} text
 * @returns {number | string}
 */
export function whole(text) {
  const found = /^(\d+(?:\.\d+)?)([kMG]?)$/.exec(text);
  if (found === null) return text;
  const scale = { "": 1, k: 1e3, M: 1e6, G: 1e9 }[found[2]] ?? 1;
  const value = Number(found[1]) * scale;
  const nearest = Math.round(value);
  // 2.6 × 1,000 is not quite a whole number in a computer.
  return Math.abs(value - nearest) < 1e-6 ? nearest : text;
}

/** @param {Settings} settings @param {any} value @returns {Problem[]} */
function own(settings, value) {
  if (settings.kind !== "whole" || value === undefined) return [];
  if (typeof value === "string") return [{ place: settings.place, message: t.whole, hint: "" }];
  return Number.isSafeInteger(value) ? [] : [{ place: settings.place, message: t.large, hint: "" }];
}
