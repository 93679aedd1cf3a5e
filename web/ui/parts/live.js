// A run that goes on: its seconds as they come, what speaks against its numbers, its fader, its agents.
//
// The history is read once, then the stream goes on from there: a page that is opened in the middle, or
// wakes up, has all of it. Frames only mark the page as to be drawn; it is drawn when the browser draws.

import { every, get, path } from "../api.js";
import { follow } from "../stream.js";
import { makeAgents } from "./agents.js";
import { makeEvents } from "./events.js";
import { makeFader } from "./fader.js";
import { LiveTags } from "./groups.js";
import { makeNumbers, numbersOf } from "./numbers.js";
import { factsOf } from "./plan-facts.js";
import { RunCharts } from "./run-charts.js";
import { Series } from "./series.js";
import { LiveSlowest } from "./slowest.js";
import { liveVerdict } from "./verdict.js";

const POLL_MS = 2000;
/** Charts are drawn at most this often: frames come once a second, and many at once after a pause. */
const DRAW_MS = 500;
/** A second that was put together already has changed: how long more of them may wait. */
const STALE_MS = 10_000;
/** A run sends a frame each second: without any for so long, the page does not show the present. */
const SILENCE_MS = 5000;

/**
 * @typedef {object} Options
 * @property {AbortSignal} signal
 * @property {boolean} canSteer
 * @property {(isConnected: boolean) => void} connected
 * @property {(run: any) => void} changed  the run has another state
 * @property {() => void} ended
 * @property {(error: any) => void} failed
 */

export class LiveRun {
  /** @param {HTMLElement} root @param {any} run @param {Options} options */
  constructor(root, run, options) {
    this.run = run;
    this.options = options;
    this.facts = factsOf(run.plan);
    this.series = new Series();
    /** @type {Map<number, any>} */
    this.happened = new Map();
    this.areEventsNew = true;
    this.isDirty = false;
    this.isZoomed = false;
    this.drawnAt = 0;
    this.loadedAt = 0;
    /** When a frame came last, or was none to come. */
    this.heardAt = Date.now();
    /** Frames up to this number were in the history. */
    this.known = 0;
    /** Frames that came while the history was read. @type {any[] | null} */
    this.since = null;
    this.timer = 0;
    this.verdict = liveVerdict(root);
    this.numbers = makeNumbers(root);
    this.fader = makeFader(root, { id: run.id, signal: options.signal, canSteer: options.canSteer, changed: () => this.#look() });
    this.charts = new RunCharts(root, options.signal);
    this.tags = new LiveTags(root);
    this.slowest = new LiveSlowest(root, (second) => this.charts.goTo(second, this.series.width));
    this.agents = makeAgents(root);
    this.events = makeEvents(root, { isLive: true });
    options.signal.addEventListener("abort", () => clearTimeout(this.timer));
  }

  /** Goes on until the run or the page ends. */
  async start() {
    const { signal, failed } = this.options;
    this.#showRun();
    this.#draw();
    // The count-down to the start, and the state of agents, go on without frames.
    every(1000, signal, async () => {
      this.verdict.show(this.run, this.series, this.facts);
      this.#listen();
    }, failed);
    every(POLL_MS, signal, () => this.#look(), (error) => {
      this.options.connected(false);
      failed(error);
    });
    const cursor = await this.#load();
    if (signal.aborted) return;
    follow(this.run.id, cursor, signal, {
      frame: (message) => this.#frame(message),
      event: (event) => this.#event(event),
      state: (state) => this.#state(state),
      end: () => this.options.ended(),
      connected: this.options.connected,
    });
  }

  /** Reads the history; answers from where the stream is to go on. Control may be away at first. */
  async #load() {
    const { signal } = this.options;
    this.since = [];
    for (;;) {
      try {
        const answer = await get(path`runs/${this.run.id}/series?points=7200`, signal);
        this.series.load(answer);
        this.loadedAt = Date.now();
        this.known = Number(/^f(\d+)/.exec(answer.cursor)?.[1] ?? 0);
        /** @type {any[]} */
        const since = this.since ?? [];
        this.since = null;
        for (const message of since) this.#merge(message);
        for (const event of answer.events) this.#event(event);
        this.#mark();
        return answer.cursor;
      } catch (error) {
        if (signal.aborted) return "";
        this.options.failed(error);
        await new Promise((done) => setTimeout(done, POLL_MS));
      }
    }
  }

  /** A control that hangs keeps its connections: only its silence tells. */
  #listen() {
    if (this.run.state !== "running" || this.run.is_paused) this.heardAt = Date.now();
    else if (Date.now() - this.heardAt > SILENCE_MS) this.options.connected(false);
  }

  /** @param {any} message */
  #frame(message) {
    this.heardAt = Date.now();
    this.options.connected(true);
    const { flags, second, slowest, tags } = message.frame;
    if (!flags?.warmup) {
      this.slowest.add(second, slowest ?? []);
      this.tags.add(second, tags ?? {});
    }
    this.since?.push(message);
    this.#merge(message);
    this.#mark();
    if (this.series.isStale && Date.now() - this.loadedAt > STALE_MS) {
      this.loadedAt = Date.now();
      this.#load();
    }
  }

  /** The history and the stream overlap: nothing is counted twice. @param {any} message */
  #merge(message) {
    if (message.number > this.known) this.series.merge(message, this.facts.warmupS);
  }

  /** @param {any} event */
  #event(event) {
    this.happened.set(event.number, event);
    this.areEventsNew = true;
    this.#mark();
  }

  /** @param {any} state */
  #state(state) {
    const { stopping, ...rest } = state;
    Object.assign(this.run, rest, { stopping: stopping ? this.run.stopping ?? "stop" : null });
    this.#showRun();
    this.#look().catch(this.options.failed);
  }

  async #look() {
    const run = await get(path`runs/${this.run.id}`, this.options.signal);
    Object.assign(this.run, run);
    this.options.failed(null);
    this.#showRun();
  }

  #showRun() {
    this.verdict.show(this.run, this.series, this.facts);
    this.fader.show(this.run, this.facts);
    this.agents.show(this.run.parts);
    this.options.changed(this.run);
  }

  /** There is something to draw. */
  #mark() {
    if (this.isDirty) return;
    this.isDirty = true;
    const wait = Math.max(0, this.drawnAt + DRAW_MS - Date.now());
    this.timer = window.setTimeout(() => requestAnimationFrame(() => this.#draw()), wait);
  }

  #draw() {
    if (this.options.signal.aborted) return;
    this.isDirty = false;
    this.drawnAt = Date.now();
    this.charts.show(this.series);
    this.charts.tell(this.series);
    this.numbers.show(numbersOf(this.series, this.facts.isOpen));
    this.tags.draw();
    this.slowest.draw();
    this.verdict.show(this.run, this.series, this.facts);
    if (!this.areEventsNew) return;
    this.areEventsNew = false;
    const events = [...this.happened.values()].sort((a, b) => a.number - b.number);
    this.charts.mark(events);
    this.events.show(events);
  }
}
