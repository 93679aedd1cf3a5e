// What a reader may not do is shown all the same, disabled, with the reason.

import { h } from "../dom.js";
import { fill, texts } from "../i18n.js";

const ROLE = texts({
  viewer: ["viewer", "只读（viewer）"],
  operator: ["operator", "操作员（operator）"],
  admin: ["admin", "管理员（admin）"],
});

const t = texts({
  or: [" or ", "或"],
  needs: ["This needs the role {role}.", "需要{role}角色。"],
  note: ["You are logged in as {mine}: what is disabled here needs the role {role}.", "您的角色是{mine}：此页中不可用的操作需要{role}角色。"],
});

/** @param {string} role */
export const roleText = (role) => /** @type {Record<string, string>} */ (ROLE)[role] ?? role;

/** Why something cannot be done without a role. @param {string} role */
export const needs = (role) => fill(t.needs, { role: roleText(role) });

/**
 * The same as a sentence on top of a page; nothing where the reader has every role that it asks for.
 *
 * @param {{ me: { role: string }, can: (role: string) => boolean }} context
 * @param {...string} roles
 */
export function roleNote(context, ...roles) {
  const missing = roles.filter((role) => !context.can(role));
  if (missing.length === 0) return null;
  const role = missing.map(roleText).join(t.or);
  return h("p.remark", { id: "role-note" }, fill(t.note, { mine: roleText(context.me.role), role }));
}

/**
 * Disables a button, and says why.
 *
 * @param {Element} button
 * @param {string} reason  empty: it can be pressed
 */
export function lock(button, reason) {
  button.toggleAttribute("disabled", reason !== "");
  if (reason === "") button.removeAttribute("title");
  else button.setAttribute("title", reason);
}
