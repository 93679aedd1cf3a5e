// The form that asks who one is. It is shown where control wants to know.

import { post } from "../api.js";
import { h, put } from "../dom.js";
import { texts } from "../i18n.js";
import { problem } from "./problem.js";

const t = texts({
  login: ["Log in", "登录"],
  about: ["This control asks who you are. An administrator gives you a name and a password.", "此控制端需要登录。用户名和密码由管理员提供。"],
  user: ["User", "用户名"],
  password: ["Password", "密码"],
});

/**
 * Shows the form in `root`, unless it is there: what is typed stays when another call is refused meanwhile.
 *
 * @param {HTMLElement} root
 * @param {() => Promise<void>} entered  logged in
 */
export function login(root, entered) {
  if (document.getElementById("login") !== null) return;
  document.title = `${t.login} · acp`;
  const field = (/** @type {Record<string, any>} */ attributes) =>
    /** @type {HTMLInputElement} */ (h("input", { required: true, autocapitalize: "none", spellcheck: "false", ...attributes }));
  const user = field({ id: "login-user", name: "user", autocomplete: "username" });
  const password = field({ id: "login-password", name: "password", type: "password", autocomplete: "current-password" });
  const said = h("div", { id: "login-problem" });
  const enter = h("button.primary", { id: "login-enter" }, t.login);
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    enter.setAttribute("disabled", "");
    put(said);
    try {
      await post("login", { user: user.value, password: password.value });
      await entered();
    } catch (error) {
      put(said, problem(error));
      password.select();
    } finally {
      enter.removeAttribute("disabled");
    }
  };
  put(
    root,
    h("form.card.login", { id: "login", onsubmit: submit }, h("h1", null, t.login), h("p.muted", null, t.about), said,
      h("label.field", null, h("span", null, t.user), user),
      h("label.field", null, h("span", null, t.password), password),
      enter),
  );
  user.focus();
}
