// Chooses runs to compare, newest first, of a task or by a text. The one that was chosen first is the
// baseline. Runs without a report are listed too, but there is nothing to compare of them.

import { get } from "../api.js";
import { h, put } from "../dom.js";
import { duration, moment } from "../format.js";
import { fill, texts } from "../i18n.js";
import { ACTIVE, stateBadge, verdictBadge } from "./badges.js";
import { problem } from "./problem.js";

const t = texts({
  task: ["Task", "任务"],
  allTasks: ["All tasks", "全部任务"],
  text: ["Name, target, owner or id contains", "名称、目标、负责人或 ID 包含"],
  compare: ["Compare", "对比"],
  chosen: ["Chosen runs", "已选运行"],
  choose: ["Choose 2 to 4 runs; the first one is the baseline.", "请选择 2 到 4 次运行，第一个作为基线。"],
  one: ["Choose another run to compare it with.", "再选择一次运行进行对比。"],
  baseline: ["baseline", "基线"],
  makeBaseline: ["Make baseline: {run}", "设为基线：{run}"],
  toBaseline: ["Make baseline", "设为基线"],
  remove: ["Remove: {run}", "移除：{run}"],
  run: ["Run", "运行"],
  started: ["Started", "开始时间"],
  target: ["Target", "目标"],
  verdict: ["Verdict", "结论"],
  length: ["Length", "时长"],
  owner: ["Owner", "负责人"],
  pick: ["Compare {run}", "对比 {run}"],
  table: ["Runs", "运行"],
  noReport: ["no report", "无报告"],
  noReportWhy: ["It ended without a report: there is nothing to compare", "该运行没有报告，无法对比"],
  goesOn: ["It has not ended: its report comes at the end", "运行尚未结束，结束后才有报告"],
  previous: ["Newer", "较新"],
  next: ["Older", "较旧"],
  page: ["{from} – {to} of {all}", "第 {from} – {to} 条，共 {all} 条"],
  older: ["Search older runs", "搜索更早的运行"],
  searched: ["The newest {seen} of {total} runs were searched.", "已搜索最近的 {seen} 次运行，共 {total} 次。"],
  empty: ["There is no run yet. Start a task, and compare its runs when they have ended.", "还没有运行记录。请先启动任务，待运行结束后再来对比。"],
  toTasks: ["Go to the tasks", "前往任务"],
  nothing: ["No run matches. Change the text or the task.", "没有匹配的运行，请修改文本或任务。"],
  loading: ["Loading …", "加载中…"],
});

/** Runs of a page. */
const ROWS = 15;
/** Runs that are asked for at once. */
const LOAD = 200;
const CHOSEN_MAX = 4;

/** Runs, and what of them is chosen. */
export class Picker {
  /**
   * @param {{ task: string, chosen: string[], signal: AbortSignal, choose: (runs: string[]) => void, keep: (task: string) => void }} how
   *   `choose` compares runs, `keep` is told of another task
   */
  constructor({ task, chosen, signal, choose, keep }) {
    this.task = task;
    this.signal = signal;
    this.choose = choose;
    this.keep = keep;
    /** Ids, the baseline first. */
    this.chosen = chosen;
    /** What was loaded, by id. @type {Map<string, any>} */
    this.known = new Map();
    /** @type {any[]} */
    this.runs = [];
    this.seen = 0;
    this.total = 0;
    this.first = 0;
    /** Counts what was asked for: answers of an earlier one are not wanted any more. */
    this.turn = 0;
    this.isLoaded = false;
    this.isLoading = false;
    this.said = h("div");
    this.tray = h("div", { id: "tray" });
    this.list = h("div.pick-list", null, h("p.empty", null, t.loading));
    this.tasks = /** @type {HTMLSelectElement} */ (h("select", { id: "task", onchange: () => this.changeTask() }, h("option", { value: "" }, t.allTasks)));
    this.text = /** @type {HTMLInputElement} */ (h("input", { id: "text", type: "search", oninput: () => this.restart() }));
    this.root = h("div.picker", null, this.said,
      h("section.card.tray", { "aria-label": t.chosen }, this.tray),
      h("div.row.filters", null,
        h("label.field", null, h("span", null, t.task), this.tasks),
        h("label.field.grow", null, h("span", null, t.text), this.text)),
      h("section.card", null, this.list));
    this.showTray();
  }

  /** Loads what is shown first. Throws where control does not answer: it can be tried again. */
  async load() {
    const { tasks } = await get(`tasks?limit=${LOAD}`, this.signal);
    if (this.task !== "" && tasks.every((/** @type {any} */ one) => one.id !== this.task)) tasks.push({ id: this.task, name: this.task });
    put(this.tasks, h("option", { value: "" }, t.allTasks), tasks.map((/** @type {any} */ one) => h("option", { value: one.id }, one.name)));
    this.tasks.value = this.task;
    await this.more();
    for (const id of this.chosen.filter((one) => !this.known.has(one))) this.known.set(id, await get(`runs/${encodeURIComponent(id)}`, this.signal));
    this.showTray();
  }

  /** Loads the next runs of the task. */
  async more() {
    const ofTask = this.task === "" ? "" : `&task=${encodeURIComponent(this.task)}`;
    const turn = this.turn;
    const { runs, total } = await get(`runs?limit=${LOAD}&offset=${this.seen}${ofTask}`, this.signal);
    // Another task was chosen meanwhile.
    if (turn !== this.turn) return;
    this.seen += runs.length;
    this.total = total;
    this.isLoaded = true;
    for (const run of runs) this.known.set(run.id, run);
    this.runs.push(...runs);
    put(this.said);
    this.showList();
  }

  async changeTask() {
    this.task = this.tasks.value;
    this.keep(this.task);
    this.turn += 1;
    [this.runs, this.seen, this.total, this.isLoaded] = [[], 0, 0, false];
    put(this.list, h("p.empty", null, t.loading));
    this.first = 0;
    await this.tryMore();
  }

  async tryMore() {
    const turn = this.turn;
    this.isLoading = true;
    if (this.isLoaded) this.showList();
    try {
      await this.more();
    } catch (error) {
      if (!this.signal.aborted && turn === this.turn) put(this.said, problem(error));
    }
    if (turn !== this.turn) return;
    this.isLoading = false;
    if (this.isLoaded) this.showList();
  }

  restart() {
    this.first = 0;
    if (this.isLoaded) this.showList();
  }

  matching() {
    const wanted = this.text.value.trim().toLowerCase();
    return this.runs.filter((run) => [run.name, run.target, run.owner, run.id].some((text) => text.toLowerCase().includes(wanted)));
  }

  showList() {
    const found = this.matching();
    const shown = found.slice(this.first, this.first + ROWS);
    if (shown.length === 0) put(this.list, this.nothing(), this.showSearched());
    else put(this.list, this.table(shown), this.pages(found.length), this.showSearched());
  }

  nothing() {
    if (this.runs.length > 0 || this.task !== "" || this.seen < this.total) return h("p.empty", null, t.nothing);
    return h("div.empty", null, h("p", null, t.empty), h("a.button", { href: "#/tasks" }, t.toTasks));
  }

  showSearched() {
    if (this.seen >= this.total) return null;
    const more = h("button.small", { type: "button", id: "older", onclick: () => this.tryMore() }, t.older);
    more.toggleAttribute("disabled", this.isLoading);
    return h("p.row.muted", null, fill(t.searched, { seen: this.seen, total: this.total }), more);
  }

  /** @param {any[]} runs */
  table(runs) {
    const heads = ["", t.run, t.started, t.length, t.verdict, t.target, t.owner];
    const head = heads.map((text) => (text === "" ? h("td") : h(`th${text === t.length ? ".number" : ""}`, { scope: "col" }, text)));
    return h("div.scroll", { tabindex: "0", role: "region", "aria-label": t.table },
      h("table", { id: "runs" }, h("thead", null, h("tr", null, head)), h("tbody", null, runs.map((run) => this.row(run)))));
  }

  /** @param {any} run */
  row(run) {
    const why = run.verdict !== null ? "" : ACTIVE.includes(run.state) ? t.goesOn : t.noReportWhy;
    const box = /** @type {HTMLInputElement} */ (h("input", {
      type: "checkbox", "data-pick": run.id, title: why === "" ? null : why,
      "aria-label": [fill(t.pick, { run: `${run.name}, ${moment(run.created_unix_us)}` }), why].filter((text) => text !== "").join(". "),
      onchange: () => this.toggle(run.id, box.checked),
    }));
    this.mark(box);
    const started = run.t0_unix_us ?? run.created_unix_us;
    const length = run.ended_unix_us === null ? "–" : duration(Math.max(0, run.ended_unix_us - started) / 1e6);
    return h("tr", { "data-run": run.id },
      h("td", null, box),
      h("td.cut", null, h("a", { href: `#/runs/${encodeURIComponent(run.id)}` }, run.name)),
      h("td.moment", null, moment(started)),
      h("td.number", null, length),
      h("td", { title: why === "" ? null : why }, verdictBadge(run.verdict) ?? stateBadge(run.state), why === t.noReportWhy && h("span.muted", null, ` ${t.noReport}`)),
      h("td.cut", { title: run.target }, run.target),
      h("td.cut", null, run.owner));
  }

  /** @param {number} all */
  pages(all) {
    const to = Math.min(all, this.first + ROWS);
    const turn = (/** @type {number} */ by) => () => {
      this.first += by;
      this.showList();
    };
    return h("div.row.pages", null,
      h("button.small", { type: "button", id: "newer", disabled: this.first === 0, onclick: turn(-ROWS) }, t.previous),
      h("span.muted", { id: "shown" }, fill(t.page, { from: this.first + 1, to, all })),
      h("button.small", { type: "button", id: "next", disabled: to >= all, onclick: turn(ROWS) }, t.next));
  }

  /** @param {string} id @param {boolean} isChosen */
  toggle(id, isChosen) {
    this.chosen = this.chosen.filter((one) => one !== id).concat(isChosen ? [id] : []);
    this.showTray();
    for (const box of /** @type {NodeListOf<HTMLInputElement>} */ (this.list.querySelectorAll("input[data-pick]"))) {
      this.mark(box);
    }
  }

  /** Shows whether a run is chosen, and whether it can be. @param {HTMLInputElement} box */
  mark(box) {
    const id = box.dataset.pick ?? "";
    box.checked = this.chosen.includes(id);
    box.disabled = !box.checked && (this.chosen.length >= CHOSEN_MAX || this.known.get(id)?.verdict === null);
  }

  showTray() {
    const start = h("button.primary", { type: "button", id: "compare", disabled: this.chosen.length < 2, onclick: () => this.choose(this.chosen) }, t.compare);
    const hint = h("span.muted", { id: "hint", role: "status" }, [t.choose, t.one][this.chosen.length]);
    put(this.tray, h("ol.chosen", null, this.chosen.map((id, at) => this.chip(id, at))), h("div.row", null, hint, h("span.grow"), start));
  }

  /** @param {string} id @param {number} at */
  chip(id, at) {
    const run = this.known.get(id);
    const name = run === undefined ? id : `${run.name}, ${moment(run.t0_unix_us ?? run.created_unix_us)}`;
    const toBaseline = () => {
      this.chosen = [id, ...this.chosen.filter((one) => one !== id)];
      this.showTray();
      this.keepFocus();
    };
    const remove = () => {
      this.toggle(id, false);
      this.keepFocus();
    };
    return h("li.chip", { "data-chosen": id }, h("span.cut", null, name),
      at === 0 ? h("span.badge.busy", null, t.baseline) : h("button.small", { type: "button", "data-action": "baseline", "aria-label": fill(t.makeBaseline, { run: name }), onclick: toBaseline }, t.toBaseline),
      h("button.small", { type: "button", "data-action": "remove", "aria-label": fill(t.remove, { run: name }), onclick: remove }, "×"));
  }

  /** The button that had the focus is gone: the next one of the chosen has it then, or the text. */
  keepFocus() {
    /** @type {HTMLElement} */ (this.tray.querySelector("button:not(:disabled)") ?? this.text).focus();
  }
}
