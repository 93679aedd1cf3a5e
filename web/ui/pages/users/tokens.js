// Tokens of programs, and sessions of people: list, make, end. A secret is shown once.

import { get, path, post, remove } from "../../api.js";
import { h, put, say } from "../../dom.js";
import { moment } from "../../format.js";
import { fill, texts } from "../../i18n.js";
import { ask } from "../../parts/dialog.js";
import { problem } from "../../parts/problem.js";
import { roleChoice } from "../../parts/role-choice.js";
import { roleText } from "../../parts/role.js";

const t = texts({
  title: ["Tokens and sessions", "令牌与会话"],
  list: ["Table of tokens", "令牌列表"],
  name: ["Name", "名称"],
  role: ["Role", "角色"],
  made: ["Created", "创建时间"],
  ends: ["Ends", "到期时间"],
  never: ["never", "永不"],
  actions: ["Actions", "操作"],
  session: ["session of {user}", "{user} 的会话"],
  none: ["There are no tokens. A program needs one to use the API: make it below.", "没有令牌。程序调用 API 需要令牌，可在下方创建。"],
  add: ["Make a token for a program", "为程序创建令牌"],
  days: ["Days until it ends; empty: it does not", "有效天数，留空则永不过期"],
  create: ["Make token", "创建令牌"],
  once: ["This is the token. It is shown only now: copy it, and keep it where only the program can read it.", "这是令牌，仅显示一次。请立即复制，并妥善保存在仅该程序可读取的位置。"],
  use: ["Programs send it as “Authorization: Bearer TOKEN”, the command line as ACP_TOKEN.", "程序以 “Authorization: Bearer TOKEN” 发送，命令行使用 ACP_TOKEN。"],
  copy: ["Copy", "复制"],
  copied: ["Copied", "已复制"],
  select: ["It is selected: copy it with Ctrl+C", "已选中，请按 Ctrl+C 复制"],
  hide: ["Done", "完成"],
  end: ["End", "结束"],
  of: ["{what} {name}", "{what} {name}"],
  sure: ["End {name}?", "结束 {name}？"],
  after: ["Whoever uses it is refused from then on.", "此后使用它的请求将被拒绝。"],
});

/** What a token is called. @param {any} token */
const nameOf = (token) => (token.user === "" ? token.name : fill(t.session, { user: token.user }));

/** @param {import("../../app.js").Context} context */
export function tokens({ signal }) {
  const body = h("tbody");
  const said = h("div", { id: "tokens-problem" });
  const none = h("p.muted", { id: "tokens-none", hidden: true }, t.none);
  const load = async () => {
    const { tokens: list } = await get("tokens", signal);
    put(said);
    none.hidden = list.some((/** @type {any} */ token) => token.user === "");
    put(body, list.map((/** @type {any} */ token) => row(token, load, signal)));
  };
  load().catch((error) => { if (!signal.aborted) put(said, problem(error)); });
  const head = [t.name, t.role, t.made, t.ends, t.actions].map((text) => h("th", { scope: "col" }, text));
  return h("section.card", { "aria-labelledby": "tokens-title" },
    h("h2", { id: "tokens-title" }, t.title), said,
    h("div.scroll", { tabindex: "0", role: "region", "aria-label": t.list }, h("table", { id: "tokens-table" }, h("thead", null, h("tr", null, head)), body)),
    none, maker(load));
}

/** @param {any} token @param {() => Promise<void>} reload @param {AbortSignal} signal */
function row(token, reload, signal) {
  const name = nameOf(token);
  const work = async () => { await remove(path`tokens/${token.id}`); await reload(); };
  const end = () => ask({ title: fill(t.sure, { name }), text: t.after, action: t.end, work, signal });
  return h("tr", { "data-token": token.id },
    h("th", { scope: "row" }, name), h("td", null, roleText(token.role)), h("td", null, moment(token.created_unix_us)),
    h("td", null, token.expires_unix_us === null ? t.never : moment(token.expires_unix_us)),
    h("td", null, h("button.small", { type: "button", "data-act": "delete", "aria-label": fill(t.of, { what: t.end, name }), onclick: end }, t.end)));
}

/** @param {() => Promise<void>} reload */
function maker(reload) {
  const name = /** @type {HTMLInputElement} */ (h("input", { id: "token-name", required: true, maxlength: "100", autocomplete: "off" }));
  const role = roleChoice({ id: "token-role" }, "operator");
  const days = /** @type {HTMLInputElement} */ (h("input", { id: "token-days", type: "number", min: "1", max: "3650", step: "1", value: "90" }));
  const said = h("div", { id: "token-said" });
  const make = async (/** @type {Event} */ event) => {
    event.preventDefault();
    put(said);
    try {
      const until = days.value === "" ? {} : { days: Number(days.value) };
      const made = await post("tokens", { name: name.value, role: role.value, ...until });
      name.value = "";
      put(said, secret(made.secret, () => { put(said); name.focus(); }));
      await reload();
      said.scrollIntoView({ block: "nearest" });
    } catch (error) {
      said.append(problem(error));
    }
  };
  const field = (/** @type {string} */ text, /** @type {HTMLElement} */ of) => h("label.field", null, h("span", null, text), of);
  return h("form.user-form", { id: "token-form", onsubmit: make }, h("h3", null, t.add),
    h("div.row.bottom", null, field(t.name, name), field(t.role, role), field(t.days, days), h("button.primary", { id: "token-create" }, t.create)), said);
}

/** The token itself, until the reader says that it is kept. @param {string} text @param {() => void} done */
function secret(text, done) {
  const shown = /** @type {HTMLInputElement} */ (h("input.code", { id: "token-secret", readonly: true, value: text, "aria-label": t.title, onfocus: () => shown.select() }));
  const note = h("span.good", { role: "status" });
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      say(note, t.copied);
    } catch {
      // Browsers give the clipboard only to pages that came by HTTPS or from this machine.
      shown.select();
      say(note, t.select);
    }
  };
  return h("div.secret", { id: "token-made" }, h("p", { role: "alert" }, h("strong", null, t.once)), h("p.muted", null, t.use),
    h("div.row", null, shown, h("button", { type: "button", id: "token-copy", onclick: copy }, t.copy), h("button", { type: "button", id: "token-done", onclick: done }, t.hide), note));
}
