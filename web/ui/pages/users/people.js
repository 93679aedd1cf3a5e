// People with a password and a role: list, make, change, delete.

import { get, path, remove, replace } from "../../api.js";
import { h, put, say } from "../../dom.js";
import { moment } from "../../format.js";
import { fill, texts } from "../../i18n.js";
import { ask } from "../../parts/dialog.js";
import { problem } from "../../parts/problem.js";
import { roleChoice } from "../../parts/role-choice.js";
import { roleText } from "../../parts/role.js";

const t = texts({
  title: ["People", "人员"],
  name: ["Name", "用户名"],
  role: ["Role", "角色"],
  made: ["Created", "创建时间"],
  actions: ["Actions", "操作"],
  add: ["Add or change a user", "添加或修改用户"],
  password: ["Password, 10 to 256 bytes; empty keeps the one they have", "密码（10–256 字节），留空则保持不变"],
  save: ["Save user", "保存用户"],
  saved: ["{name} is saved; their sessions have ended.", "{name} 已保存，其会话已结束。"],
  own: ["You change yourself: you will have to log in again.", "您正在修改自己的账号，保存后需要重新登录。"],
  change: ["Change", "修改"],
  remove: ["Delete", "删除"],
  of: ["{what} {name}", "{what} {name}"],
  sure: ["Delete the user {name}?", "删除用户 {name}？"],
  ends: ["Their sessions end. Their tasks and runs stay.", "其会话将结束，任务和运行记录会保留。"],
  me: ["you", "您"],
});

/** @param {import("../../app.js").Context} context */
export function people(context) {
  const { me, signal } = context;
  const body = h("tbody");
  const said = h("div", { id: "users-problem" });
  const form = editor(context, () => load());

  const row = (/** @type {any} */ user) => {
    const work = async () => { await remove(path`users/${user.name}`); await load(); };
    const drop = () => ask({ title: fill(t.sure, { name: user.name }), text: t.ends, action: t.remove, work, signal });
    const button = (/** @type {string} */ act, /** @type {string} */ text, /** @type {() => void} */ go) =>
      h("button.small", { type: "button", "data-act": act, "aria-label": fill(t.of, { what: text, name: user.name }), onclick: go }, text);
    return h("tr", { "data-user": user.name },
      h("th", { scope: "row" }, user.name, user.name === me.name && h("span.muted", null, ` (${t.me})`)),
      h("td", null, roleText(user.role)), h("td", null, moment(user.created_unix_us)),
      h("td", null, h("div.row", null, button("change", t.change, () => form.edit(user)), button("delete", t.remove, drop))));
  };
  const load = async () => {
    const { users } = await get("users", signal);
    put(said);
    put(body, users.map(row));
  };
  load().catch((error) => { if (!signal.aborted) put(said, problem(error)); });
  const head = [t.name, t.role, t.made, t.actions].map((text) => h("th", { scope: "col" }, text));
  return h("section.card", { "aria-labelledby": "people-title" },
    h("h2", { id: "people-title" }, t.title), said,
    h("div.scroll", { tabindex: "0", role: "region", "aria-label": t.name }, h("table", { id: "users-table" }, h("thead", null, h("tr", null, head)), body)),
    form.element);
}

/** The form for a user, new or not. @param {import("../../app.js").Context} context @param {() => Promise<void>} reload */
function editor({ me }, reload) {
  const input = (/** @type {Record<string, any>} */ attributes) => /** @type {HTMLInputElement} */ (h("input", attributes));
  const name = input({ id: "user-name", required: true, maxlength: "64", autocomplete: "off", autocapitalize: "none", spellcheck: "false", oninput: () => warn() });
  const password = input({ id: "user-password", type: "password", autocomplete: "new-password", maxlength: "256" });
  const role = roleChoice({ id: "user-role" }, "viewer");
  const said = h("div", { id: "user-said", role: "status" });
  const own = h("p.warn", { id: "user-own", hidden: true }, t.own);
  const warn = () => { own.hidden = name.value !== me.name; };
  const save = async (/** @type {Event} */ event) => {
    event.preventDefault();
    put(said);
    try {
      const { value } = name;
      await replace(path`users/${value}`, { role: role.value, ...(password.value === "" ? {} : { password: password.value }) });
      for (const field of [name, password]) field.value = "";
      warn();
      await reload();
      put(said, h("p.good", null, fill(t.saved, { name: value })));
    } catch (error) {
      put(said, problem(error));
    }
  };
  const field = (/** @type {string} */ text, /** @type {HTMLElement} */ of) => h("label.field", null, h("span", null, text), of);
  return {
    element: h("form.user-form", { id: "user-form", onsubmit: save }, h("h3", null, t.add),
      h("div.row.bottom", null, field(t.name, name), field(t.role, role), field(t.password, password), h("button.primary", { id: "user-save" }, t.save)), own, said),
    /** @param {any} user */
    edit(user) {
      name.value = user.name;
      role.value = user.role;
      warn();
      say(said, "");
      role.focus();
    },
  };
}
