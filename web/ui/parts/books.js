// The books: where every planned request went, and that the sums hold.

import { h } from "../dom.js";
import { count } from "../format.js";
import { texts } from "../i18n.js";
import { classText, notSentText } from "./classes.js";

const t = texts({
  title: ["Books", "账目"],
  balanced: ["✓ Every planned request is accounted for", "✓ 每个计划请求都有去向"],
  open: ["✗ The books do not balance: do not use these numbers", "✗ 账目不平：请勿使用这些数据"],
  planned: ["planned", "计划"],
  sent: ["sent", "已发送"],
  completed: ["completed", "已完成"],
  unexpected: ["of them unexpected", "其中非预期"],
  flight: ["in flight at stop", "停止时在途"],
  lost: ["lost with an agent", "随执行机丢失"],
});

/** @param {HTMLElement} root @param {any} report */
export function showBooks(root, { books }) {
  const row = (/** @type {string} */ sign, /** @type {string} */ label, /** @type {number} */ value, /** @type {string} */ name) =>
    h(`tr${sign === "" ? ".sum" : ""}`, { "data-book": name },
      h("td.sign", null, sign), h("th", { scope: "row" }, label), h("td.number", null, count(value)));
  const errors = Object.entries(books.errors).filter(([name]) => name !== "unexpected");
  const rows = [
    row("", t.planned, books.planned, "planned"),
    row("=", t.sent, books.sent, "sent"),
    ...Object.entries(books.not_sent).map(([name, value]) => row("+", notSentText(name), Number(value), `not_sent.${name}`)),
    row("", t.sent, books.sent, "sent-again"),
    row("=", t.completed, books.completed, "completed"),
    ...errors.map(([name, value]) => row("+", classText(name), Number(value), `errors.${name}`)),
    books.in_flight_at_stop > 0 && row("+", t.flight, books.in_flight_at_stop, "in_flight_at_stop"),
    books.lost_with_agent > 0 && row("+", t.lost, books.lost_with_agent, "lost_with_agent"),
    books.errors.unexpected > 0 && row("·", t.unexpected, books.errors.unexpected, "unexpected"),
  ];
  root.append(h("section.card", { id: "books", "data-balanced": String(books.balanced) },
    h("h2", null, t.title),
    h(`p.${books.balanced ? "good" : "bad"}`, null, books.balanced ? t.balanced : t.open),
    h("table.books", null, h("tbody", null, rows))));
}
