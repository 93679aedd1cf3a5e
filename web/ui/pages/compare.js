// Compares runs: without runs in the address they are chosen here, with `?runs=a,b` they are shown side
// by side, the first one as the baseline. The address has all that is shown: it can be passed on.

import { get } from "../api.js";
import { h, put } from "../dom.js";
import { texts } from "../i18n.js";
import { comparison } from "../parts/comparison.js";
import { Picker } from "../parts/picker.js";
import { problem } from "../parts/problem.js";

const t = texts({
  title: ["Compare", "对比"],
  heading: ["Compare runs", "对比运行"],
  others: ["Choose other runs", "选择其他运行"],
  loading: ["Comparing …", "正在对比…"],
});

const RUNS_MAX = 4;
const AGAIN_MS = 2000;
/** Hours of seconds are drawn again a thousand times. */
const LIMIT_MS = 120_000;
/** Nobody has answered. */
const AWAY = 0;
/** Asked too much at once, or without its database. */
const BUSY = 503;

/** @param {string[]} runs  the baseline first */
const addressOf = (runs) => `#/compare?runs=${runs.map(encodeURIComponent).join(",")}`;

/** @param {import("../app.js").Context} context */
export async function mount(context) {
  context.title(t.title);
  const asked = (context.query.get("runs") ?? "").split(",").filter((id) => id !== "");
  const runs = [...new Set(asked)].slice(0, RUNS_MAX);
  await (runs.length < 2 ? pick(context, runs) : show(context, runs));
}

/** @param {import("../app.js").Context} context @param {string[]} chosen */
async function pick(context, chosen) {
  const picker = new Picker({
    task: context.query.get("task") ?? "",
    chosen,
    signal: context.signal,
    choose: (runs) => context.go(addressOf(runs)),
    keep: (task) => history.replaceState(null, "", task === "" ? "#/compare" : `#/compare?task=${encodeURIComponent(task)}`),
  });
  put(context.root, h("div.page-head", null, h("h1", null, t.heading)), picker.root);
  await untilAnswered(context.signal, picker.said, () => picker.load());
}

/** @param {import("../app.js").Context} context @param {string[]} runs */
async function show(context, runs) {
  const { root, signal } = context;
  const said = h("div");
  const body = h("div", { id: "comparison", "aria-busy": "true" }, h("p.empty", null, t.loading));
  const others = h("a.button", { id: "others", href: "#/compare" }, t.others);
  put(root, h("div.page-head", null, h("h1", null, t.heading), h("span.grow"), others), said, body);
  const query = runs.map((run, at) => `${"abcd"[at]}=${encodeURIComponent(run)}`).join("&");
  const found = await untilAnswered(signal, said, () => get(`compare?${query}`, signal, LIMIT_MS));
  body.removeAttribute("aria-busy");
  put(body);
  if (found === null) return;
  const made = comparison(found, { signal, choose: (chosen) => context.go(addressOf(chosen)) });
  put(body, made.root);
  made.draw();
}

/**
 * What `ask` answers. While control is away or busy it is asked again; what control refuses is said, and null.
 *
 * @template T
 * @param {AbortSignal} signal
 * @param {HTMLElement} said
 * @param {() => Promise<T>} ask
 * @returns {Promise<T | null>}
 */
async function untilAnswered(signal, said, ask) {
  while (!signal.aborted) {
    try {
      const answer = await ask();
      put(said);
      return answer;
    } catch (error) {
      if (signal.aborted) return null;
      put(said, problem(error));
      if (![AWAY, BUSY].includes(/** @type {any} */ (error).status)) return null;
    }
    await new Promise((done) => setTimeout(done, AGAIN_MS));
  }
  return null;
}
