// Steers a run while it goes on: its rate by a slider or a number, pause and resume. A rate is applied
// when the slider is let go or Enter is pressed, never at each pixel.

import { get, path, post } from "../api.js";
import { h, put, say } from "../dom.js";
import { clock, count, rate as rateText } from "../format.js";
import { fill, texts } from "../i18n.js";
import { problem } from "./problem.js";
import { parseRate } from "./units.js";

const t = texts({
  title: ["Rate", "速率"],
  slider: ["Rate on a logarithmic scale", "速率（对数刻度）"],
  number: ["New rate", "新速率"],
  hint: ["requests per second in all: 2k, 1.5M, 300/m; Enter applies", "总请求数每秒：2k、1.5M、300/m；回车生效"],
  ceiling: ["Ceiling", "上限"],
  allowed: ["this target allows up to {rate}", "该目标最多允许 {rate}"],
  guard: ["guards against slips; change it to go higher", "防止误操作；需要更高时请修改"],
  apply: ["Apply", "应用"],
  undo: ["Undo", "撤销"],
  undoTo: ["back to {rate}", "恢复到 {rate}"],
  undoUnknown: ["the rate before was the profile's, and changed before this page was open", "此前的速率由速率曲线决定，且在打开本页之前已更改"],
  pause: ["Pause", "暂停"],
  resume: ["Resume", "继续"],
  resumed: ["{rate} once resumed", "继续后为 {rate}"],
  resumedPlan: ["back on the profile once resumed", "继续后按速率曲线发送"],
  changed: ["{from} → {to}/s at {at}", "{at} 起 {from} → {to}/s"],
  changing: ["changing to {to} …", "正在调整为 {to}……"],
  closed: ["A closed loop has no rate: each connection sends as fast as it is answered.", "闭环模式没有速率：每个连接收到响应后立即发送下一个请求。"],
  viewer: ["You may look, not steer: it takes the role operator.", "只有查看权限：调整需要 operator 角色。"],
  ended: ["The run is over.", "运行已结束。"],
  early: ["The rate can be changed once the run has started.", "运行开始后才能调整速率。"],
  unread: ["`{text}` is not a rate", "“{text}”不是速率"],
  unreadHint: ["write it like 2k, 1.5M or 300/m", "写法如 2k、1.5M、300/m"],
  above: ["{rate} is above the ceiling of {ceiling}", "{rate} 超过上限 {ceiling}"],
  aboveHint: ["raise the ceiling first if that is what you want", "如确需更高，请先提高上限"],
  targetHint: ["an admin sets how much load a target gets", "目标的负载上限由管理员设置"],
});

const STEPS = 1000;
const LOWEST_PER_S = 1;
/** Keys move the slider step by step: their last step counts. */
const KEY_REST_MS = 600;

/**
 * @param {HTMLElement} root
 * @param {{ id: string, signal: AbortSignal, canSteer: boolean, changed: () => void }} options
 */
export function makeFader(root, options) {
  const fader = new Fader(root, options);
  return { show: (/** @type {any} */ run, /** @type {import("./plan-facts.js").Facts} */ facts) => fader.show(run, facts) };
}

class Fader {
  /** @param {HTMLElement} root @param {{ id: string, signal: AbortSignal, canSteer: boolean, changed: () => void }} options */
  constructor(root, { id, signal, canSteer, changed }) {
    this.id = id;
    this.canSteer = canSteer;
    this.changed = changed;
    this.ceiling = 0;
    /** Of the target, where one is set. @type {number | null} */
    this.limit = null;
    /** The rate that applies by now, in a pause the one before it. @type {number | null} */
    this.now = null;
    /** Rates before the one that applies; the last is what Undo goes back to, null: not known. @type {(number | null)[]} */
    this.before = [];
    /** Changes of the rate that `before` knows of. */
    this.known = -1;
    /** The rate that holds until it is changed; null: a profile's, from second to second. @type {number | null} */
    this.applied = null;
    this.isSending = false;
    this.isTouched = false;
    this.isHeld = false;
    this.isPaused = false;
    this.timer = 0;
    signal.addEventListener("abort", () => clearTimeout(this.timer));
    const input = (/** @type {Record<string, any>} */ attributes) => /** @type {HTMLInputElement} */ (h("input", attributes));
    this.slider = input({ id: "rate-slider", type: "range", min: 0, max: STEPS, step: 1, "aria-label": t.slider,
      onpointerdown: () => { this.isHeld = true; }, oninput: () => this.#slide(), onchange: () => this.#slid(),
      onkeydown: (/** @type {KeyboardEvent} */ event) => event.key === "Enter" && this.#applyNow() });
    // Let go without a move, there is no change to end the hold. Where there is one, it comes first.
    for (const name of ["pointerup", "pointercancel"]) {
      window.addEventListener(name, () => setTimeout(() => { this.isHeld = false; }), { signal });
    }
    this.number = input({ id: "rate-number", type: "text", inputmode: "text", autocomplete: "off", "aria-describedby": "rate-hint",
      onfocus: () => this.#refresh(), oninput: () => this.#typed(), onkeydown: (/** @type {KeyboardEvent} */ event) => this.#key(event) });
    this.top = input({ id: "rate-ceiling", type: "text", autocomplete: "off", "aria-describedby": "rate-ceiling-hint", onchange: () => this.#raise() });
    this.apply = h("button.primary", { type: "button", id: "rate-apply", onclick: () => this.#applyNow() }, t.apply);
    this.undo = h("button", { type: "button", id: "rate-undo", disabled: true, onclick: () => this.#undo() }, t.undo);
    this.pause = h("button", { type: "button", id: "pause", onclick: () => this.#pause() }, t.pause);
    this.said = h("span.fader-said", { id: "rate-said", role: "status" });
    this.reason = h("span.muted", { id: "rate-reason" });
    this.trouble = h("div", { id: "rate-problem" });
    this.range = h("span.muted", { id: "rate-ceiling-hint" }, t.guard);
    root.append(h("section.card.fader", { id: "fader", "aria-labelledby": "fader-title" },
      h("div.fader-head", null, h("h2", { id: "fader-title" }, t.title), this.said, this.reason),
      h("div.fader-row", null,
        h("label.field", null, h("span", null, t.number), this.number), this.slider,
        h("label.field", null, h("span", null, t.ceiling), this.top),
        this.apply, this.undo, this.pause),
      h("p.fader-hints", null, h("span.muted", { id: "rate-hint" }, t.hint), this.range),
      this.trouble));
  }

  /** @param {any} run @param {import("./plan-facts.js").Facts} facts */
  show(run, facts) {
    const changes = ratesOf(run);
    // It was on its way when something was changed here: the next one knows of that.
    if (changes.length < this.known) return;
    this.limit = run.rate_ceiling_per_s;
    this.isPaused = run.is_paused;
    if (!this.isSending) this.#learn(changes, facts);
    // In a pause nothing is sent; what there is to change is what goes on after it. A change that was
    // made takes a moment on its way to the agents, and is the one to go on from at once.
    const sent = this.isPaused ? null : run.rate_now_per_s;
    this.now = this.applied ?? sent ?? this.now ?? (this.isPaused ? null : facts.peakPerS);
    if (this.ceiling === 0) this.#setCeiling(2 * (facts.peakPerS ?? this.now ?? 500));
    const reason = this.#reason(run, facts);
    say(this.reason, reason === "" && this.isPaused ? this.#afterPause() : reason);
    for (const part of [this.slider, this.number, this.top, this.apply]) part.toggleAttribute("disabled", reason !== "");
    const back = this.before[this.before.length - 1];
    this.undo.toggleAttribute("disabled", reason !== "" || typeof back !== "number");
    this.undo.title = typeof back === "number" ? fill(t.undoTo, { rate: rateText(back) }) : back === null ? t.undoUnknown : "";
    this.pause.toggleAttribute("disabled", !this.canSteer || run.state !== "running");
    say(this.pause, run.is_paused ? t.resume : t.pause);
    say(this.range, this.limit === null ? t.guard : fill(t.allowed, { rate: rateText(this.limit) }));
    if (!this.isTouched && this.now !== null) this.#set(this.now);
  }

  /** Changes that came from elsewhere, or were there before the page. @param {number[]} changes @param {import("./plan-facts.js").Facts} facts */
  #learn(changes, facts) {
    if (this.known < 0) {
      this.applied = facts.hasProfile ? null : facts.peakPerS;
      this.before = [this.applied, ...changes].slice(0, -1);
    } else if (changes.length > this.known) {
      this.before.push(...[this.applied ?? this.now, ...changes.slice(this.known)].slice(0, -1));
    }
    this.known = changes.length;
    this.applied = changes[changes.length - 1] ?? this.applied;
  }

  #afterPause() {
    return this.applied === null ? t.resumedPlan : fill(t.resumed, { rate: `${plain(this.applied)}/s` });
  }

  /** @param {any} run @param {import("./plan-facts.js").Facts} facts */
  #reason(run, facts) {
    if (["done", "failed", "aborted", "draining"].includes(run.state)) return t.ended;
    if (!facts.isOpen) return t.closed;
    if (!this.canSteer) return t.viewer;
    return run.state === "running" ? "" : t.early;
  }

  /** @param {number} perS */
  #setCeiling(perS) {
    const most = this.limit === null ? perS : Math.min(perS, this.limit);
    this.ceiling = Math.max(most, LOWEST_PER_S * 2);
    this.top.value = plain(this.ceiling);
  }

  #raise() {
    const asked = parseRate(written(this.top.value));
    if (asked === null || asked <= 0) {
      this.#trouble(fill(t.unread, { text: this.top.value }), t.unreadHint);
      return;
    }
    this.#setCeiling(asked);
    if (this.limit !== null && asked > this.limit) this.#trouble(fill(t.allowed, { rate: rateText(this.limit) }), t.targetHint);
    else this.#calm();
    this.#place();
  }

  /** Where the slider is for the number. */
  #place() {
    const perS = Math.max(LOWEST_PER_S, parseRate(written(this.number.value)) ?? LOWEST_PER_S);
    const share = Math.log(perS / LOWEST_PER_S) / Math.log(this.ceiling / LOWEST_PER_S);
    this.slider.value = String(Math.round(STEPS * Math.min(1, Math.max(0, share))));
    this.slider.setAttribute("aria-valuetext", rateText(perS));
  }

  /** @param {number} perS */
  #set(perS) {
    if (document.activeElement !== this.number) this.number.value = plain(perS);
    this.#place();
  }

  /** What the reader is about to change is what applies by now. */
  #refresh() {
    if (this.isTouched || this.now === null) return;
    this.number.value = plain(this.now);
    this.#place();
  }

  #slide() {
    this.isTouched = true;
    clearTimeout(this.timer);
    const share = Number(this.slider.value) / STEPS;
    const perS = share >= 1 ? this.ceiling : rounded(LOWEST_PER_S * (this.ceiling / LOWEST_PER_S) ** share);
    this.number.value = plain(perS);
    this.slider.setAttribute("aria-valuetext", rateText(perS));
  }

  #slid() {
    clearTimeout(this.timer);
    if (this.isHeld) this.#applyNow();
    else if (this.isTouched) this.timer = window.setTimeout(() => this.#applyNow(), KEY_REST_MS);
    this.isHeld = false;
  }

  #typed() {
    this.isTouched = true;
    this.#place();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key === "Enter") {
      this.#applyNow();
    } else if (event.key === "Escape" && this.now !== null) {
      this.isTouched = false;
      this.#refresh();
      this.#calm();
    }
  }

  async #applyNow() {
    clearTimeout(this.timer);
    if (!this.isTouched) return;
    const text = this.number.value;
    const perS = parseRate(written(text));
    if (perS === null) {
      this.#trouble(fill(t.unread, { text }), t.unreadHint);
    } else if (perS > this.ceiling) {
      this.#trouble(fill(t.above, { rate: rateText(perS), ceiling: rateText(this.ceiling) }), t.aboveHint);
    } else {
      await this.#send(perS, written(text), false);
    }
  }

  async #undo() {
    const last = this.before[this.before.length - 1];
    if (typeof last === "number") await this.#send(last, exact(last), true);
  }

  /** @param {number} perS @param {string} text @param {boolean} isUndo */
  async #send(perS, text, isUndo) {
    if (this.isSending) return;
    this.isSending = true;
    const from = this.now;
    say(this.said, fill(t.changing, { to: rateText(perS) }));
    try {
      await post(path`runs/${this.id}/rate`, { rate: text });
      const run = await get(path`runs/${this.id}`);
      const changes = ratesOf(run);
      const others = changes.slice(this.known, -1);
      if (isUndo && others.length === 0) this.before.pop();
      else this.before.push(this.applied ?? from, ...others);
      this.known = changes.length;
      this.applied = changes[changes.length - 1] ?? perS;
      this.now = this.applied;
      this.isTouched = false;
      const at = (run.changes.filter((/** @type {any} */ change) => rateOf(change) !== null).at(-1)?.at_us ?? 0) / 1e6;
      say(this.said, fill(t.changed, { from: from === null ? "?" : plain(from), to: plain(this.now), at: clock(at) }));
      this.#refresh();
      this.#calm();
      this.changed();
    } catch (error) {
      say(this.said, "");
      put(this.trouble, problem(error));
    } finally {
      this.isSending = false;
    }
  }

  async #pause() {
    try {
      await post(path`runs/${this.id}/${this.isPaused ? "resume" : "pause"}`);
      this.#calm();
      this.changed();
    } catch (error) {
      put(this.trouble, problem(error));
    }
  }

  /** @param {string} message @param {string} hint */
  #trouble(message, hint) {
    put(this.trouble, problem({ message, hint }));
  }

  #calm() {
    put(this.trouble);
  }
}

/** Rates that a run was changed to, in order. @param {any} run @returns {number[]} */
const ratesOf = (run) => run.changes.flatMap((/** @type {any} */ change) => rateOf(change) ?? []);

/** The rate of a change in a second; null: it changed something else. @param {any} change */
function rateOf(change) {
  return typeof change.rate === "string" ? parseRate(change.rate) : null;
}

/** Three digits that matter, as a person would choose. @param {number} perS */
function rounded(perS) {
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(perS)) - 2);
  return Math.max(LOWEST_PER_S, Math.round(perS / unit) * unit);
}

/** @param {number} perS */
const plain = (perS) => (perS >= 10 ? count(Math.round(perS)) : String(perS >= 1 ? Math.round(perS * 100) / 100 : Number(perS.toPrecision(3))));
/** As control reads it: people put commas between thousands, and the page does. @param {string} text */
const written = (text) => text.trim().replace(/,(?=\d{3}(?!\d))/g, "");
/** For the API, nothing rounded away. @param {number} perS */
const exact = (perS) => String(Math.round(perS * 1e6) / 1e6);
