// The slowest requests: when each was due, what became of it, and where its time went.

import { h, put, svg } from "../dom.js";
import { clock, count, time } from "../format.js";
import { texts } from "../i18n.js";
import { classText } from "./classes.js";
import { sinceNote } from "./since.js";

const t = texts({
  title: ["Slowest requests", "最慢的请求"],
  at: ["Due at", "计划时刻"],
  slot: ["Slot", "序号"],
  tag: ["Tag", "标签"],
  outcome: ["Outcome", "结果"],
  took: ["Response time", "响应时间"],
  line: ["Where the time went", "耗时分布"],
  rtt: ["Round trip", "往返时延"],
  retransmits: ["Retransmits", "重传"],
  agent: ["Agent", "执行机"],
});

/** Parts of the time of a request, in their order. */
const PHASES = texts({
  connect: ["connection", "建连"],
  tls: ["TLS handshake", "TLS 握手"],
  wait: ["until sent", "等待发送"],
  server: ["first byte", "等待首字节"],
  body: ["rest of the response", "接收响应"],
});

/** Width of the picture of a time line, in its own units. */
const WIDTH = 200;
const HEIGHT = 10;
/** Requests of a run that are kept while it goes on. */
const KEPT = 20;

/**
 * A request as frames and reports have it: nanoseconds after its due time.
 *
 * @typedef {object} Slow
 * @property {number} slot
 * @property {number} due_us
 * @property {number} sent_ns
 * @property {number} [connected_ns]
 * @property {number} [handshake_ns]
 * @property {number} [first_byte_ns]
 * @property {number} ended_ns
 * @property {number} [status]
 * @property {string} [error]
 * @property {string} [tag]
 * @property {string} [agent]
 * @property {{ rtt_us: number, retransmits: number }} [tcp]
 */

/**
 * The parts of the time of a request that took any: name, from, to. They follow each other.
 *
 * @param {Slow} slow
 * @returns {[string, number, number][]}
 */
export function phasesOf(slow) {
  const ends = /** @type {[string, number | undefined][]} */ ([
    ["connect", slow.connected_ns], ["tls", slow.handshake_ns], ["wait", slow.sent_ns],
    ["server", slow.first_byte_ns ?? slow.ended_ns], ["body", slow.ended_ns],
  ]);
  /** @type {[string, number, number][]} */
  const phases = [];
  let from = 0;
  for (const [name, end] of ends) {
    if (end === undefined || end <= from) continue;
    phases.push([name, from, end]);
    from = end;
  }
  return phases;
}

/** Its time line, as long as its share of `longest`. @param {Slow} slow @param {number} longest */
function timeLine(slow, longest) {
  /** @type {Record<string, string>} */
  const names = PHASES;
  const phases = phasesOf(slow);
  const text = phases.map(([name, from, to]) => `${names[name]} ${time(to - from)}`).join(" · ");
  const scale = WIDTH / Math.max(1, longest);
  const bars = phases.map(([name, from, to]) => svg(`rect.phase-${name}`, {
    x: (from * scale).toFixed(2), y: 0, width: Math.max(0.5, (to - from) * scale).toFixed(2), height: HEIGHT,
  }));
  return svg("svg.time-line", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": text }, svg("title", null, text), bars);
}

/** What the colours of the time lines are. @param {Slow[]} slowest */
function legend(slowest) {
  const found = new Set(slowest.flatMap((slow) => phasesOf(slow).map(([name]) => name)));
  const items = Object.entries(PHASES).filter(([name]) => found.has(name));
  return h("p.phases", null, items.map(([name, label]) => h("span", null, h(`span.swatch.swatch-${name}`), label)));
}

/** @param {Slow} slow */
function outcome(slow) {
  const parts = [slow.status === undefined ? null : String(slow.status), slow.error === undefined ? null : classText(slow.error)];
  return h(`td${slow.error === undefined ? "" : ".bad"}`, null, parts.filter((part) => part !== null).join(" "));
}

/**
 * Shows slowest requests. Columns that would be empty are left out.
 *
 * @param {HTMLElement} place  its content is replaced
 * @param {Slow[]} slowest
 * @param {(second: number) => void} show  goes to a second in the charts
 * @param {HTMLElement | null} [note]
 */
function fill(place, slowest, show, note = null) {
  const longest = slowest[0]?.ended_ns ?? 0;
  const hasTags = slowest.some((slow) => slow.tag);
  const hasAgents = slowest.some((slow) => slow.agent);
  const hasTcp = slowest.some((slow) => slow.tcp);
  const row = (/** @type {Slow} */ slow) => h("tr", { "data-slot": slow.slot },
    h("th.number", { scope: "row" }, h("button.link", { type: "button", onclick: () => show(slow.due_us / 1e6) }, clock(slow.due_us / 1e6))),
    h("td.number", null, count(slow.slot)),
    hasTags && h("td", null, slow.tag ?? ""),
    outcome(slow),
    h("td.number", null, time(slow.ended_ns)),
    h("td", null, timeLine(slow, longest)),
    hasTcp && h("td.number", null, slow.tcp ? time(slow.tcp.rtt_us * 1e3) : "–"),
    hasTcp && h("td.number", null, slow.tcp ? count(slow.tcp.retransmits) : "–"),
    hasAgents && h("td", null, slow.agent ?? ""));
  const head = (/** @type {string} */ label, isNumber = false) => h(isNumber ? "th.number" : "th", { scope: "col" }, label);
  const heads = [
    head(t.at, true), head(t.slot, true), hasTags && head(t.tag), head(t.outcome), head(t.took, true), head(t.line),
    hasTcp && head(t.rtt, true), hasTcp && head(t.retransmits, true), hasAgents && head(t.agent),
  ];
  put(place, h("h2", null, t.title), note, legend(slowest),
    h("div.scroll", { tabindex: "0", role: "group", "aria-label": t.title },
      h("table", null, h("thead", null, h("tr", null, heads)), h("tbody", null, slowest.map(row)))));
}

/**
 * The slowest requests of a run that is over.
 *
 * @param {HTMLElement} root @param {Slow[]} slowest @param {(second: number) => void} show
 */
export function showSlowest(root, slowest, show) {
  if (slowest.length === 0) return;
  const place = h("section.card", { id: "slowest" });
  root.append(place);
  fill(place, slowest, show);
}

/** The slowest requests of a run that goes on, of the frames that were seen. */
export class LiveSlowest {
  /** @param {HTMLElement} root @param {(second: number) => void} show */
  constructor(root, show) {
    this.place = h("section.card", { id: "slowest", hidden: true });
    this.show = show;
    /** @type {Slow[]} */
    this.slowest = [];
    this.isNew = false;
    this.since = Infinity;
    root.append(this.place);
  }

  /** A second may come again, with more in it: a request is known by its slot. @param {number} second @param {Slow[]} slowest */
  add(second, slowest) {
    this.since = Math.min(this.since, second);
    const known = new Set(this.slowest.map((slow) => slow.slot));
    const fresh = slowest.filter((slow) => !known.has(slow.slot));
    const last = this.slowest[KEPT - 1]?.ended_ns ?? 0;
    if (!fresh.some((slow) => slow.ended_ns > last)) return;
    this.slowest = [...this.slowest, ...fresh].sort((a, b) => b.ended_ns - a.ended_ns).slice(0, KEPT);
    this.isNew = true;
  }

  draw() {
    if (!this.isNew) return;
    this.isNew = false;
    this.place.hidden = false;
    fill(this.place, this.slowest, this.show, sinceNote(this.since));
  }
}
