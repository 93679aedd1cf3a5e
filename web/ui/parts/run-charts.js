// The charts of a run over its time, live or from a report: what is drawn of its columns.

import { Group, plot } from "../charts/plot.js";
import { heatmap } from "../charts/heatmap.js";
import { h } from "../dom.js";
import { duration, percent, rate, short, time } from "../format.js";
import { fill, texts } from "../i18n.js";
import { classText, notSentText } from "./classes.js";

const t = texts({
  charts: ["Over time", "随时间变化"],
  reset: ["Reset zoom", "还原缩放"],
  help: ["Drag to zoom, double-click to reset; arrow keys move the line", "拖动放大，双击还原；方向键移动游标"],
  width: ["Each point is {width}; percentiles are the worst second in it", "每个点代表 {width}；百分位取其中最差的一秒"],
  detail: ["Detail of the part shown", "所选区间的明细"],
  loading: ["Loading the detail …", "正在读取明细……"],
  rates: ["Requests", "请求速率"],
  planned: ["planned", "计划"],
  sent: ["sent", "已发送"],
  completed: ["completed", "已完成"],
  response: ["Response time (service time dotted)", "响应时间（虚线为服务时间）"],
  service: ["service {rank}", "服务 {rank}"],
  errors: ["Errors by class", "错误分类"],
  noErrors: ["no errors", "没有错误"],
  status: ["Status codes", "状态码"],
  noStatus: ["no responses yet", "还没有响应"],
  flight: ["In flight and blocked", "在途与阻塞"],
  inFlight: ["in flight", "在途"],
  blocked: ["blocked /s", "阻塞 /s"],
  lag: ["Send lag", "发送延迟"],
  cpu: ["CPU of the load generator", "压测机 CPU"],
  busy: ["busiest core", "最忙的核"],
  machine: ["whole machine", "整机"],
  steal: ["steal", "被虚拟化偷走"],
  heat: ["Response times", "响应时间分布"],
  few: ["few", "少"],
  many: ["many", "多"],
  at: ["between", "个位于"],
});

/** @typedef {import("./series.js").Series} Series */
/** @typedef {(number | null)[]} Column */

const COLOURS = ["c5", "c2", "c4", "c7", "c6", "c8", "c1", "c3"];
const STATUS_COLOURS = ["c3", "c1", "c2", "c5", "c4", "c7", "c6", "c8"];

/** Slots that were given up all at once at the end: the books have them, over time they say nothing. */
const AT_THE_END = ["stopped", "ended"];

export class RunCharts {
  /** @param {HTMLElement} root @param {AbortSignal} signal */
  constructor(root, signal) {
    this.group = new Group(signal);
    this.note = h("span.muted", { id: "chart-note", role: "status" });
    this.reset = h("button.small.reset-zoom", { type: "button", id: "reset-zoom", disabled: true, onclick: () => this.group.zoom(null) }, t.reset);
    this.grid = h("div.charts", { id: "charts" });
    root.append(h("section.card", { "aria-labelledby": "charts-title" },
      h("div.charts-head", null, h("h2", { id: "charts-title" }, t.charts), this.note, h("span.muted.charts-help", null, t.help), this.reset),
      this.grid));
    /** Of each row that is drawn: the row of the columns, -1 for a gap. @type {number[]} */
    this.order = [];
    /** @type {Column} */
    this.x = [];
    /** Columns are made once and filled again. @type {Map<string, Column>} */
    this.made = new Map();
    /** @type {Map<string, string>} */
    this.classes = new Map();
    /** Called with the zoomed range. @type {(range: [number, number] | null) => void} */
    this.zoomed = () => {};
    this.group.zoomed = (range) => {
      this.reset.toggleAttribute("disabled", range === null);
      this.zoomed(range);
    };
    this.charts = makeCharts(this.grid, this.group);
  }

  /** Draws columns. @param {Series} series */
  show(series) {
    this.#lay(series);
    this.grid.dataset.seconds = series.ranges;
    const { columns } = series;
    const per = (/** @type {string} */ name) => this.#column(name, (row) => perSecond(columns[name][row], series.seconds[row]));
    const logged = (/** @type {string} */ name) => this.#column(name, (row) => atLeastOne(columns[name][row]));
    const share = (/** @type {string} */ name) => this.#column(`${name}/`, (row) => ratio(columns[name][row], columns.machine_us[row]));
    const { x, charts } = this;
    // What was settled in a second is a spike where a run is stopped; what was asked for is not.
    const isOpen = columns.rate_target.some((value) => Number(value) > 0);
    const planned = isOpen ? this.#column("rate_target", (row) => columns.rate_target[row]) : per("planned");
    charts.rates.set([x, planned, per("sent"), per("completed")]);
    charts.response.set([x, ...["response_p50_ns", "response_p90_ns", "response_p99_ns", "response_p99_9_ns", "service_p50_ns", "service_p99_ns"].map(logged)]);
    this.#showClasses(charts.errors, series, ["errors", "not_sent"]);
    this.#showClasses(charts.status, series, ["status"]);
    charts.flight.set([x, this.#column("in_flight", (row) => columns.in_flight[row]), per("blocked")]);
    charts.lag.set([x, ...["send_lag_p50_ns", "send_lag_p99_ns"].map(logged)]);
    charts.cpu.set([x, this.#column("busy_ratio", (row) => columns.busy_ratio[row]), share("cpu_us"), share("steal_us")]);
    charts.heat.set(x, this.order.map((row) => series.seconds[row] ?? 0), this.order.map((row) => series.bands[row] ?? null));
  }

  /** Zooms to a second and shows it. @param {number} second @param {number} width  seconds of a point */
  goTo(second, width) {
    this.group.zoom([second - 5 * width, second + 5 * width]);
    this.grid.scrollIntoView({ block: "start" });
  }

  /**
   * Says what a point stands for.
   *
   * @param {Series} series
   * @param {"" | "detail" | "loading"} kind
   */
  tell(series, kind = "") {
    const width = series.width > 1 ? fill(t.width, { width: duration(series.width) }) : "";
    const more = kind === "loading" ? t.loading : kind === "detail" ? t.detail : "";
    this.note.textContent = [width, more].filter((text) => text !== "").join(" · ");
  }

  /** Marks what happened. @param {{ at_us: number | null, kind: string, text: string }[]} events */
  mark(events) {
    const shown = events.filter((event) => event.at_us !== null);
    this.group.setMarks(shown.map((event) => ({ x: Number(event.at_us) / 1e6, text: event.text, colour: colourOf(event.kind) })));
  }

  /** Which row goes where: a hole in the seconds is a row without values. @param {Series} series */
  #lay({ second, seconds, width }) {
    this.order.length = 0;
    this.x.length = 0;
    for (let row = 0; row < second.length; row += 1) {
      const end = second[row - 1] + Math.max(width, seconds[row - 1]);
      if (row > 0 && second[row] > end) {
        this.order.push(-1);
        this.x.push(end);
      }
      this.order.push(row);
      this.x.push(second[row]);
    }
  }

  /** @param {string} name @param {(row: number) => number | null} value */
  #column(name, value) {
    const column = this.made.get(name) ?? [];
    this.made.set(name, column);
    column.length = this.order.length;
    for (let at = 0; at < this.order.length; at += 1) column[at] = this.order[at] < 0 ? null : value(this.order[at]);
    return column;
  }

  /**
   * Lines of classes, which come up while a run goes on.
   *
   * @param {import("../charts/plot.js").Plot} chart
   * @param {Series} series
   * @param {string[]} groups
   */
  #showClasses(chart, series, groups) {
    const found = groups.flatMap((group) => [...series.groups[group].keys()].sort().map((name) => ({ group, name })))
      .filter(({ name }) => !AT_THE_END.includes(name));
    const key = JSON.stringify(found);
    if (this.classes.get(groups[0]) !== key) {
      this.classes.set(groups[0], key);
      const colours = groups[0] === "status" ? STATUS_COLOURS : COLOURS;
      chart.setLines(found.map(({ group, name }, at) => ({
        label: labelOf(group, name), colour: colours[at % colours.length], dashed: group === "not_sent",
      })));
    }
    chart.set([this.x, ...found.map(({ group, name }) => {
      const counts = /** @type {number[]} */ (series.groups[group].get(name));
      return this.#column(`${group}.${name}`, (row) => perSecond(counts[row], series.seconds[row]));
    })]);
  }
}

/** @param {HTMLElement} grid @param {Group} group */
function makeCharts(grid, group) {
  const ranks = ["p50", "p90", "p99", "p99.9"];
  const response = ranks.map((rank, at) => ({ label: rank, colour: ["c3", "c1", "c2", "c5"][at] }));
  const service = [["p50", "c3"], ["p99", "c2"]].map(([rank, colour]) => ({ label: fill(t.service, { rank }), colour, dashed: true }));
  return {
    rates: plot(grid, group, { id: "chart-rate", title: t.rates, unit: rate, lines: [
      { label: t.planned, colour: "muted", dashed: true }, { label: t.sent, colour: "c2" }, { label: t.completed, colour: "c1", filled: true }] }),
    response: plot(grid, group, { id: "chart-response", title: t.response, unit: time, isLog: true, lines: [...response, ...service] }),
    heat: heatmap(grid, group, { id: "chart-heat", title: t.heat, few: t.few, many: t.many, at: t.at }),
    errors: plot(grid, group, { id: "chart-errors", title: t.errors, unit: rate, lines: [], empty: t.noErrors, height: 200 }),
    status: plot(grid, group, { id: "chart-status", title: t.status, unit: rate, lines: [], empty: t.noStatus }),
    flight: plot(grid, group, { id: "chart-flight", title: t.flight, unit: short, lines: [
      { label: t.inFlight, colour: "c1" }, { label: t.blocked, colour: "c2" }] }),
    lag: plot(grid, group, { id: "chart-lag", title: t.lag, unit: time, isLog: true, lines: [
      { label: "p50", colour: "c3" }, { label: "p99", colour: "c2" }] }),
    cpu: plot(grid, group, { id: "chart-cpu", title: t.cpu, unit: percent, lines: [
      { label: t.busy, colour: "c2" }, { label: t.machine, colour: "c1" }, { label: t.steal, colour: "c5" }] }),
  };
}

/** @param {string} group @param {string} name */
function labelOf(group, name) {
  if (group === "status") return name;
  return group === "errors" ? classText(name) : notSentText(name);
}

/** @param {number | null} value @param {number} seconds */
const perSecond = (value, seconds) => (value === null ? null : value / Math.max(1, seconds));
/** What a logarithmic axis can show. @param {number | null} value */
const atLeastOne = (value) => (value === null ? null : Math.max(1, value));
/** @param {number | null} part @param {number | null} whole */
const ratio = (part, whole) => (part === null || !whole ? null : part / whole);

/** @param {string} kind  of an event */
export function colourOf(kind) {
  if (["error", "agent_lost", "rule"].includes(kind)) return "bad";
  if (kind === "stop") return "warn";
  return ["rate", "pause", "resume"].includes(kind) ? "accent" : "muted";
}
