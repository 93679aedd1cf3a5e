// Users: who may do what, tokens of programs, and what was done. For administrators, where there is a login.

import { h, put } from "../dom.js";
import { texts } from "../i18n.js";
import { needs } from "../parts/role.js";
import { audit } from "./users/audit.js";
import { people } from "./users/people.js";
import { tokens } from "./users/tokens.js";

const t = texts({
  title: ["Users", "用户"],
  open: ["There is no login here", "未启用登录"],
  about: [
    "Whoever reaches this control is its administrator. It is served on this machine only, unless control is started with --set api.auth=true; then users and tokens are kept here.",
    "任何能访问此控制端的人都是管理员，因此默认仅限本机访问。使用 --set api.auth=true 启动控制端后，可在此管理用户和令牌。",
  ],
});

/** @param {import("../app.js").Context} context */
export function mount(context) {
  const { root, me, can } = context;
  context.title(t.title);
  const head = h("div.page-head", null, h("h1", null, t.title));
  if (!me.auth) put(root, head, h("div.card.empty", { id: "users-open" }, h("h2", null, t.open), h("p", null, t.about), h("pre", { tabindex: "0" }, "acp control --admin NAME\nacp control --set api.auth=true")));
  else if (!can("admin")) put(root, head, h("p.remark", { id: "role-note" }, needs("admin")));
  else put(root, head, people(context), tokens(context), audit(context));
}
