// A task in the list, and what can be done with it.

import { path, post, remove } from "../../api.js";
import { h, put, say } from "../../dom.js";
import { count, rate } from "../../format.js";
import { fill, texts } from "../../i18n.js";
import { ago } from "../../parts/ago.js";
import { ACTIVE, stateBadge, verdictBadge } from "../../parts/badges.js";
import { ask } from "../../parts/dialog.js";
import { problem } from "../../parts/problem.js";
import { lock, needs } from "../../parts/role.js";
import { spark } from "../../parts/spark.js";

const t = texts({
  status: ["State", "状态"],
  owner: ["Owner", "创建人"],
  target: ["Target", "目标"],
  load: ["Load", "负载"],
  agents: ["Agents", "执行机"],
  last: ["Last run", "最近运行"],
  trend: ["Completed/s", "每秒完成"],
  connections: ["{n} connections", "{n} 并发连接"],
  never: ["never run", "从未运行"],
  start: ["Start", "启动"],
  stop: ["Stop", "停止"],
  stopping: ["Stopping", "停止中"],
  clone: ["Clone", "克隆"],
  runs: ["Runs", "运行记录"],
  remove: ["Delete", "删除"],
  busy: ["It is running: stop it first.", "正在运行，请先停止。"],
  of: ["{what} {name}", "{what} {name}"],
  sure: ["Delete {name}?", "删除 {name}？"],
  keeps: ["The task goes. Its runs and their reports stay. A run that goes on is not stopped.", "任务将被删除；其运行记录和报告会保留，正在进行的运行不会停止。"],
});

/**
 * @param {any} first  the task, as the list has it
 * @param {import("../../app.js").Context} context
 * @param {() => Promise<void>} reload
 * @returns {import("../../parts/rows.js").Row<any>}
 */
export function taskRow(first, context, reload) {
  const { id } = first;
  const state = h("td", { "data-label": t.status });
  const name = h("a", { href: `#/tasks/${encodeURIComponent(id)}` });
  const owner = h("td.cut", { "data-label": t.owner });
  const target = h("td.cut", { "data-label": t.target });
  const load = h("td.number", { "data-label": t.load });
  const agents = h("td.number", { "data-label": t.agents });
  const last = lastRun();
  const line = spark(t.trend);
  const acts = actions(id, context, reload);
  const element = h("tr", { "data-task": id },
    state, h("th.task-name", { scope: "row" }, name), context.me.auth && owner, target, load, agents,
    last.element, h("td.trend", { "data-label": t.trend }, line.element), acts.element);
  return {
    element,
    update(task) {
      const run = task.last_run;
      badge(state, run?.state ?? "");
      for (const [place, text] of /** @type {[HTMLElement, string][]} */ ([[name, task.name], [owner, task.owner], [target, task.target]])) {
        say(place, text);
        place.title = text;
      }
      say(load, task.model === "open" ? rate(task.peak_rate_per_s ?? 0) : fill(t.connections, { n: count(task.connections) }));
      say(agents, run === null ? "–" : count(run.agents));
      last.set(run);
      line.set(run?.spark ?? []);
      line.element.toggleAttribute("hidden", (run?.spark ?? []).length === 0);
      acts.set(task);
    },
  };
}

/** Puts a badge where it is another one. @param {HTMLElement} place @param {string} state */
function badge(place, state) {
  if (place.dataset.shown === state) return;
  place.dataset.shown = state;
  put(place, state === "" ? h("span.badge", { "data-state": "never" }, t.never) : stateBadge(state));
}

/** The cell of the last run: when it was, and whether its numbers can be trusted. */
function lastRun() {
  const when = ago();
  const link = h("a", { hidden: true }, when.element);
  const verdict = h("span");
  let shown = "";
  return {
    element: h("td.last", { "data-label": t.last }, link, " ", verdict),
    /** @param {any} run */
    set(run) {
      link.hidden = run === null;
      if (run !== null) link.setAttribute("href", `#/runs/${encodeURIComponent(run.id)}`);
      when.set(run?.t0_unix_us ?? run?.created_unix_us ?? null);
      if (shown === (run?.verdict ?? "")) return;
      shown = run?.verdict ?? "";
      put(verdict, verdictBadge(run?.verdict ?? null));
    },
  };
}

/**
 * The buttons of a task. Start and Stop never take each other's place: a click that comes late must not
 * do the opposite.
 *
 * @param {string} id
 * @param {import("../../app.js").Context} context
 * @param {() => Promise<void>} reload
 */
function actions(id, context, reload) {
  const said = h("div.said");
  /** @type {any} */
  let task = null;
  const act = (/** @type {() => Promise<any>} */ work) => async (/** @type {Event} */ event) => {
    const button = /** @type {HTMLButtonElement} */ (event.currentTarget);
    button.disabled = true;
    put(said);
    try {
      await work();
    } catch (error) {
      put(said, problem(error));
    }
    button.disabled = false;
    if (task !== null) show();
  };
  const button = (/** @type {string} */ name, /** @type {string} */ text, /** @type {(event: Event) => void} */ work, kind = "") =>
    h(`button.small${kind}`, { type: "button", "data-act": name, onclick: work }, text);
  const begin = button("start", t.start, act(async () => context.go(`#/runs/${encodeURIComponent((await post(path`tasks/${id}/runs`)).id)}`)));
  const end = button("stop", t.stop, act(async () => { await post(path`runs/${task.last_run.id}/stop`); await reload(); }), ".danger");
  const again = button("clone", t.clone, () => context.go(`#/tasks/new?from=${encodeURIComponent(id)}`));
  const drop = button("delete", t.remove, () => askToDelete(task, context, reload));
  const runs = h("a.button.small", { "data-act": "runs", href: `#/compare?task=${encodeURIComponent(id)}` }, t.runs);
  const missing = context.can("operator") ? "" : needs("operator");
  const show = () => {
    const isActive = ACTIVE.includes(task.last_run?.state);
    const isStopping = isActive && task.last_run.stopping !== null;
    lock(begin, missing || (isActive ? t.busy : ""));
    lock(end, missing);
    if (isStopping) end.setAttribute("disabled", "");
    say(end, isStopping ? t.stopping : t.stop);
    end.classList.toggle("absent", !isActive);
    for (const one of [again, drop]) lock(one, missing);
    for (const one of [begin, end, again, drop, runs]) one.setAttribute("aria-label", fill(t.of, { what: one.textContent ?? "", name: task.name }));
  };
  return {
    element: h("td.actions", null, h("div.row", null, begin, end, again, runs, drop), said),
    /** @param {any} given */
    set(given) {
      task = given;
      show();
    },
  };
}

/** @param {any} task @param {import("../../app.js").Context} context @param {() => Promise<void>} reload */
function askToDelete(task, context, reload) {
  const work = async () => {
    await remove(path`tasks/${task.id}`);
    await reload();
  };
  ask({ title: fill(t.sure, { name: task.name }), text: t.keeps, action: t.remove, work, signal: context.signal });
}
