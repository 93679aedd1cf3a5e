// The page of one task: its plan as form and as text, what a run of it would be, and the buttons.
//
//   #/tasks/new   #/tasks/new?from=ID   #/tasks/new?run=ID   #/tasks/ID

import { every, get, isAway, path, post, remove, replace } from "../api.js";
import { h, put } from "../dom.js";
import { fill, texts } from "../i18n.js";
import { Checks } from "../parts/checks.js";
import { dropDraft, keepDraft, readDraft } from "../parts/draft.js";
import { forecast } from "../parts/forecast.js";
import { isSame, newPlan } from "../parts/plan.js";
import { PlanForm } from "../parts/plan-form.js";
import { PlanSync } from "../parts/plan-sync.js";
import { PlanText } from "../parts/plan-text.js";
import { problem } from "../parts/problem.js";
import { Schedule } from "../parts/schedule.js";
import { TaskActions } from "../parts/task-actions.js";

/**
 * @typedef {import("../app.js").Context} Context
 * @typedef {import("../parts/plan.js").Plan} Plan
 * @typedef {import("../parts/plan-sync.js").Check} Check
 * @typedef {{ id: string, name: string, plan: Plan, updated_unix_us: number }} Task
 */

const t = texts({
  noUrl: ["no URL yet", "尚未填写 URL"],
  new: ["New task", "新建任务"],
  edit: ["Task {name}", "任务 {name}"],
  copy: ["{name} (copy)", "{name}（副本）"],
  forecast: ["What would happen", "运行预览"],
  toml: ["Plan as text", "文本格式的计划"],
  running: ["Running now with the plan it was started with; what is saved here is for the next start.", "正在运行，本次运行沿用启动时的计划；此处保存的内容从下次启动起生效。"],
  toRun: ["To the run", "查看运行"],
  restored: ["Your unsaved changes were brought back.", "已恢复未保存的修改。"],
  restoredOld: ["Your unsaved changes were brought back. The task was saved by somebody since.", "已恢复未保存的修改。在此期间该任务已被他人保存。"],
  discard: ["Discard them", "放弃修改"],
  keep: ["Keep them", "保留"],
  readOnly: ["You may look at this task; changing and starting it needs the role operator.", "您可以查看该任务；修改和启动需要 operator 角色。"],
  noForecast: ["What would happen is worked out for the role operator only.", "运行预览仅对 operator 角色提供。"],
  broken: ["the text cannot be read", "文本无法解析"],
  brokenHint: ["correct the marked line, or go back to the last text that could be read", "请修改标出的行，或恢复到最近一次可读的内容"],
  marked: ["a value cannot be saved as it is", "有一处取值无法按原样保存"],
  markedHint: ["correct what is marked", "请修改标出的内容"],
  unchecked: ["the text could not be checked", "文本尚未检查"],
  uncheckedHint: ["nothing was saved; try again when control answers", "未保存任何内容，请在控制端恢复后重试"],
});

const RUNNING_MS = 3000;
/** Agents come and go, other runs take cores: what would happen changes by itself. */
const REFRESH_MS = 10_000;

/** @param {Context} context */
export async function mount(context) {
  const id = context.params[0] === "new" ? null : context.params[0];
  context.title(id === null ? t.new : fill(t.edit, { name: "…" }));
  const { where, draft } = source(id, context.query);
  const found = where === null ? null : await load(context, where);
  if (context.signal.aborted) return;
  if (id !== null) new Edit(context, found, found.plan, draft).begin();
  else new Edit(context, null, found === null ? newPlan() : copyOf(found.plan), draft).begin();
}

/**
 * Where the plan is: in a task, or in a run whose task may be gone; and the name of what is kept of it unsaved.
 *
 * @param {string | null} id  of the task that is edited
 * @param {URLSearchParams} query
 * @returns {{ where: string | null, draft: string }}
 */
function source(id, query) {
  const [from, run] = [query.get("from"), query.get("run")];
  if (id !== null) return { where: path`tasks/${id}`, draft: id };
  if (from !== null) return { where: path`tasks/${from}`, draft: `new.${from}` };
  if (run !== null) return { where: path`runs/${run}`, draft: `new.run.${run}` };
  return { where: null, draft: "new" };
}

/** @param {Plan} plan */
const copyOf = (plan) => ({ ...plan, name: plan.name ? fill(t.copy, { name: plan.name }) : "" });

/**
 * The task or the run, as soon as control answers.
 *
 * @param {Context} context
 * @param {string} where
 * @returns {Promise<any>}
 */
async function load({ root, signal }, where) {
  while (!signal.aborted) {
    try {
      return await get(where, signal);
    } catch (error) {
      if (signal.aborted || !isAway(error)) throw error;
      put(root, problem(error));
      await new Promise((done) => setTimeout(done, 1000));
    }
  }
  return null;
}

class Edit {
  /**
   * @param {Context} context
   * @param {Task | null} task  as it is saved; null: not yet
   * @param {Plan} plan
   * @param {string} draft  name of what is kept of it unsaved
   */
  constructor(context, task, plan, draft) {
    this.context = context;
    this.task = task;
    this.draft = draft;
    this.isReadOnly = !context.can("operator");
    this.form = new PlanForm((edits) => { this.actions.forget(); this.sync.editForm(edits); });
    this.text = new PlanText({ changed: (text) => { this.actions.forget(); this.sync.editText(text); }, back: () => this.sync.dropText() });
    this.sync = new PlanSync(plan, {
      form: (shown, isKept) => this.form.set(shown, isKept),
      text: (text, shown) => this.text.offer(text, shown),
      answer: (answer) => this.answer(answer),
      failed: (error) => this.failed(error),
      changed: () => this.changed(),
    }, context.signal);
    this.actions = new TaskActions({
      save: async () => { await this.save(); },
      start: () => this.start(),
      clone: () => context.go(`#/tasks/new?from=${encodeURIComponent(this.task?.id ?? "")}`),
      remove: () => this.remove(),
      wrong: () => this.showWrong(),
    }, context.signal);
    this.schedule = new Schedule(context.signal);
    this.checks = new Checks();
    this.sentence = h("p", { id: "sentence" });
    this.refused = h("div", { id: "check-problem" });
    this.preview = h("section.card.preview", { id: "preview", "aria-labelledby": "preview-title" },
      h("h2", { id: "preview-title" }, t.forecast), this.refused, this.sentence, this.schedule.element, this.checks.element);
    this.folded = /** @type {HTMLDetailsElement} */ (h("details.card.toml", { id: "toml", open: true }, h("summary", null, h("h2", null, t.toml)), this.text.element));
    this.side = h("div.edit-side");
    this.title = h("h1", { id: "edit-title" });
    this.notes = h("div", { id: "edit-notes" });
    this.running = h("p.muted", { id: "task-running", role: "status" });
  }

  begin() {
    const { root, signal } = this.context;
    put(root, h("div.page-head", null, this.title, h("div.grow", null, this.running)), this.notes,
      h("div.edit", null, this.form.element, this.side), this.actions.element);
    root.classList.add("edit-page");
    this.arrange();
    // What is shown first is what is saved: it would take the place of the draft.
    const kept = readDraft(this.draft);
    this.name();
    this.form.set(this.sync.plan);
    if (this.isReadOnly) this.showReadOnly();
    else this.check(kept);
    addEventListener("beforeunload", (event) => { if (this.sync.isDirty) event.preventDefault(); }, { signal });
    every(RUNNING_MS, signal, () => this.showRunning(), () => {});
  }

  /**
   * Begins to ask what would happen, with what was left unsaved here before.
   *
   * @param {import("../parts/draft.js").Draft | null} kept
   */
  check(kept) {
    if (kept !== null && (kept.isTextNew || !isSame(kept.plan, this.sync.plan))) {
      this.restored(kept.updated_unix_us !== (this.task?.updated_unix_us ?? 0));
      this.text.set(kept.text);
      this.form.set(kept.plan);
      this.sync.restore(kept);
    } else {
      this.sync.later(0);
    }
    if (this.sync.plan.target?.url === "") document.getElementById("plan-target-url")?.focus();
    every(REFRESH_MS, this.context.signal, async () => { if (!document.hidden) this.sync.refresh(); }, () => {});
  }

  /** On a narrow page what would happen comes behind the load, and the text is folded away. */
  arrange() {
    const narrow = matchMedia("(max-width: 900px)");
    const place = () => {
      (narrow.matches ? this.form.slot : this.side).prepend(this.preview);
      this.folded.open = !narrow.matches;
    };
    this.side.append(this.folded);
    place();
    narrow.addEventListener("change", place, { signal: this.context.signal });
  }

  name() {
    const title = this.task === null ? t.new : fill(t.edit, { name: this.task.name });
    put(this.title, title);
    this.context.title(title);
    this.changed();
  }

  showReadOnly() {
    put(this.notes, h("p.card.muted", { id: "read-only" }, t.readOnly));
    put(this.refused, h("p.muted", null, t.noForecast));
    this.preview.classList.add("plain");
    this.form.lock(true);
    this.text.showJson(this.sync.plan);
    this.actions.show({ isReadOnly: true });
  }

  /** @param {boolean} isOld  whether the task is another one by now */
  restored(isOld) {
    const discard = h("button.small", { type: "button", id: "draft-discard", onclick: () => this.discard() }, t.discard);
    const keep = h("button.small", { type: "button", id: "draft-keep", onclick: () => put(this.notes) }, t.keep);
    put(this.notes, h("div.card.row", { id: "draft-restored", role: "status" }, h("span.grow", null, isOld ? t.restoredOld : t.restored), keep, discard));
  }

  /** Shows the task as it is saved. */
  discard() {
    put(this.notes);
    dropDraft(this.draft);
    const plan = this.sync.saved;
    this.form.set(plan);
    this.sync.restore({ plan, text: "", isTextNew: false, isTextOld: true });
  }

  changed() {
    const { sync } = this;
    const isNew = this.task === null;
    if (!this.isReadOnly) {
      if (sync.isDirty) keepDraft(this.draft, { ...sync.kept, updated_unix_us: this.task?.updated_unix_us ?? 0 });
      else dropDraft(this.draft);
    }
    this.preview.setAttribute("aria-busy", String(sync.isBusy));
    this.actions.show({ isNew, isDirty: sync.isDirty });
  }

  /** @param {Check} answer */
  answer(answer) {
    const { isTextBroken } = this.sync;
    put(this.refused);
    this.form.markStale(isTextBroken);
    // What is wrong with the text is said there, all else at the fields.
    this.text.complain(isTextBroken ? answer.problems : [], { isBroken: isTextBroken, isOld: answer.plan === null });
    // Nobody has typed anything yet: that there is no URL is no mistake.
    const isUntouched = this.task === null && !this.sync.isDirty;
    this.form.complain(isTextBroken ? [] : answer.problems.filter(({ place }) => !(isUntouched && place === "target.url")));
    this.actions.show({ isAway: false, wrong: this.form.wrong() + (isTextBroken ? 1 : 0) });
    this.preview.setAttribute("data-good", String(answer.is_good));
    this.checks.set(answer.checks.map((check) => (isUntouched && check.name === "target" ? { ...check, state: "unknown", text: t.noUrl, hint: "" } : check)));
    // There is no picture of half a number: the last one stays, marked as old.
    const isUnknown = answer.plan === null || (answer.model !== "closed" && answer.schedule.length === 0);
    this.preview.classList.toggle("stale", isUnknown);
    if (!isUnknown) this.schedule.set(answer.schedule, answer.model === "closed");
    if (answer.plan === null) return;
    put(this.sentence, forecast(answer));
  }

  /** @param {any} error */
  failed(error) {
    const isAway = error.status === 0;
    this.actions.show({ isAway });
    if (!isAway) put(this.refused, problem(error));
  }

  showWrong() {
    if (!this.sync.isTextBroken) {
      this.form.showFirst();
      return;
    }
    this.folded.open = true;
    (document.getElementById("plan-toml-place") ?? this.text.area).focus();
  }

  /**
   * Saves what is shown.
   *
   * @param {boolean} [isForced]  whatever was saved meanwhile
   * @returns {Promise<boolean>} whether it is saved
   */
  async save(isForced = false) {
    const { sync } = this;
    await sync.settled();
    if (sync.isTextBroken) throw { message: t.broken, hint: t.brokenHint };
    if (this.form.own().length > 0) {
      this.form.showFirst();
      throw { message: t.marked, hint: t.markedHint };
    }
    if (sync.isTextNew) throw { message: t.unchecked, hint: t.uncheckedHint };
    const { plan } = sync;
    const before = this.task;
    if (before !== null && !isForced && (await this.isConflict(before))) return false;
    try {
      const saved = await (before === null ? post("tasks", { plan }) : replace(path`tasks/${before.id}`, { plan }));
      this.saved(plan, saved);
    } catch (error) {
      if (this.form.wrong() > 0) this.form.showFirst();
      throw error;
    }
    return true;
  }

  /** @param {Task} before */
  async isConflict(before) {
    const now = await get(path`tasks/${before.id}`);
    if (now.updated_unix_us === before.updated_unix_us) return false;
    this.actions.conflict({
      force: async () => { await this.save(true); },
      theirs: () => {
        this.task = now;
        this.sync.saved = now.plan;
        put(this.actions.said);
        this.name();
        this.discard();
      },
    });
    return true;
  }

  /** @param {Plan} sent @param {Task} saved */
  saved(sent, saved) {
    const wasNew = this.task === null;
    dropDraft(this.draft);
    put(this.notes);
    this.task = saved;
    this.draft = saved.id;
    this.sync.setSaved(sent, saved.plan);
    this.name();
    // The page stays as it is; a reload finds the task.
    if (wasNew && !this.context.signal.aborted) history.replaceState(null, "", `#/tasks/${encodeURIComponent(saved.id)}`);
  }

  async start() {
    await this.sync.settled();
    if ((this.task === null || this.sync.isDirty) && !(await this.save())) return;
    const run = await post(path`tasks/${/** @type {any} */ (this.task).id}/runs`);
    if (!this.context.signal.aborted) this.context.go(`#/runs/${encodeURIComponent(run.id)}`);
  }

  async remove() {
    if (this.task === null) return;
    await remove(path`tasks/${this.task.id}`);
    // What was typed for it has nowhere to go.
    this.sync.saved = this.sync.plan;
    this.sync.isTextNew = false;
    dropDraft(this.draft);
    this.context.go("#/tasks");
  }

  async showRunning() {
    if (this.task === null || document.hidden) return;
    const { runs } = await get(`runs?task=${encodeURIComponent(this.task.id)}&state=active&limit=1`, this.context.signal);
    if (runs.length === 0) put(this.running);
    else if (this.running.childElementCount === 0) put(this.running, t.running, " ", h("a", { href: `#/runs/${encodeURIComponent(runs[0].id)}` }, t.toRun));
  }
}
