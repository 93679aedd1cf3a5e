// What was done, by whom, from where: newest first.

import { get } from "../../api.js";
import { h, put } from "../../dom.js";
import { moment } from "../../format.js";
import { texts } from "../../i18n.js";
import { pager } from "../../parts/pager.js";
import { problem } from "../../parts/problem.js";

const t = texts({
  title: ["What was done", "操作审计"],
  list: ["Table of what was done", "审计列表"],
  at: ["When", "时间"],
  by: ["Who", "操作人"],
  address: ["From", "来源地址"],
  action: ["What", "操作"],
  subject: ["To", "对象"],
  text: ["More", "说明"],
  none: ["Nothing was done yet. Whatever somebody changes is listed here.", "暂无记录。所有修改操作都会记录在此。"],
  again: ["Read again", "刷新"],
});

const SIZE = 50;

/** @param {import("../../app.js").Context} context */
export function audit({ signal }) {
  const body = h("tbody");
  const said = h("div", { id: "audit-problem" });
  const none = h("p.muted", { id: "audit-none", hidden: true }, t.none);
  let shown = 0;
  const load = async (/** @type {number} */ offset) => {
    try {
      const { records } = await get(`audit?limit=${SIZE}&offset=${offset}`, signal);
      put(said);
      if (records.length === 0 && offset > 0) {
        // The part before was full and the last one: there is nothing behind it.
        pages.set(offset, 0, offset);
      } else {
        pages.set(offset, records.length, null);
      }
      shown = offset;
      none.hidden = records.length > 0;
      put(body, records.map(row));
    } catch (error) {
      if (!signal.aborted) put(said, problem(error));
    }
  };
  const pages = pager("audit", SIZE, load);
  load(0);
  const head = [t.at, t.by, t.address, t.action, t.subject, t.text].map((text) => h("th", { scope: "col" }, text));
  return h("section.card", { "aria-labelledby": "audit-title" },
    h("div.page-head", null, h("h2", { id: "audit-title" }, t.title), h("span.grow"), h("button.small", { type: "button", id: "audit-again", onclick: () => load(shown) }, t.again)),
    said,
    h("div.scroll", { tabindex: "0", role: "region", "aria-label": t.list }, h("table", { id: "audit-table" }, h("thead", null, h("tr", null, head)), body)),
    none, pages.element);
}

/** @param {any} record */
function row(record) {
  return h("tr", { "data-action": record.action },
    h("td", null, moment(record.at_unix_us)), h("td", null, record.by), h("td", null, record.address),
    h("td", null, h("code", null, record.action)), h("td.subject", null, record.subject), h("td", null, record.text));
}
