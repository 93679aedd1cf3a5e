// The frame around every page: navigation, who is logged in, and what runs.

import { get, post, unanswered } from "./api.js";
import { h, put } from "./dom.js";
import { language, setLanguage, texts } from "./i18n.js";
import { listen, showKeys } from "./parts/keys.js";
import { login } from "./parts/login.js";
import { problem } from "./parts/problem.js";
import { roleText } from "./parts/role.js";
import { Running } from "./parts/running.js";

const t = texts({
  skip: ["Skip to the page", "跳到正文"],
  pages: ["Pages", "页面导航"],
  tasks: ["Tasks", "任务"],
  run: ["Run", "运行"],
  compare: ["Compare", "对比"],
  cluster: ["Cluster", "集群"],
  data: ["Data", "数据"],
  monitor: ["Monitor", "监控"],
  users: ["Users", "用户"],
  keys: ["Keys", "快捷键"],
  logout: ["Log out", "退出"],
  gone: ["There is no such page", "没有这个页面"],
  back: ["To the tasks", "返回任务列表"],
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

/** How long until control is asked again. */
const AGAIN_MS = 1000;
/** A page takes less to come. */
const SLOW_MS = 5000;
const ROLES = ["viewer", "operator", "admin"];

/** First part of the address → module, and whether the navigation has it. */
const PAGES = [
  { name: "tasks", file: (/** @type {string[]} */ rest) => (rest.length > 0 ? "edit" : "tasks"), label: t.tasks, inNav: true },
  { name: "runs", file: () => "run", label: t.run, inNav: false },
  { name: "compare", file: () => "compare", label: t.compare, inNav: true },
  { name: "cluster", file: () => "cluster", label: t.cluster, inNav: true },
  { name: "data", file: () => "data", label: t.data, inNav: true },
  { name: "monitor", file: () => "monitor", label: t.monitor, inNav: true },
  { name: "users", file: () => "users", label: t.users, inNav: true },
];

let me = { name: "", role: "viewer", auth: false };
const can = (/** @type {string} */ role) => ROLES.indexOf(me.role) >= ROLES.indexOf(role);

const nav = h("nav", { id: "nav", "aria-label": t.pages });
const who = h("div.who");
const main = h("main", { id: "page", tabindex: "-1" });
const running = new Running(can);
let current = new AbortController();

async function start() {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  document.body.append(
    h("a.skip", { href: "#page", onclick: skip }, t.skip),
    h("header.top", null, h("a.brand", { href: "#/tasks" }, "acp"), nav, who, running.away),
    main,
    running.bar,
  );
  addEventListener("hashchange", () => route(true));
  document.addEventListener("acp-login", askForLogin);
  listen();
  await greet();
  running.start(new AbortController().signal);
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
    setTimeout(greet, AGAIN_MS);
    return;
  }
  showWho(me.auth);
  running.bar.hidden = false;
  await route(false);
}

/** @param {boolean} isIn  logged in */
function showWho(isIn) {
  const other = language === "zh" ? { code: "en", lang: "en", label: "English" } : { code: "zh", lang: "zh-CN", label: "中文" };
  put(
    who,
    isIn && h("span.muted.me", { id: "me", title: roleText(me.role) }, me.name),
    h("button.small", { type: "button", id: "keys", title: t.keys, "aria-label": t.keys, onclick: showKeys }, "?"),
    h("button.small", { type: "button", id: "language", lang: other.lang, onclick: () => setLanguage(other.code) }, other.label),
    isIn && h("button.small", { type: "button", id: "logout", onclick: logout }, t.logout),
  );
}

async function logout() {
  try {
    await post("logout");
  } catch (error) {
    put(main, problem(error));
    return;
  }
  location.reload();
}

function askForLogin() {
  current.abort();
  put(nav);
  showWho(false);
  // What runs is not known to who is not logged in.
  running.bar.hidden = true;
  login(main, greet);
}

/** The address as the name of a page, what is behind it, and its query. */
function address() {
  const [where, query] = location.hash.replace(/^#\/?/, "").split("?");
  const parts = (where || "tasks").split("/").filter((part) => part !== "");
  return { name: decode(parts[0] ?? "tasks"), params: parts.slice(1).map(decode), query: new URLSearchParams(query ?? "") };
}

/** What somebody typed may be no text at all. @param {string} part */
function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Shows the page of the address. @param {boolean} isMove  the reader came from another one */
async function route(isMove) {
  const { name, params, query } = address();
  const page = PAGES.find((one) => one.name === name);
  current.abort();
  current = new AbortController();
  const { signal } = current;
  showNav(name);
  const root = h("div.page", { "data-page": name });
  put(main, root);
  scrollTo(0, 0);
  if (isMove) main.focus({ preventScroll: true });
  const title = (/** @type {string} */ text) => { if (!signal.aborted) document.title = `${text} · acp`; };
  if (page === undefined) {
    title(t.gone);
    put(root, h("h1", null, t.gone), h("p.empty", null, h("a", { href: "#/tasks" }, t.back)));
    return;
  }
  title(page.label);
  /** @type {Context} */
  const context = {
    root, params, query, signal, me, can, title,
    show: (run) => { if (!signal.aborted) running.want(run); },
    go: (hash) => { location.hash = hash; },
  };
  try {
    const module = await load(page.file(params), root, signal);
    if (!signal.aborted) await module.mount(context);
  } catch (error) {
    if (!signal.aborted) root.append(problem(error));
  }
}

/**
 * The module of a page, as soon as control gives it out. A browser remembers for an address that it could
 * not be loaded: every further try has another one.
 *
 * @param {string} file
 * @param {HTMLElement} root
 * @param {AbortSignal} signal
 */
async function load(file, root, signal) {
  const said = h("div", { id: "page-away" });
  root.append(said);
  const tell = () => { if (said.childElementCount === 0) put(said, problem(unanswered())); };
  // A control that hangs does not refuse: it says nothing.
  const slow = setTimeout(tell, SLOW_MS);
  for (let turn = 0; !signal.aborted; turn += 1) {
    try {
      const module = await import(`./pages/${file}.js${turn === 0 ? "" : `?again=${turn}`}`);
      clearTimeout(slow);
      said.remove();
      return module;
    } catch {
      tell();
      await new Promise((done) => setTimeout(done, AGAIN_MS));
    }
  }
  return null;
}

/** @param {string} name */
function showNav(name) {
  const pages = PAGES.filter((page) => page.inNav && (page.name !== "users" || (me.auth && can("admin"))));
  const open = name === "runs" ? "tasks" : name;
  put(nav, pages.map((page) => h("a", { href: `#/${page.name}`, "data-page": page.name, "aria-current": page.name === open ? "page" : null }, page.label)));
  nav.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
}

start();
