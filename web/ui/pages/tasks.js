// Tasks: every plan that was saved, with its last run; search, start, stop, clone, delete.

import { every, get } from "../api.js";
import { h, put } from "../dom.js";
import { texts } from "../i18n.js";
import { stateText } from "../parts/badges.js";
import { pager } from "../parts/pager.js";
import { problem } from "../parts/problem.js";
import { lock, needs, roleNote } from "../parts/role.js";
import { Rows } from "../parts/rows.js";
import { taskRow } from "./tasks/row.js";

const t = texts({
  title: ["Tasks", "任务"],
  create: ["New task", "新建任务"],
  search: ["Search name, target or owner", "搜索名称、目标或创建人"],
  state: ["State of the last run", "最近一次运行状态"],
  any: ["any", "全部"],
  active: ["active", "进行中"],
  never: ["never run", "从未运行"],
  status: ["State", "状态"],
  name: ["Name", "名称"],
  owner: ["Owner", "创建人"],
  target: ["Target", "目标"],
  load: ["Load", "负载"],
  agents: ["Agents", "执行机"],
  last: ["Last run", "最近运行"],
  trend: ["Completed/s", "每秒完成"],
  actions: ["Actions", "操作"],
  list: ["Tasks", "任务列表"],
  first: ["Load-test an HTTP service", "对 HTTP 服务进行压测"],
  about: [
    "A task says what to send, how fast and for how long. acp sends it on time, from one machine or from many, shows what happens while it happens, and says whether the numbers can be trusted.",
    "任务定义发送什么、发多快、发多久。acp 由一台或多台执行机准时发送请求，实时展示过程，并判定结果是否可信。",
  ],
  begin: ["Create your first task", "创建第一个任务"],
  shell: ["or on a command line:", "或使用命令行："],
  none: ["No task matches.", "没有符合条件的任务。"],
  all: ["Show all", "显示全部"],
});

const SIZE = 50;
const REFRESH_MS = 2000;
const TYPING_MS = 250;
const STATES = ["active", "running", "done", "failed", "aborted", "never"];

/** @param {import("../app.js").Context} context */
export function mount(context) {
  const page = new Tasks(context);
  context.title(t.title);
  page.show();
  const look = async () => { if (!document.hidden) await page.load(); };
  every(REFRESH_MS, context.signal, look, (error) => page.fail(error));
}

/** The list, with what it is filtered by. */
class Tasks {
  said = h("div", { id: "tasks-problem" });
  empty = h("div", { id: "tasks-empty", role: "status" });
  body = h("tbody");
  offset = 0;
  /** Numbers the questions: an answer that was overtaken is not shown. */
  asked = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  typing = undefined;

  /** @param {import("../app.js").Context} context */
  constructor(context) {
    const { query } = context;
    this.context = context;
    this.offset = Math.max(0, Number.parseInt(query.get("offset") ?? "", 10) || 0);
    const search = { id: "tasks-search", type: "search", maxlength: "200", value: query.get("text") ?? "", oninput: () => this.type() };
    this.text = /** @type {HTMLInputElement} */ (h("input", search));
    this.state = /** @type {HTMLSelectElement} */ (h("select", { id: "tasks-state", onchange: () => this.filter() }, states()));
    this.state.value = STATES.includes(query.get("state") ?? "") ? /** @type {string} */ (query.get("state")) : "";
    this.table = h("div.scroll.card.tasks", { tabindex: "0", role: "region", "aria-label": t.list, hidden: true }, h("table", null, head(context.me.auth), this.body));
    this.rows = new Rows(this.body, (/** @type {any} */ task) => task.id, (task) => taskRow(task, context, () => this.load()));
    this.pager = pager("tasks", SIZE, (offset) => this.turn(offset));
  }

  show() {
    const { root, can } = this.context;
    const create = () => this.context.go("#/tasks/new");
    const button = h("button.primary", { type: "button", id: "task-new", onclick: create }, t.create);
    lock(button, can("operator") ? "" : needs("operator"));
    put(
      root,
      h("div.page-head", null, h("h1", null, t.title), h("span.grow"), button),
      roleNote(this.context, "operator"),
      h("div.row.filters", { role: "search" },
        h("label.field.grow", null, h("span", null, t.search), this.text),
        h("label.field", null, h("span", null, t.state), this.state)),
      this.said, this.table, this.empty, this.pager.element,
    );
  }

  type() {
    clearTimeout(this.typing);
    this.typing = setTimeout(() => this.filter(), TYPING_MS);
  }

  filter() {
    this.turn(0);
  }

  /** @param {number} offset */
  turn(offset) {
    this.offset = offset;
    this.keep();
    this.load().catch((error) => this.fail(error));
  }

  /** What is asked for, as a query. */
  query() {
    const query = new URLSearchParams();
    if (this.text.value.trim() !== "") query.set("text", this.text.value.trim());
    if (this.state.value !== "") query.set("state", this.state.value);
    if (this.offset > 0) query.set("offset", String(this.offset));
    return query;
  }

  /** The address says what is shown: it can be kept, and the way back leads to it. */
  keep() {
    if (this.context.signal.aborted) return;
    const query = this.query().toString();
    history.replaceState(null, "", query === "" ? "#/tasks" : `#/tasks?${query}`);
  }

  async load() {
    const mine = (this.asked += 1);
    const query = this.query();
    const isFiltered = query.has("text") || query.has("state");
    query.set("limit", String(SIZE));
    const { tasks, total } = await get(`tasks?${query}`, this.context.signal);
    if (mine !== this.asked || this.context.signal.aborted) return;
    if (tasks.length === 0 && this.offset > 0) {
      // The last of this part was deleted.
      this.turn(Math.max(0, Math.floor((total - 1) / SIZE)) * SIZE);
      return;
    }
    put(this.said);
    this.rows.set(tasks);
    this.table.hidden = tasks.length === 0;
    this.pager.set(this.offset, tasks.length, total);
    this.showEmpty(tasks.length > 0 ? "" : isFiltered ? "none" : "first");
  }

  /** @param {"" | "none" | "first"} kind */
  showEmpty(kind) {
    if (this.empty.dataset.kind === kind) return;
    this.empty.dataset.kind = kind;
    if (kind === "") put(this.empty);
    else if (kind === "none") put(this.empty, h("p.empty", null, `${t.none} `, h("button.link", { type: "button", id: "tasks-all", onclick: () => this.reset() }, t.all)));
    else put(this.empty, welcome(this.context.can("operator")));
  }

  reset() {
    this.text.value = "";
    this.state.value = "";
    this.filter();
    this.text.focus();
  }

  /** @param {any} error */
  fail(error) {
    // That control is away is said below, for every page: what is shown stays as it is.
    if ((error.status !== 0 || this.table.hidden) && !this.context.signal.aborted) put(this.said, problem(error));
  }
}

function states() {
  const named = ["running", "done", "failed", "aborted"].map((state) => h("option", { value: state }, stateText(state)));
  return [h("option", { value: "" }, t.any), h("option", { value: "active" }, t.active), ...named, h("option", { value: "never" }, t.never)];
}

/** @param {boolean} hasOwners */
function head(hasOwners) {
  const column = (/** @type {string} */ text, kind = "") => h(`th${kind}`, { scope: "col" }, text);
  return h("thead", null, h("tr", null,
    column(t.status), column(t.name), hasOwners && column(t.owner), column(t.target), column(t.load, ".number"),
    column(t.agents, ".number"), column(t.last), column(t.trend), column(t.actions)));
}

/** What acp is, for who has no task yet. @param {boolean} canCreate */
function welcome(canCreate) {
  return h("div.card.empty", null,
    h("h2", null, t.first),
    h("p", null, t.about),
    canCreate && h("p", null, h("a.button.primary", { id: "task-first", href: "#/tasks/new" }, t.begin)),
    canCreate && h("p", null, t.shell),
    canCreate && h("pre", { tabindex: "0" }, `acp task create -R 100 -d 30s --watch --control ${location.origin} http://127.0.0.1:8080/`));
}
