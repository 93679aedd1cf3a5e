// Data: files that requests can be made from, and which agents have them.

import { every, get } from "../api.js";
import { h, put } from "../dom.js";
import { bytes, count, moment } from "../format.js";
import { texts } from "../i18n.js";
import { pager } from "../parts/pager.js";
import { problem } from "../parts/problem.js";

const t = texts({
  title: ["Data sets", "数据集"],
  list: ["Data sets", "数据集列表"],
  name: ["Name", "名称"],
  version: ["Version", "版本"],
  format: ["Format", "格式"],
  size: ["Size", "大小"],
  lines: ["Lines", "行数"],
  hash: ["SHA-256", "SHA-256"],
  made: ["Created", "创建时间"],
  by: ["By", "创建人"],
  agents: ["Agents that have it", "已有该数据的执行机"],
  none: ["There are no data sets", "没有数据集"],
  about: [
    "A data set will be a file of requests or values, checked by its hash and kept by agents, so that a plan can send something else each time.",
    "数据集将是一份请求或参数文件：按哈希校验、由执行机缓存，使计划每次发送不同的内容。",
  ],
  today: [
    "This version cannot upload or use them yet: every run sends one request, the one in its plan. A plan that asks for a data file is refused when it is checked.",
    "当前版本尚不支持上传或使用数据集：每个运行只发送计划中的那一个请求；引用数据文件的计划会在检查时被拒绝。",
  ],
  next: ["Describe the request in a task", "在任务中填写请求"],
});

const REFRESH_MS = 5000;
const SIZE = 50;

/** @param {import("../app.js").Context} context */
export function mount({ root, signal, title }) {
  title(t.title);
  const said = h("div", { id: "data-problem" });
  const place = h("div", { id: "datasets" });
  let shown = "";
  let offset = 0;
  const fail = (/** @type {any} */ error) => { if ((error.status !== 0 || shown === "") && !signal.aborted) put(said, problem(error)); };
  const pages = pager("datasets", SIZE, (from) => { offset = from; load().catch(fail); });
  put(root, h("div.page-head", null, h("h1", null, t.title)), said, place, pages.element);
  const load = async () => {
    if (document.hidden) return;
    const from = offset;
    const { datasets, total } = await get(`datasets?limit=${SIZE}&offset=${from}`, signal);
    if (from !== offset || signal.aborted) return;
    put(said);
    pages.set(from, datasets.length, total);
    const now = JSON.stringify(datasets);
    if (now !== shown) put(place, datasets.length === 0 ? nothing() : table(datasets));
    shown = now;
  };
  every(REFRESH_MS, signal, load, fail);
}

function nothing() {
  return h("div.card.empty", { id: "data-empty" }, h("h2", null, t.none), h("p", null, t.about), h("p", null, t.today),
    h("a.button", { href: "#/tasks/new" }, t.next));
}

/** @param {any[]} datasets */
function table(datasets) {
  const head = [t.name, t.version, t.format, t.size, t.lines, t.hash, t.made, t.by, t.agents];
  const isNumber = [t.version, t.size, t.lines];
  return h("div.scroll.card", { tabindex: "0", role: "region", "aria-label": t.list },
    h("table", null,
      h("thead", null, h("tr", null, head.map((text) => h(isNumber.includes(text) ? "th.number" : "th", { scope: "col" }, text)))),
      h("tbody", null, datasets.map(line))));
}

/** @param {any} set */
function line(set) {
  return h("tr", { "data-dataset": set.name },
    h("th", { scope: "row" }, set.name),
    h("td.number", null, set.version),
    h("td", null, set.format),
    h("td.number", null, bytes(set.bytes)),
    h("td.number", null, count(set.lines)),
    h("td", { title: set.sha256 }, h("code", null, set.sha256.slice(0, 12))),
    h("td", null, moment(set.created_unix_us)),
    h("td", null, set.by),
    h("td", null, set.agents.join(", ") || "–"));
}
