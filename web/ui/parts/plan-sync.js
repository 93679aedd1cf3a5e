// One plan, seen as form and as text, kept the same through the server.
//
//   form ── edits ──► plan ── check {plan} ──► text          text ── check {toml} ──► plan ──► form
//
// What was typed last wins, and nothing that was typed is lost: edits of the form wait until the text has
// them, so that a text that was typed meanwhile gets them on top. An answer that is not of the newest
// question is never looked at.

import { post } from "../api.js";
import { isSame, withEdits } from "./plan.js";

const PAUSE_MS = 250;
const AGAIN_MS = 1000;

/**
 * @typedef {import("./plan.js").Edit} Edit
 * @typedef {import("./plan.js").Plan} Plan
 * @typedef {import("./plan.js").Problem} Problem
 *
 * @typedef {object} Check
 * @property {boolean} is_good
 * @property {Problem[]} problems
 * @property {Plan | null} plan
 * @property {string} toml
 * @property {"open" | "closed" | null} model
 * @property {number | null} slots
 * @property {number | null} peak_rate_per_s
 * @property {number | null} duration_us
 * @property {number} warmup_us
 * @property {[number, number][]} schedule
 * @property {{ name: string, state: string, text: string, hint: string }[]} checks
 * @property {{ agents: number, cores: number, cores_free: number } | null} placement
 *
 * @typedef {object} Views
 * @property {(plan: Plan, isKept: (place: string) => boolean) => void} form  shows a plan
 * @property {(text: string, shown: () => void) => void} text  shows a text, now or when nobody types in it
 * @property {(answer: Check) => void} answer
 * @property {(error: any) => void} failed  nobody answered, or the question was refused
 * @property {() => void} changed  something about the state of it all
 *
 * @typedef {{ plan: Plan, text: string, isTextNew: boolean, isTextOld: boolean }} Kept  what a draft holds
 */

export class PlanSync {
  /** @param {Plan} plan  as it is saved @param {Views} views @param {AbortSignal} signal */
  constructor(plan, views, signal) {
    this.plan = plan;
    this.saved = plan;
    this.views = views;
    this.text = "";
    /** Whether the text was typed in, and the plan of it is not known. */
    this.isTextNew = false;
    /** Whether the text is known not to be readable. */
    this.isTextBroken = false;
    /** Whether the text does not say yet what the plan says. */
    this.isTextOld = true;
    /** Edits of the form that the text does not have. @type {Map<string, any>} */
    this.edits = new Map();
    /** Whether the server could make no plan of them. */
    this.isRefused = false;
    this.timer = 0;
    /** @type {AbortController | null} */
    this.flight = null;
    /** @type {(() => void)[]} */
    this.waiting = [];
    this.signal = signal;
    signal.addEventListener("abort", () => this.cancel());
  }

  /** Whether something is not saved. */
  get isDirty() {
    return this.isTextNew || !isSame(this.plan, this.saved);
  }

  get isBusy() {
    return this.timer !== 0 || this.flight !== null;
  }

  /** @param {Edit[]} edits */
  editForm(edits) {
    for (const [place, value] of edits) this.edits.set(place, value);
    this.plan = withEdits(this.plan, edits);
    this.isTextOld = true;
    this.isRefused = false;
    this.later(PAUSE_MS);
  }

  /** @param {string} text */
  editText(text) {
    this.text = text;
    this.isTextNew = true;
    // Edits that could not be understood must not spoil a text that can.
    if (this.isRefused) this.edits.clear();
    this.isRefused = false;
    this.later(PAUSE_MS);
  }

  /** Gives up a text that cannot be read for that of the plan. */
  dropText() {
    this.isTextNew = this.isTextBroken = false;
    this.isTextOld = true;
    this.later(0);
  }

  /** @param {Kept} kept */
  restore(kept) {
    this.plan = kept.plan;
    this.text = kept.text;
    this.isTextNew = kept.isTextNew;
    this.isTextBroken = false;
    this.isTextOld = kept.isTextOld;
    this.edits.clear();
    this.later(0);
  }

  /** @returns {Kept} */
  get kept() {
    const { plan, text, isTextNew, isTextOld } = this;
    return { plan, text, isTextNew, isTextOld };
  }

  /** @param {Plan} sent  what was to be saved @param {Plan} saved  what was */
  setSaved(sent, saved) {
    // What was typed meanwhile is not saved.
    if (isSame(this.plan, sent)) this.plan = saved;
    this.saved = saved;
    this.views.changed();
  }

  /** Asks once more about the same plan, for what has changed around it. */
  refresh() {
    if (!this.isBusy) this.later(0);
  }

  /** When everything that was typed has its answer, or cannot get one. @returns {Promise<void>} */
  settled() {
    if (!this.isBusy) return Promise.resolve();
    if (this.flight === null) this.later(0);
    return new Promise((done) => this.waiting.push(done));
  }

  cancel() {
    clearTimeout(this.timer);
    this.timer = 0;
    this.flight?.abort();
    this.flight = null;
  }

  /** @param {number} milliseconds */
  later(milliseconds) {
    if (this.signal.aborted) return;
    this.cancel();
    this.timer = setTimeout(() => this.ask(), milliseconds);
    this.views.changed();
  }

  async ask() {
    this.cancel();
    const flight = new AbortController();
    this.flight = flight;
    const isOfText = this.isTextNew;
    try {
      const answer = await post("plans/check", isOfText ? { toml: this.text } : { plan: this.plan }, flight.signal);
      if (flight.signal.aborted) return;
      this.flight = null;
      this.take(answer, isOfText);
    } catch (error) {
      if (flight.signal.aborted) return;
      this.flight = null;
      this.views.failed(error);
      const { status } = /** @type {import("../api.js").Refused} */ (error);
      if (status === 0 || status >= 500) this.timer = setTimeout(() => this.ask(), AGAIN_MS);
      this.release();
    }
    this.views.changed();
  }

  /** @param {Check} answer @param {boolean} isOfText */
  take(answer, isOfText) {
    if (isOfText) this.takePlan(answer);
    else this.takeText(answer);
    this.views.answer(answer);
    if (isOfText && !this.isTextNew && this.isTextOld) this.later(0);
    else this.release();
  }

  /** @param {Check} answer  to a text */
  takePlan(answer) {
    this.isTextBroken = answer.plan === null;
    if (answer.plan === null) return;
    this.isTextNew = false;
    this.isTextOld = this.edits.size > 0;
    this.plan = withEdits(answer.plan, this.edits);
    const places = [...this.edits.keys()];
    this.views.form(this.plan, (place) => places.includes(place));
  }

  /** @param {Check} answer  to a plan */
  takeText(answer) {
    this.isRefused = answer.plan === null;
    if (answer.plan === null) return;
    // The server puts in defaults: that is no change of the reader's.
    const wasSaved = !this.isDirty;
    this.plan = answer.plan;
    if (wasSaved) this.saved = answer.plan;
    if (!this.isTextOld || answer.toml === "") return;
    this.views.text(answer.toml, () => {
      this.text = answer.toml;
      this.edits.clear();
      this.isTextOld = false;
    });
  }

  release() {
    for (const done of this.waiting.splice(0)) done();
  }
}
