// One run: live while it goes on, its report once it is over.

import { address, get, isAway, path, post } from "../api.js";
import { h, put, say } from "../dom.js";
import { moment } from "../format.js";
import { fill, texts } from "../i18n.js";
import { ACTIVE, stateBadge, verdictBadge } from "../parts/badges.js";
import { makeAgents } from "../parts/agents.js";
import { makeEvents } from "../parts/events.js";
import { LiveRun } from "../parts/live.js";
import { lock, needs } from "../parts/role.js";
import { problem } from "../parts/problem.js";
import { showReport } from "../parts/report.js";
import { RunCharts } from "../parts/run-charts.js";
import { Series } from "../parts/series.js";

const t = texts({
  run: ["Run", "运行"],
  loading: ["Reading the run …", "正在读取……"],
  live: ["live", "实时"],
  away: ["reconnecting …", "正在重连……"],
  awayMore: ["Control does not answer. What is shown stays; it goes on by itself.", "控制端没有响应。已显示的内容保留，恢复后自动继续。"],
  to: ["to", "目标"],
  by: ["by {name}", "由 {name} 启动"],
  task: ["Task", "任务"],
  again: ["Run again", "再次运行"],
  clone: ["Clone task", "克隆任务"],
  compare: ["Compare with the run before", "与上一次对比"],
  first: ["This is the first run of its task with a report", "这是该任务第一次有报告的运行"],
  download: ["Download", "下载"],
  noReport: ["This run has no report", "本次运行没有报告"],
  noReportMore: ["It ended before it had sent anything that counts. Look at the agents and the events for the reason.", "它在产生有效数据之前就结束了。请在执行机与事件中查看原因。"],
  tasks: ["All tasks", "全部任务"],
  openTask: ["Open the task", "打开任务"],
  gone: ["The task was deleted", "任务已被删除"],
  newTask: ["New task from this run", "以本次运行新建任务"],
});

const RETRY_MS = 2000;
const POINTS = 3600;
/** A report is put together from all of the run. */
const REPORT_LIMIT_MS = 60_000;
/** A zoom is read from control once the reader has let go. */
const ZOOM_MS = 300;

/** @typedef {import("../app.js").Context} Context */

/** @param {Context} context */
export async function mount(context) {
  const [id] = context.params;
  context.title(t.run);
  context.show(id);
  const trouble = h("div");
  put(context.root, h("p.muted", { id: "run-loading" }, t.loading), trouble);
  try {
    const run = await read(context.signal, trouble, path`runs/${id}`);
    if (run !== null) new RunPage(context, run).show();
  } catch (error) {
    put(context.root, h("h1", null, t.run), problem(error), h("p", null, h("a", { href: "#/tasks" }, t.tasks)));
  }
}

/**
 * Reads a document, again and again while control is away; null: the reader has left.
 *
 * @param {AbortSignal} signal
 * @param {HTMLElement} trouble  says why it takes so long
 * @param {string} where
 */
async function read(signal, trouble, where) {
  for (;;) {
    try {
      const found = await get(where, signal, REPORT_LIMIT_MS);
      put(trouble);
      return found;
    } catch (error) {
      if (signal.aborted) return null;
      if (!isAway(error)) throw error;
      put(trouble, problem(error));
      await new Promise((done) => setTimeout(done, RETRY_MS));
    }
  }
}

class RunPage {
  /** @param {Context} context @param {any} run */
  constructor(context, run) {
    this.context = context;
    this.run = run;
    this.badges = h("span.row", { id: "run-state" });
    this.connection = h("span.badge.plain", { id: "connection", role: "status" });
    this.actions = h("div.row", { id: "run-actions" });
    this.trouble = h("div", { id: "run-problem" });
    this.body = h("div", { id: "run" });
    this.task = h("span", null, h("a", { href: `#/tasks/${encodeURIComponent(run.task)}`, id: "run-task" }, t.task));
    context.title(run.name);
    const to = run.plan.request?.path ? `${run.target} ${run.plan.request.path}` : run.target;
    put(context.root,
      h("div.page-head", null, h("h1", { id: "run-name" }, run.name), this.badges, this.connection, h("span.grow"), this.actions),
      h("p.muted.run-what", null, this.task,
        ` · ${t.to} ${to} · ${moment(run.created_unix_us)} · ${fill(t.by, { name: run.owner })}`),
      this.trouble, this.body);
  }

  show() {
    this.#showState(this.run);
    if (ACTIVE.includes(this.run.state)) this.#live();
    else this.#over(() => {});
  }

  /** @param {any} run */
  #showState(run) {
    put(this.badges, stateBadge(run.state), verdictBadge(run.verdict));
  }

  #live() {
    // What is live ends with the run, before the reader leaves.
    const live = new AbortController();
    this.context.signal.addEventListener("abort", () => live.abort());
    this.#connected(null);
    // What is live is shown until the report takes its place, but says nothing more.
    let isOver = false;
    const run = new LiveRun(this.body, this.run, {
      signal: live.signal,
      canSteer: this.context.can("operator"),
      connected: (isConnected) => { if (!isOver && !live.signal.aborted) this.#connected(isConnected); },
      changed: (changed) => this.#showState(changed),
      // What was under way when the run ended is not a failure.
      failed: (error) => { if (!isOver && !live.signal.aborted) this.#failed(error); },
      ended: () => {
        isOver = true;
        this.#over(() => live.abort());
      },
    });
    run.start().catch((error) => { if (!live.signal.aborted) this.#failed(error); });
  }

  /** @param {boolean | null} isConnected */
  #connected(isConnected) {
    this.connection.hidden = false;
    this.connection.dataset.connected = String(isConnected === true);
    this.connection.className = `badge ${isConnected ? "good" : "warn"}`;
    this.connection.title = isConnected ? "" : t.awayMore;
    say(this.connection, isConnected ? `● ${t.live}` : `○ ${t.away}`);
  }

  /** @param {any} error */
  #failed(error) {
    if (error === null) put(this.trouble);
    // That control is away is said by the badge: nothing moves for it.
    else if (error.status === 0) this.#connected(false);
    else put(this.trouble, problem(error));
  }

  /** Reads all of a run that is over, then shows it. @param {() => void} leave  ends what was shown before */
  async #over(leave) {
    this.connection.hidden = true;
    const { signal } = this.context;
    try {
      const run = await this.#read(path`runs/${this.run.id}`);
      if (run === null) return;
      this.run = run;
      this.#showState(run);
      const series = await this.#read(path`runs/${run.id}/series?points=${POINTS}`);
      const report = await this.#report();
      const hasTask = await this.#hasTask();
      if (signal.aborted) return;
      put(this.trouble);
      leave();
      this.#replace((body) => (report === null ? this.#showWithout(body, series) : this.#showReport(body, report, series, hasTask)));
      await this.#showActions(report !== null, hasTask);
    } catch (error) {
      if (!signal.aborted) this.#failed(error);
    }
  }

  /**
   * Shows something else below the head. The reader stays where they are: the page never gets shorter in
   * between, and charts that they look at stay under their eyes.
   *
   * @param {(body: HTMLElement) => void} show
   */
  #replace(show) {
    const old = this.body;
    const top = () => this.body.querySelector("#charts")?.getBoundingClientRect().top ?? null;
    const [before, scrolled] = [top(), scrollY];
    this.body = h("div", { id: "run" });
    this.body.style.minHeight = `${old.offsetHeight}px`;
    old.replaceWith(this.body);
    show(this.body);
    const after = top();
    this.body.style.minHeight = "";
    const moved = before === null || after === null ? 0 : after + scrollY - (before + scrolled);
    if (scrolled > 0) scrollTo(0, Math.max(0, scrolled + moved));
  }

  /** @param {string} where */
  #read(where) {
    return read(this.context.signal, this.trouble, where);
  }

  /** Whether the task is still there. Where it is not, nothing leads to it. */
  async #hasTask() {
    try {
      await this.#read(path`tasks/${this.run.task}`);
      return true;
    } catch (error) {
      if (/** @type {any} */ (error).status !== 404) throw error;
      put(this.task, t.gone);
      return false;
    }
  }

  /** The report; null: the run has none. */
  async #report() {
    if (this.run.verdict === null) return null;
    try {
      return await this.#read(path`runs/${this.run.id}/report?series=false`);
    } catch (error) {
      if (/** @type {any} */ (error).status === 409) return null;
      throw error;
    }
  }

  /** @param {HTMLElement} body @param {any} report @param {any} answer @param {boolean} hasTask */
  #showReport(body, report, answer, hasTask) {
    const shown = showReport(body, {
      report, series: answer, signal: this.context.signal,
      plan: (place) => {
        const open = h("a.button", { href: `#/tasks/${encodeURIComponent(this.run.task)}`, id: "open-task" }, t.openTask);
        place.append(this.#toml(report.plan), h("p", null, hasTask ? open : h("span.muted", null, t.gone)));
      },
    });
    this.#zoomable(shown.charts, shown.series);
  }

  /** The plan as people write it, put into words by control when it is asked for. @param {any} plan */
  #toml(plan) {
    const text = h("pre.plan-shown", { id: "plan-toml", tabindex: "0", "aria-label": "TOML" });
    const show = async () => {
      if (text.textContent !== "") return;
      try {
        say(text, (await post("plans/check", { plan }, this.context.signal)).toml);
      } catch (error) {
        if (!this.context.signal.aborted) put(text, problem(error));
      }
    };
    return h("details", { ontoggle: show }, h("summary", null, "TOML"), text);
  }

  /** Zooming into a long run shows its seconds. @param {RunCharts} charts @param {Series} whole */
  #zoomable(charts, whole) {
    if (whole.width === 1) return;
    let timer = 0;
    let turn = 0;
    charts.zoomed = (range) => {
      clearTimeout(timer);
      turn += 1;
      const mine = turn;
      if (range === null) {
        charts.show(whole);
        charts.tell(whole);
        return;
      }
      timer = window.setTimeout(async () => {
        const [from, to] = [Math.floor(range[0]), Math.ceil(range[1])];
        charts.tell(whole, "loading");
        try {
          const answer = await get(path`runs/${this.run.id}/series?from=${from}&to=${to}&points=${POINTS}`, this.context.signal);
          if (mine !== turn) return;
          const detail = new Series().load(answer);
          charts.show(detail);
          charts.tell(detail, "detail");
        } catch (error) {
          if (mine !== turn || this.context.signal.aborted) return;
          charts.tell(whole);
          this.#failed(error);
        }
      }, ZOOM_MS);
    };
  }

  /** @param {HTMLElement} body @param {any} answer */
  #showWithout(body, answer) {
    const why = this.run.text === "" ? t.noReportMore : this.run.text;
    body.append(h("section.card.verdict", { id: "verdict", "data-verdict": "none" },
      h("p.verdict-line", null, h("strong", null, t.noReport)), h("p", null, why), why === t.noReportMore ? null : h("p.muted", null, t.noReportMore)));
    const series = new Series().load(answer);
    makeAgents(body).show(this.run.parts);
    makeEvents(body).show(answer.events);
    if (series.length === 0) return;
    const charts = new RunCharts(body, this.context.signal);
    charts.show(series);
    charts.tell(series);
    charts.mark(answer.events);
  }

  /** @param {boolean} hasReport @param {boolean} hasTask */
  async #showActions(hasReport, hasTask) {
    const { run, context } = this;
    const canSteer = context.can("operator");
    const act = (/** @type {() => Promise<string>} */ work) => async () => {
      try {
        context.go(await work());
      } catch (error) {
        put(this.trouble, problem(error));
      }
    };
    const again = h("button.primary", { type: "button", id: "run-again",
      onclick: act(async () => `#/runs/${encodeURIComponent((await post(path`tasks/${run.task}/runs`)).id)}`) }, t.again);
    lock(again, canSteer ? (hasTask ? "" : t.gone) : needs("operator"));
    const clone = hasTask
      ? h("a.button", { id: "clone-task", href: `#/tasks/new?from=${encodeURIComponent(run.task)}` }, t.clone)
      : h("a.button", { id: "new-from-run", href: `#/tasks/new?run=${encodeURIComponent(run.id)}` }, t.newTask);
    const compare = h("a.button", { id: "compare-previous", "aria-disabled": "true", title: t.first }, t.compare);
    put(this.actions, again, canSteer && clone, hasReport && compare, hasReport && downloads(run.id));
    if (hasReport) await attempt(() => this.#findPrevious(compare), (error) => this.#failed(error));
  }

  /** The run of the same task before this one that has a report. @param {HTMLElement} link */
  async #findPrevious(link) {
    const { run, context } = this;
    const { runs } = await get(path`runs?task=${run.task}&limit=200`, context.signal);
    const before = runs.find((/** @type {any} */ one) => one.created_unix_us < run.created_unix_us && one.verdict !== null);
    if (before === undefined) return;
    link.setAttribute("href", `#/compare?runs=${encodeURIComponent(before.id)},${encodeURIComponent(run.id)}`);
    link.removeAttribute("aria-disabled");
    link.removeAttribute("title");
  }
}

/** @param {() => Promise<void>} work @param {(error: any) => void} failed */
async function attempt(work, failed) {
  try {
    await work();
  } catch (error) {
    failed(error);
  }
}

/** @param {string} id */
function downloads(id) {
  const links = ["json", "csv", "hdr", "html", "text"].map((format) => h("a.button", {
    id: `download-${format}`, download: "", href: `${address(path`runs/${id}/report`)}?format=${format}&download=true`,
  }, format.toUpperCase()));
  return h("details.downloads", { id: "downloads" }, h("summary.button", null, t.download), h("div.downloads-list", null, links));
}
