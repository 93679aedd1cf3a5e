// A field to choose a role in.

import { h } from "../dom.js";
import { texts } from "../i18n.js";
import { roleText } from "./role.js";

const t = texts({
  viewer: ["looks", "查看"],
  operator: ["looks, creates, starts, stops", "查看、创建、启动、停止"],
  admin: ["also agents, users, tokens", "另可管理执行机、用户、令牌"],
});

/** @param {Record<string, any>} attributes @param {string} role  that is chosen */
export function roleChoice(attributes, role) {
  const options = Object.entries(t).map(([name, text]) => h("option", { value: name, selected: name === role }, `${roleText(name)}: ${text}`));
  return /** @type {HTMLSelectElement} */ (h("select", attributes, options));
}
