// The log of what happened in a run, newest first.

import { h, put } from "../dom.js";
import { clock, moment } from "../format.js";
import { fill, texts } from "../i18n.js";
import { colourOf } from "./run-charts.js";

const t = texts({
  title: ["Events", "事件"],
  none: ["Nothing happened.", "没有事件。"],
  noneYet: ["Nothing has happened yet. Changes of the rate, pauses, lost agents and errors show here and on the charts.", "暂无事件。速率调整、暂停、执行机失联与错误会显示在这里和图表上。"],
  match: ["No event matches the filter.", "没有符合条件的事件。"],
  kind: ["Kind", "类型"],
  all: ["all kinds", "全部类型"],
  find: ["Find", "查找"],
  more: ["and {n} older ones", "另有 {n} 条更早的事件"],
  by: ["by {name}", "操作人 {name}"],
});

const KINDS = texts({
  error: ["error", "错误"],
  stop: ["stop", "停止"],
  note: ["note", "说明"],
  rate: ["rate", "速率"],
  pause: ["pause", "暂停"],
  resume: ["resume", "继续"],
  agent_lost: ["agent lost", "执行机失联"],
  agent_took_over: ["took over", "已接管"],
  rule: ["rule", "规则"],
});

const SHOWN_MAX = 500;

/** @typedef {{ number?: number, at_us: number | null, at_unix_us?: number, kind: string, text: string, by?: string }} Happening */

/** @param {HTMLElement} root @param {{ isLive?: boolean }} [options]  whether more may come */
export function makeEvents(root, { isLive = false } = {}) {
  /** @type {Happening[]} */
  let events = [];
  const kind = /** @type {HTMLSelectElement} */ (h("select", { id: "event-kind", onchange: () => draw() }));
  const find = /** @type {HTMLInputElement} */ (h("input", { id: "event-find", type: "search", oninput: () => draw() }));
  const list = h("ol.events", { id: "events" });
  root.append(h("section.card", { id: "event-log", "aria-labelledby": "events-title" },
    h("div.events-head", null, h("h2", { id: "events-title" }, t.title),
      h("label.row", null, h("span.muted", null, t.kind), kind),
      h("label.row", null, h("span.muted", null, t.find), find)),
    list));

  const none = isLive ? t.noneYet : t.none;
  const draw = () => {
    const word = find.value.toLowerCase();
    const found = events.filter((event) => (kind.value === "" || event.kind === kind.value)
      && `${event.text} ${event.by ?? ""}`.toLowerCase().includes(word));
    const older = found.length - SHOWN_MAX;
    put(list, found.slice(-SHOWN_MAX).reverse().map(item),
      older > 0 ? h("li.muted", null, fill(t.more, { n: older })) : null,
      found.length === 0 ? h("li.muted", null, events.length === 0 ? none : t.match) : null);
  };
  let kinds = "";
  /** @param {Happening[]} all  oldest first */
  const show = (all) => {
    events = all;
    const names = [...new Set(all.map((event) => event.kind))].sort();
    if (names.join() !== kinds || kind.options.length === 0) {
      kinds = names.join();
      const chosen = kind.value;
      put(kind, h("option", { value: "" }, t.all), names.map((name) => h("option", { value: name }, kindText(name))));
      kind.value = names.includes(chosen) ? chosen : "";
    }
    draw();
  };
  show([]);
  return { show };
}

/** @param {string} kind */
const kindText = (kind) => /** @type {Record<string, string>} */ (KINDS)[kind] ?? kind;

/** @param {Happening} event */
function item(event) {
  const dot = h("span.event-dot", { "aria-hidden": "true" });
  dot.style.background = `var(--${colourOf(event.kind)})`;
  const at = event.at_us === null ? "" : clock(event.at_us / 1e6);
  return h("li", { "data-kind": event.kind },
    h("span.event-at", { title: event.at_unix_us ? moment(event.at_unix_us) : null }, at),
    dot, h("span.event-kind", null, kindText(event.kind)),
    h("span.event-text", null, event.text, event.by ? h("span.muted", null, ` · ${fill(t.by, { name: event.by })}`) : null));
}
