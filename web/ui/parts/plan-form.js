// The plan as a form: groups of fields, less used ones folded away. What the plan holds and the form has
// no field for stays in the plan: the form says what was changed, not what there is.

import { h, put, say } from "../dom.js";
import { fill, texts } from "../i18n.js";
import { loadGroup } from "./load-group.js";
import { at } from "./plan.js";
import { groups } from "./plan-groups.js";

/**
 * @typedef {import("./field.js").Field} Field
 * @typedef {import("./plan.js").Edit} Edit
 * @typedef {import("./plan.js").Plan} Plan
 * @typedef {import("./plan.js").Problem} Problem
 *
 * @typedef {object} Block  a group as it is drawn
 * @property {string[]} places  whose problems it shows where no field does
 * @property {HTMLElement} wrong
 * @property {HTMLElement | null} badge
 */

const t = texts({
  load: ["Load", "压力"],
  more: ["More about the load", "更多压力设置"],
  stale: ["Out of date: the text cannot be read", "未同步：文本无法解析"],
  problems: ["{n} to correct", "{n} 处需修改"],
});

export class PlanForm {
  /** @param {(edits: Edit[]) => void} changed */
  constructor(changed) {
    this.load = loadGroup(changed);
    /** @type {Field[]} */
    this.fields = [];
    /** @type {Block[]} */
    this.blocks = [];
    this.top = h("div", { id: "plan-problems" });
    this.stale = h("span.badge.warn", { id: "form-stale", hidden: true }, t.stale);
    /** Where the forecast is on a narrow page. */
    this.slot = h("div.plan-slot");
    const [target, addresses, ...others] = groups(changed).map((group) => this.group(group));
    const folded = h("details", null, this.summary(t.more, ["load"]), this.load.more);
    const load = h("fieldset", { id: "group-load" }, h("legend", null, t.load), this.load.seen, folded, this.blocks.at(-1)?.wrong);
    this.fieldset = /** @type {HTMLFieldSetElement} */ (h("fieldset.plan-all", null, target, addresses, load, this.slot, others));
    this.element = h("form.plan-form", { id: "plan-form", onsubmit: (/** @type {Event} */ event) => event.preventDefault() }, this.top, this.stale, this.fieldset);
  }

  /**
   * @param {import("./plan-groups.js").Group} group
   * @returns {HTMLElement}
   */
  group(group) {
    this.fields.push(...group.fields);
    const inside = [group.note && h("p.muted", null, group.note), group.fields.length > 0 && h("div.plan-fields", null, group.fields.map((one) => one.element))];
    const summary = this.summary(group.title, group.places);
    const wrong = this.blocks.at(-1)?.wrong;
    if (!group.isFolded) return h("fieldset", { id: `group-${group.name}` }, h("legend", null, group.title), inside, wrong);
    return h("details.group", { id: `group-${group.name}` }, summary, h("fieldset", { "aria-label": group.title }, inside, wrong));
  }

  /** @param {string} title @param {string[]} places */
  summary(title, places) {
    const badge = h("span.badge.bad", { hidden: true });
    this.blocks.push({ places, badge, wrong: h("div.wrong-here") });
    return h("summary", null, title, " ", badge);
  }

  /**
   * Shows a plan, but for the places where the reader's own value is on its way.
   *
   * @param {Plan} plan
   * @param {(place: string) => boolean} isKept
   */
  set(plan, isKept = () => false) {
    this.load.set(plan, isKept);
    for (const one of this.fields) {
      if (!isKept(one.place)) one.set(at(plan, one.place));
    }
  }

  every() {
    return [...this.load.fields, ...this.fields];
  }

  /** What the page itself finds wrong with what is typed. */
  own() {
    return this.every().filter((one) => isShown(one)).flatMap((one) => one.own());
  }

  /**
   * Shows problems at their fields, those without a field at their group, the rest on top. A field's own
   * problem says more than the server's of the same field.
   *
   * @param {Problem[]} problems
   */
  complain(problems) {
    const own = this.own();
    const places = new Set(own.map(({ place }) => place));
    let rest = [...own, ...problems.filter(({ place }) => !places.has(base(place)))];
    for (const one of this.every()) {
      const here = isShown(one) ? rest.filter(({ place }) => base(place) === one.place || base(place).startsWith(`${one.place}.`)) : [];
      rest = rest.filter((problem) => !here.includes(problem));
      one.complain(here);
    }
    for (const { places: of, wrong } of this.blocks) {
      const here = rest.filter(({ place }) => of.some((name) => base(place) === name || base(place).startsWith(`${name}.`)));
      rest = rest.filter((problem) => !here.includes(problem));
      show(wrong, here);
    }
    show(this.top, rest);
    this.count();
  }

  /** Says on each group that is folded how much is wrong in it. */
  count() {
    for (const { badge } of this.blocks) {
      const n = badge?.closest("details")?.querySelectorAll(WRONG).length ?? 0;
      if (badge === null) continue;
      badge.hidden = n === 0;
      say(badge, n === 0 ? "" : fill(t.problems, { n }));
    }
  }

  /** How many places are wrong. */
  wrong() {
    return this.element.querySelectorAll(WRONG).length;
  }

  /** Takes the reader to the first place that is wrong. */
  showFirst() {
    const first = this.element.querySelector(WRONG);
    const folded = first?.closest("details");
    if (folded) folded.open = true;
    const field = first?.closest("[data-place]") ?? first;
    const target = /** @type {HTMLElement | null | undefined} */ (field?.querySelector("[aria-invalid]") ?? field?.querySelector("input, select, textarea, button"));
    if (target) target.focus();
    else first?.scrollIntoView({ block: "center" });
  }

  /** @param {boolean} isLocked */
  lock(isLocked) {
    this.fieldset.disabled = isLocked;
  }

  /** While there is a text that cannot be read nobody can say what a change of a field would change. @param {boolean} isStale */
  markStale(isStale) {
    this.lock(isStale);
    this.stale.hidden = !isStale;
  }
}

const WRONG = ".note.wrong, .problem";

/** `stop.slo[0]` → `stop.slo` @param {string} place */
const base = (place) => place.replace(/\[.*$/, "");

/** @param {Field} one */
const isShown = (one) => !one.element.hidden;

/** @param {HTMLElement} element @param {Problem[]} problems */
function show(element, problems) {
  put(element, problems.map(({ message, hint }) => h("p.problem", null, message, hint && h("span.hint", null, hint))));
}
