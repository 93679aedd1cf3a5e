// Requests by class of status and by tag: a table of each, where there is more than one of them.

import { h, put } from "../dom.js";
import { count, time } from "../format.js";
import { texts } from "../i18n.js";
import { sinceNote } from "./since.js";

const t = texts({
  classes: ["Response time by class of status", "按状态码类别的响应时间"],
  tags: ["Requests by tag", "按标签统计"],
  status: ["Status", "状态码"],
  tag: ["Tag", "标签"],
  other: ["other", "其他"],
  otherTags: ["all others", "其余标签"],
  responses: ["Responses", "响应数"],
  completed: ["Completed", "完成"],
  errors: ["Errors", "错误"],
  mean: ["mean", "平均"],
  max: ["max", "最大"],
});

/** The tag that all others are counted under. */
const OTHER_TAGS = "(other)";
/** Seconds that may come again, with more in them. */
const SECONDS_KEPT = 60;

const RANKS = /** @type {[string, string][]} */ ([["mean", t.mean], ["p50", "p50"], ["p90", "p90"], ["p99", "p99"], ["p99_9", "p99.9"], ["max", t.max]]);

/** @param {any} distribution */
const times = (distribution) => RANKS.map(([rank]) =>
  h("td.number", { "data-rank": rank }, distribution.count === 0 ? "–" : time(distribution[rank])));

/** @param {string} name */
const tagText = (name) => (name === OTHER_TAGS ? t.otherTags : name);

/** The most frequent tags first, those that have no name last. @param {[string, any][]} tags */
const inOrder = (tags) => tags.sort(([a, one], [b, other]) =>
  Number(a === OTHER_TAGS) - Number(b === OTHER_TAGS) || other.completed + other.errors - one.completed - one.errors || a.localeCompare(b));

/** @param {string} title @param {string[]} heads  the first is that of the names @param {HTMLElement[]} rows @param {HTMLElement | null} [note] */
function content(title, heads, rows, note = null) {
  const cells = heads.map((label, at) => h(at === 0 ? "th" : "th.number", { scope: "col" }, label));
  return [h("h2", null, title), note, h("div.scroll", { tabindex: "0", role: "group", "aria-label": title },
    h("table", null, h("thead", null, h("tr", null, cells)), h("tbody", null, rows)))];
}

/** @param {HTMLElement} root @param {any} report */
export function showGroups(root, { classes, tags }) {
  const labels = RANKS.map(([, label]) => label);
  const ofClasses = Object.entries(classes ?? {});
  if (ofClasses.length > 1) {
    const rows = ofClasses.map(([name, found]) => h("tr", { "data-class": name },
      h("th", { scope: "row" }, name === "0" ? t.other : `${name}xx`), h("td.number", null, count(found.count)), times(found)));
    root.append(h("section.card", { id: "classes" }, content(t.classes, [t.status, t.responses, ...labels], rows)));
  }
  const ofTags = inOrder(Object.entries(tags ?? {}));
  if (ofTags.length > 0) {
    const rows = ofTags.map(([name, found]) => tagRow(name, found, times(found.response_ns)));
    root.append(h("section.card", { id: "tags" }, content(t.tags, [t.tag, t.completed, t.errors, ...labels], rows)));
  }
}

/** @param {string} name @param {any} found @param {HTMLElement[]} more */
const tagRow = (name, found, more) => h("tr", { "data-tag": name },
  h("th", { scope: "row" }, tagText(name)), h("td.number", null, count(found.completed)),
  h(`td.number${found.errors > 0 ? ".bad" : ""}`, null, count(found.errors)), more);

/** Tags of a run that goes on, of the frames that were seen. */
export class LiveTags {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.place = h("section.card", { id: "tags", hidden: true });
    /** @type {Map<string, { completed: number, errors: number }>} */
    this.sums = new Map();
    /** What was added of the last seconds. @type {Map<number, Record<string, any>>} */
    this.seconds = new Map();
    this.isNew = false;
    this.since = Infinity;
    root.append(this.place);
  }

  /** @param {number} second @param {Record<string, any>} tags */
  add(second, tags) {
    this.since = Math.min(this.since, second);
    this.#sum(this.seconds.get(second) ?? {}, -1);
    this.#sum(tags, 1);
    this.seconds.set(second, tags);
    if (this.seconds.size > SECONDS_KEPT) this.seconds.delete(Math.min(...this.seconds.keys()));
  }

  /** @param {Record<string, any>} tags @param {1 | -1} sign */
  #sum(tags, sign) {
    for (const [name, found] of Object.entries(tags)) {
      const sum = this.sums.get(name) ?? { completed: 0, errors: 0 };
      this.sums.set(name, { completed: sum.completed + sign * found.completed, errors: sum.errors + sign * found.errors });
      this.isNew = true;
    }
  }

  draw() {
    if (!this.isNew) return;
    this.isNew = false;
    this.place.hidden = false;
    const rows = inOrder([...this.sums]).map(([name, found]) => tagRow(name, found, []));
    put(this.place, content(t.tags, [t.tag, t.completed, t.errors], rows, sinceNote(this.since)));
  }
}
