// The frame around every page: navigation, who is logged in, what runs and its Stop button.

import { get, post, path, every } from "./api.js";
import { h, put, say } from "./dom.js";
import { rate } from "./format.js";
import { fill, language, setLanguage, texts } from "./i18n.js";
import { stateText } from "./parts/badges.js";
import { problem } from "./parts/problem.js";

const t = texts({
  skip: ["Skip to the page", "跳到正文"],
  tasks: ["Tasks", "任务"],
  compare: ["Compare", "对比"],
  cluster: ["Cluster", "集群"],
  data: ["Data", "数据"],
  monitor: ["Monitor", "监控"],
  users: ["Users", "用户"],
  other: ["中文", "English"],
  logout: ["Log out", "退出"],
  login: ["Log in", "登录"],
  user: ["User", "用户名"],
  password: ["Password", "密码"],
  stop: ["Stop", "停止"],
  stopping: ["Stopping", "停止中"],
  nothing: ["Nothing is running", "当前没有运行中的任务"],
  more: ["and {n} more", "另有 {n} 个"],
  gone: ["There is no such page", "没有这个页面"],
});

/**
 * What a page gets. A page is a module with `mount(context)`; all it has begun ends with `signal`.
 *
 * @typedef {object} Context
 * @property {HTMLElement} root  where it shows itself
 * @property {string[]} params  parts of its address: `#/runs/ID` → `["ID"]`
 * @property {URLSearchParams} query  what is behind `?` in it
 * @property {AbortSignal} signal  aborted when the reader leaves the page
 * @property {{ name: string, role: string, auth: boolean }} me
 * @property {(role: string) => boolean} can  whether the reader has `viewer`, `operator` or `admin`
 * @property {(title: string) => void} title  names the page
 * @property {(run: string | null) => void} show  the run of the page: Stop is for it first
 * @property {(hash: string) => void} go  to another page
 */

const ROLES = ["viewer", "operator", "admin"];

/** First part of the address → module, and whether the navigation has it. */
const PAGES = [
  { name: "tasks", file: (/** @type {string[]} */ rest) => (rest.length > 0 ? "edit" : "tasks"), label: t.tasks },
  { name: "runs", file: () => "run", label: null },
  { name: "compare", file: () => "compare", label: t.compare },
  { name: "cluster", file: () => "cluster", label: t.cluster },
  { name: "data", file: () => "data", label: t.data },
  { name: "monitor", file: () => "monitor", label: t.monitor },
  { name: "users", file: () => "users", label: t.users },
];

let me = { name: "", role: "viewer", auth: false };
const can = (/** @type {string} */ role) => ROLES.indexOf(me.role) >= ROLES.indexOf(role);

const nav = h("nav", { "aria-label": "acp" });
const who = h("div.who");
const main = h("main", { id: "page", tabindex: "-1" });
const running = h("aside.running", { id: "running", "aria-label": t.stop });
let current = new AbortController();
/** The run that the page shows. @type {string | null} */
let shown = null;

async function start() {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  document.body.append(
    h("a.skip", { href: "#page", onclick: skip }, t.skip),
    h("header.top", null, h("a.brand", { href: "#/tasks" }, "acp"), nav, who),
    main,
    running,
  );
  addEventListener("hashchange", route);
  document.addEventListener("acp-login", askForLogin);
  await greet();
  every(1000, new AbortController().signal, showRunning, () => {});
}

/** @param {Event} event */
function skip(event) {
  event.preventDefault();
  main.focus();
}

/** Finds out who reads, then shows the page. Where control is away, it is asked until it is back. */
async function greet() {
  try {
    me = await get("me");
  } catch (error) {
    if (/** @type {any} */ (error).status === 401) return;
    put(main, problem(error));
    setTimeout(greet, 1000);
    return;
  }
  showWho();
  await route();
}

function showWho() {
  const change = h("button.small", { type: "button", id: "language", lang: language === "zh" ? "en" : "zh-CN", onclick: () => setLanguage(language === "zh" ? "en" : "zh") }, t.other);
  const out = h("button.small", { type: "button", id: "logout", onclick: logout }, t.logout);
  put(who, me.auth && h("span.muted", { id: "me" }, me.name), change, me.auth && out);
}

async function logout() {
  await post("logout");
  location.reload();
}

function askForLogin() {
  current.abort();
  put(nav);
  const user = h("input", { name: "user", autocomplete: "username", required: true });
  const password = h("input", { name: "password", type: "password", autocomplete: "current-password", required: true });
  const said = h("div");
  const enter = async (/** @type {Event} */ event) => {
    event.preventDefault();
    try {
      const [name, word] = [user, password].map((input) => /** @type {HTMLInputElement} */ (input).value);
      await post("login", { user: name, password: word });
      await greet();
    } catch (error) {
      put(said, problem(error));
    }
  };
  put(
    main,
    h("form.card.login", { id: "login", onsubmit: enter }, h("h1", null, t.login), said,
      h("label.field", null, h("span", null, t.user), user),
      h("label.field", null, h("span", null, t.password), password),
      h("button.primary", null, t.login)),
  );
  user.focus();
}

async function route() {
  const [where, query] = location.hash.replace(/^#\/?/, "").split("?");
  const [name, ...params] = (where || "tasks").split("/").map(decodeURIComponent);
  const page = PAGES.find((one) => one.name === name);
  current.abort();
  current = new AbortController();
  shown = null;
  showNav(name);
  const root = h("div.page");
  put(main, root);
  scrollTo(0, 0);
  if (page === undefined) {
    put(root, h("p.empty", null, t.gone));
    return;
  }
  const { signal } = current;
  /** @type {Context} */
  const context = {
    root, params, signal, me, can,
    query: new URLSearchParams(query ?? ""),
    title: (title) => { document.title = `${title} · acp`; },
    show: (run) => { if (!signal.aborted) shown = run; },
    go: (hash) => { location.hash = hash; },
  };
  context.title(page.label ?? "acp");
  try {
    const module = await import(`./pages/${page.file(params)}.js`);
    if (!signal.aborted) await module.mount(context);
  } catch (error) {
    if (!signal.aborted) root.append(problem(error));
  }
}

/** @param {string} name */
function showNav(name) {
  const pages = PAGES.filter((page) => page.label !== null && (page.name !== "users" || (me.auth && can("admin"))));
  const open = name === "runs" ? "tasks" : name;
  put(nav, pages.map((page) => h("a", { href: `#/${page.name}`, "aria-current": page.name === open ? "page" : null }, page.label)));
}

const stopButton = h("button.stop", { type: "button", id: "stop", onclick: stop }, t.stop);
const stopProblem = h("span.bad", { role: "alert" });
const what = h("span.what", { id: "running-what" });
/** The run that Stop is for. @type {string | null} */
let stoppable = null;

async function stop() {
  if (stoppable === null) return;
  stopButton.setAttribute("disabled", "");
  try {
    await post(path`runs/${stoppable}/stop`);
    say(stopProblem, "");
  } catch (error) {
    say(stopProblem, /** @type {Error} */ (error).message);
    stopButton.removeAttribute("disabled");
  }
}

async function showRunning() {
  if (document.hidden || document.getElementById("login") !== null) return;
  const { runs, total } = await get("runs?state=active&limit=20");
  const run = runs.find((/** @type {any} */ one) => one.id === shown) ?? runs[0];
  running.classList.toggle("idle", run === undefined);
  if (run === undefined) {
    stoppable = null;
    say(stopProblem, "");
    put(running, h("span.what.muted", null, t.nothing));
    return;
  }
  stoppable = run.id;
  const more = total > 1 ? ` · ${fill(t.more, { n: total - 1 })}` : "";
  put(what, h("a", { href: `#/runs/${encodeURIComponent(run.id)}` }, run.name), ` · ${stateText(run.state)}${more}`);
  say(stopButton, run.stopping === null ? t.stop : t.stopping);
  stopButton.toggleAttribute("disabled", run.stopping !== null || !can("operator"));
  if (stopButton.parentElement !== running) put(running, what, stopProblem, stopButton);
}

start();
