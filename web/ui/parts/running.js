// The bar at the bottom of every page: what runs, and its Stop button. Stop is always at the same place.
//
// The button is for the run whose name stands in the bar. When that run ends and another takes its place
// in the bar, Stop cannot be pressed for a moment: a click that was meant for the one must not end the other.
// Nor can it while the page shows a run that the bar does not know yet.

import { every, get, path, post } from "../api.js";
import { h, put, say } from "../dom.js";
import { rate } from "../format.js";
import { fill, texts } from "../i18n.js";
import { stateText } from "./badges.js";
import { progress } from "./length.js";
import { lock, needs } from "./role.js";

const t = texts({
  bar: ["What is running", "当前运行"],
  stop: ["Stop", "停止"],
  stopRun: ["Stop {name}", "停止 {name}"],
  stopping: ["Stopping", "停止中"],
  nothing: ["Nothing is running", "当前没有运行中的任务"],
  choose: ["Run that Stop is for", "选择要停止的运行"],
  open: ["Open", "查看"],
  more: ["{n} are running", "共 {n} 个在运行"],
  away: ["Control does not answer. What you see is from before; it is asked again until it does.", "控制端无响应。页面显示的是之前的数据，正在自动重连。"],
});

const LIMIT = 100;
const HOLD_MS = 1500;
/** One question that gets lost is no outage. */
const MISSED_MAX = 2;

/** The bar, and the banner over it that says when control is away. */
export class Running {
  away = h("p.away", { id: "away", role: "status" });
  idle = h("span.muted", { id: "running-none" });
  link = h("a.name", { id: "running-link" });
  select = /** @type {HTMLSelectElement} */ (h("select", { id: "running-choose", "aria-label": t.choose, onchange: () => this.choose(this.select.value) }));
  open = h("a.button.small", { id: "running-open" }, t.open);
  state = h("span", { id: "running-state" });
  rate = h("span.number", { id: "running-rate" });
  time = h("span.number", { id: "running-time" });
  reason = h("span.reason", { id: "stop-reason", role: "status" });
  button = h("button.stop", { type: "button", id: "stop", "aria-describedby": "stop-reason", onclick: () => this.stop() }, t.stop);
  what = h("div.what", { id: "running-what" }, h("span.run", null, this.link, this.select, this.open), h("span.facts", null, this.state, this.rate, this.time));
  bar = h("aside.running.idle", { id: "running", "aria-label": t.bar }, this.idle, this.what, this.reason, this.button);

  /** Active runs, newest first. @type {any[]} */
  runs = [];
  /** How many there are. */
  total = 0;
  /** The run that Stop is for. @type {any} */
  run = null;
  /** The run that the reader wants to see here. @type {string | null} */
  wanted = null;
  /** A stop that was asked for and not yet seen in an answer. @type {string | null} */
  asked = null;
  /** A wanted run that control has said is not active. @type {string | null} */
  gone = null;
  /** Until when Stop cannot be pressed. */
  holding = 0;
  missed = 0;

  /** @param {(role: string) => boolean} can */
  constructor(can) {
    this.can = can;
    this.show();
  }

  /** Begins to look at what runs. @param {AbortSignal} signal */
  start(signal) {
    every(1000, signal, () => this.look(), () => this.lost());
  }

  /** The page shows this run: Stop is for it first. @param {string | null} run */
  want(run) {
    if (run === null) return;
    this.wanted = run;
    this.pick();
  }

  /** @param {string} run */
  choose(run) {
    this.wanted = run;
    this.run = this.runs.find((one) => one.id === run) ?? this.run;
    this.forget();
    this.show();
  }

  async look() {
    if (document.hidden || document.getElementById("login") !== null) return;
    const { wanted } = this;
    const { runs, total } = await get(`runs?state=active&limit=${LIMIT}`);
    // Only an answer that was asked for since says that the wanted one has ended: it may be new.
    this.gone = runs.some((/** @type {any} */ run) => run.id === wanted) ? null : wanted;
    [this.runs, this.total, this.missed] = [runs, total, 0];
    say(this.away, "");
    say(this.idle, t.nothing);
    this.pick();
    if (this.run === null) return;
    const { id } = this.run;
    const seen = await get(path`runs/${id}`);
    if (this.run?.id === id) this.showNumbers(seen);
  }

  lost() {
    this.missed += 1;
    if (this.missed >= MISSED_MAX) say(this.away, t.away);
  }

  /** Finds the run that the bar is for: the one that is wanted, else the one before, else the newest. */
  pick() {
    const before = this.run;
    const find = (/** @type {string | undefined | null} */ id) => this.runs.find((run) => run.id === id);
    this.run = find(this.wanted) ?? find(before?.id) ?? this.runs[0] ?? null;
    if (before?.id !== this.run?.id) this.forget();
    if (before !== null && this.run !== null && before.id !== this.run.id) this.hold();
    this.show();
  }

  /** What was said and shown of a run is not for another. */
  forget() {
    say(this.reason, "");
    for (const element of [this.rate, this.time]) say(element, "");
  }

  hold() {
    clearTimeout(this.holding);
    this.holding = window.setTimeout(() => { this.holding = 0; this.show(); }, HOLD_MS);
  }

  /** The reader looks at one run and the bar shows another, and it is not known yet whether the one has ended. */
  get isUnsure() {
    return this.wanted !== null && this.run?.id !== this.wanted && this.gone !== this.wanted;
  }

  show() {
    const { run } = this;
    this.bar.classList.toggle("idle", run === null);
    for (const element of [this.what, this.button]) element.hidden = run === null;
    this.idle.hidden = run !== null;
    if (run === null) return;
    const isStopping = run.stopping !== null || this.asked === run.id;
    this.showName(run);
    say(this.state, stateText(run.state));
    say(this.button, isStopping ? t.stopping : t.stop);
    this.button.setAttribute("aria-label", isStopping ? t.stopping : fill(t.stopRun, { name: run.name }));
    const reason = this.can("operator") ? "" : needs("operator");
    lock(this.button, reason);
    if (reason !== "") say(this.reason, reason);
    else if (isStopping || this.holding !== 0 || this.isUnsure) this.button.setAttribute("disabled", "");
  }

  /** One run is a link; of several, one is chosen. @param {any} run */
  showName(run) {
    const href = `#/runs/${encodeURIComponent(run.id)}`;
    const isOne = this.runs.length < 2;
    say(this.link, run.name);
    for (const link of [this.link, this.open]) link.setAttribute("href", href);
    this.link.hidden = !isOne;
    this.open.hidden = this.select.hidden = isOne;
    if (isOne) return;
    const have = [...this.select.options].map((option) => option.value + option.text).join();
    if (have !== this.runs.map((one) => one.id + one.name).join()) {
      put(this.select, this.runs.map((one) => h("option", { value: one.id }, one.name)));
    }
    this.select.title = fill(t.more, { n: this.total });
    this.select.value = run.id;
  }

  /** @param {any} run */
  showNumbers(run) {
    say(this.rate, run.live ? rate(run.live.sent_per_s) : "");
    say(this.time, progress(run));
  }

  async stop() {
    const { run } = this;
    if (run === null || this.isUnsure) return;
    this.asked = run.id;
    say(this.reason, "");
    this.show();
    try {
      await post(path`runs/${run.id}/stop`);
    } catch (error) {
      this.asked = null;
      this.show();
      const { message, hint } = /** @type {import("../api.js").Refused} */ (error);
      if (this.run?.id === run.id) say(this.reason, hint ? `${message}: ${hint}` : message);
    }
  }
}
