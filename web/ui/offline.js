// A report as one file that was saved: shows the two documents that stand in it, as the page does.
// There is no server to ask and perhaps no storage: the language is in the address.

import { h, put } from "./dom.js";
import { moment } from "./format.js";
import { fill, language, texts } from "./i18n.js";
import { problem } from "./parts/problem.js";
import { showReport } from "./parts/report.js";

const t = texts({
  skip: ["Skip to the report", "跳到报告"],
  report: ["Report", "报告"],
  other: ["中文", "English"],
  saved: ["Run {run}, started {moment}. This file needs no server.", "运行 {run}，开始于 {moment}。本文件无需服务器即可查看。"],
  broken: ["This file is damaged: {why}", "文件已损坏：{why}"],
  hint: ["download the report again", "请重新下载报告"],
});

/**
 * A document of this file.
 *
 * @param {string} id
 * @returns {any}
 */
function read(id) {
  const text = document.getElementById(id)?.textContent;
  if (!text) throw new Error(fill(t.broken, { why: id }));
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(fill(t.broken, { why: `${id}: ${/** @type {Error} */ (error).message}` }));
  }
}

/** @param {HTMLElement} root */
function show(root) {
  const [report, series] = [read("report"), read("columns")];
  const name = report.run.name || t.report;
  document.title = `${name} · acp`;
  const saved = fill(t.saved, { run: report.run.id, moment: moment(report.run.started_unix_us) });
  const body = h("div");
  put(root, h("div.page-head", null, h("h1", { id: "title" }, name)), h("p.muted", { id: "saved" }, saved), body);
  showReport(body, { report, series, signal: new AbortController().signal });
}

function start() {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  const [other, tag] = language === "zh" ? ["en", "en"] : ["zh", "zh-CN"];
  const root = h("div.page");
  document.body.append(
    h("a.skip", { href: "#page" }, t.skip),
    h("header.top", null, h("span.brand", null, "acp"), h("span.grow"), h("a.button.small", { id: "language", href: `?lang=${other}`, lang: tag }, t.other)),
    h("main", { id: "page", tabindex: "-1" }, root),
  );
  try {
    show(root);
  } catch (error) {
    put(root, problem({ message: /** @type {Error} */ (error).message, hint: t.hint }));
  }
}

start();
