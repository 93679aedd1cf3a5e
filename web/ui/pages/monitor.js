// Monitor: how the hosts of agents are, on one axis of time.

import { every, get } from "../api.js";
import { Group, plot } from "../charts/plot.js";
import { h, put, say } from "../dom.js";
import { fill, language, texts } from "../i18n.js";
import { agentCommand } from "../parts/agent-command.js";
import { problem } from "../parts/problem.js";
import { CHARTS } from "./monitor/charts.js";
import { Samples, column, widthOf } from "./monitor/samples.js";

const t = texts({
  title: ["Monitor", "监控"],
  agents: ["Agents", "执行机"],
  range: ["Time", "时间范围"],
  none: ["No agent is here", "没有执行机"],
  start: ["Hosts are watched by their agents. Start one:", "主机由执行机监控。请先启动执行机："],
  choose: ["Choose an agent.", "请选择执行机。"],
  untold: ["{name}: the host does not tell.", "{name}：主机未提供。"],
  silent: ["{name}: no samples in this time.", "{name}：该时段内没有数据。"],
  running: ["Runs that are active, marked where they began:", "进行中的运行（图中标记其开始时刻）："],
  nothing: ["Nothing is running.", "当前没有运行中的任务。"],
  most: ["At most {n} at once.", "最多同时选择 {n} 个。"],
});

/** Minutes → label. @type {[number, string][]} */
const RANGES = language === "zh"
  ? [[15, "15 分钟"], [60, "1 小时"], [360, "6 小时"], [1440, "24 小时"]]
  : [[15, "15 m"], [60, "1 h"], [360, "6 h"], [1440, "24 h"]];
/** Each has a colour of its own. */
const AGENTS_MAX = 8;
const REFRESH_MS = 5000;
/** Distances of the labels of a clock. */
const STEPS_S = [1, 2, 5, 10, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 14400, 21600, 43200, 86400];

const wall = new Intl.DateTimeFormat(language === "zh" ? "zh-CN" : "en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const wallShort = new Intl.DateTimeFormat(language === "zh" ? "zh-CN" : "en-GB", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
/** @param {number} seconds  since 1970 */
const clockText = (seconds) => (Math.round(seconds) % 60 === 0 ? wallShort : wall).format(seconds * 1000);

/** @param {import("../app.js").Context} context */
export function mount(context) {
  const page = new Monitor(context);
  context.title(t.title);
  page.show();
  const look = async () => { if (!document.hidden) await page.load(); };
  every(REFRESH_MS, context.signal, look, (error) => page.fail(error));
}

/** What is chosen, what was read, and the charts. */
class Monitor {
  said = h("div", { id: "monitor-problem" });
  boxes = h("div.row", { id: "monitor-agents" });
  hint = h("p.muted", { id: "monitor-hint", role: "status" });
  runs = h("p.muted", { id: "monitor-runs" });
  charts = h("div.columns.charts", { id: "monitor-charts" });
  empty = h("div");
  /** @type {Map<string, Samples>} */
  samples = new Map();
  /** @type {string[]} */
  chosen = [];
  /** @type {string[]} */
  known = [];
  asked = 0;
  /** @type {AbortController | null} */
  drawing = null;
  /** @type {Group | null} */
  group = null;
  /** @type {{ chart: import("./monitor/charts.js").Chart, plot: any, note: HTMLElement }[]} */
  plots = [];

  /** @param {import("../app.js").Context} context */
  constructor(context) {
    this.context = context;
    this.chosen = context.query.getAll("agent").slice(0, AGENTS_MAX);
    const asked = Number(context.query.get("minutes"));
    this.minutes = RANGES.some(([minutes]) => minutes === asked) ? asked : 15;
  }

  show() {
    const ranges = RANGES.map(([minutes, label]) => h("label.monitor-choice", null,
      h("input", { type: "radio", name: "range", value: minutes, id: `range-${minutes}`, checked: minutes === this.minutes, onchange: () => this.setRange(minutes) }), label));
    put(
      this.context.root,
      h("div.page-head", null, h("h1", null, t.title)),
      this.said, this.empty,
      h("div.card.monitor-choices", { id: "monitor-choices" },
        h("fieldset", null, h("legend", null, t.agents), this.boxes),
        h("fieldset", null, h("legend", null, t.range), h("div.row", null, ranges))),
      this.runs, this.hint, this.charts,
    );
    this.draw();
  }

  /** @param {number} minutes */
  setRange(minutes) {
    this.minutes = minutes;
    this.group?.zoom(null);
    this.changed();
  }

  /** @param {string} agent @param {HTMLInputElement} box */
  toggle(agent, box) {
    if (box.checked && this.chosen.length >= AGENTS_MAX) {
      box.checked = false;
      say(this.hint, fill(t.most, { n: AGENTS_MAX }));
      return;
    }
    this.chosen = this.known.filter((one) => (one === agent ? box.checked : this.chosen.includes(one)));
    this.draw();
    this.changed();
  }

  changed() {
    const query = new URLSearchParams([...this.chosen.map((agent) => ["agent", agent]), ["minutes", String(this.minutes)]]);
    history.replaceState(null, "", `#/monitor?${query}`);
    this.load().catch((error) => this.fail(error));
  }

  /** @param {any} error */
  fail(error) {
    if ((error.status !== 0 || this.known.length === 0) && !this.context.signal.aborted) put(this.said, problem(error));
  }

  async load() {
    const { signal } = this.context;
    const mine = (this.asked += 1);
    const [{ agents }, { runs }] = await Promise.all([get("agents", signal), get("runs?state=active&limit=50", signal)]);
    this.showAgents(agents.map((/** @type {any} */ one) => one.agent));
    const toS = Math.floor(Date.now() / 1000);
    const fromS = toS - this.minutes * 60;
    await Promise.all(this.chosen.map((agent) => this.of(agent).read(fromS * 1e6, signal)));
    if (mine !== this.asked || signal.aborted) return;
    put(this.said);
    this.fill(fromS, toS);
    this.showRuns(runs);
  }

  /** @param {string} agent */
  of(agent) {
    const samples = this.samples.get(agent) ?? new Samples(agent);
    this.samples.set(agent, samples);
    return samples;
  }

  /** @param {string[]} names */
  showAgents(names) {
    if (names.join("\n") === this.known.join("\n") && (names.length > 0 || this.empty.childElementCount > 0)) return;
    this.known = names;
    const before = this.chosen.join();
    this.chosen = this.chosen.filter((agent) => names.includes(agent));
    if (this.chosen.length === 0) this.chosen = names.slice(0, 1);
    if (before !== this.chosen.join()) this.draw();
    put(this.boxes, names.map((name) => {
      const box = /** @type {HTMLInputElement} */ (h("input", { type: "checkbox", "data-agent": name, checked: this.chosen.includes(name), onchange: () => this.toggle(name, box) }));
      return h("label.monitor-choice", null, box, name);
    }));
    put(this.empty, names.length === 0 && h("div.card.empty", { id: "monitor-empty" }, h("h2", null, t.none), h("p", null, t.start), agentCommand(this.context)));
    this.runs.hidden = names.length === 0;
    /** @type {HTMLElement | null} */ (document.getElementById("monitor-choices"))?.toggleAttribute("hidden", names.length === 0);
  }

  /** Makes the charts anew: their lines are those of the agents that are chosen. */
  draw() {
    this.drawing?.abort();
    this.drawing = new AbortController();
    this.context.signal.addEventListener("abort", () => this.drawing?.abort(), { once: true });
    const group = new Group(this.drawing.signal);
    this.group = group;
    put(this.charts);
    this.plots = CHARTS.map((chart) => {
      const place = h("section.card", { "data-chart": chart.name });
      const note = h("p.muted.untold");
      this.charts.append(place);
      const made = plot(place, group, { title: chart.title, unit: chart.unit, lines: linesOf(chart, this.chosen), height: 130, xUnit: clockText, xSteps: STEPS_S });
      place.append(note);
      return { chart, plot: made, note };
    });
  }

  /** @param {number} fromS @param {number} toS */
  fill(fromS, toS) {
    const lists = this.chosen.map((agent) => this.of(agent).list);
    const widthS = widthOf(toS - fromS, lists);
    // Rows begin at whole widths, so that they do not change from one look to the next.
    const first = Math.floor(fromS / widthS) * widthS;
    const rows = Math.max(1, Math.floor((toS - first) / widthS));
    const x = Array.from({ length: rows }, (_, row) => first + row * widthS);
    this.charts.hidden = this.chosen.length === 0;
    say(this.hint, this.known.length > 0 && this.chosen.length === 0 ? t.choose : "");
    for (const { chart, plot: made, note } of this.plots) {
      const columns = lists.flatMap((list) => chart.numbers.map(({ pick }) => column(list, pick, first, widthS, rows)));
      made.set([x, ...columns]);
      const missing = this.chosen.map((agent, at) => reason(agent, lists[at], chart)).filter((text) => text !== "");
      say(note, missing.join(" "));
    }
  }

  /** @param {any[]} runs */
  showRuns(runs) {
    const begun = runs.filter((run) => run.t0_unix_us !== null);
    this.group?.setMarks(begun.map((run) => ({ x: run.t0_unix_us / 1e6, text: run.name, colour: "accent" })));
    const now = begun.map((run) => run.id).join();
    if (this.runs.dataset.shown === now) return;
    this.runs.dataset.shown = now;
    if (begun.length === 0) put(this.runs, t.nothing);
    else put(this.runs, t.running, begun.flatMap((run) => [" ", h("a", { href: `#/runs/${encodeURIComponent(run.id)}` }, `${run.name} (${clockText(run.t0_unix_us / 1e6)})`)]));
  }
}

/** @param {import("./monitor/charts.js").Chart} chart @param {string[]} agents */
function linesOf(chart, agents) {
  return agents.flatMap((agent, at) => chart.numbers.map(({ label }, number) => ({
    label: agents.length === 1 ? label : `${agent} ${label}`,
    // One agent has a colour for each number, several have one each.
    colour: `c${agents.length === 1 ? number + 1 : at + 1}`,
    dashed: number > 0,
  })));
}

/** Why a chart has nothing of an agent; empty: it has. @param {string} agent @param {any[]} list @param {import("./monitor/charts.js").Chart} chart */
function reason(agent, list, chart) {
  if (list.length === 0) return fill(t.silent, { name: agent });
  const silent = chart.numbers.filter(({ pick }) => list.every((sample) => pick(sample) === null));
  if (silent.length === 0) return "";
  const name = silent.length === chart.numbers.length ? agent : `${agent}, ${silent.map(({ label }) => label).join(", ")}`;
  return fill(t.untold, { name });
}
