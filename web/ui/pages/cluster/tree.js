// The coordinator's tree, read only: a node is read when it is opened.

import { get } from "../../api.js";
import { h, put } from "../../dom.js";
import { fill, texts } from "../../i18n.js";
import { problem } from "../../parts/problem.js";

const t = texts({
  title: ["Coordinator's tree", "协调服务节点树"],
  about: ["What is kept about agents and runs, as it is when you open a node. It can only be read.", "协调服务中保存的执行机与运行信息，展开节点时读取，只读。"],
  ephemeral: ["goes with its session", "临时节点"],
  version: ["version {n}", "版本 {n}"],
  empty: ["no data", "无数据"],
  gone: ["It is not there any more.", "节点已不存在。"],
});

/** @param {AbortSignal} signal */
export function tree(signal) {
  return h("section.card.tree", { "aria-labelledby": "tree-title" },
    h("h2", { id: "tree-title" }, t.title), h("p.muted", null, t.about), h("ul", { id: "tree" }, node("/", "/", signal)));
}

/** @param {string} path @param {string} name @param {AbortSignal} signal @returns {HTMLElement} */
function node(path, name, signal) {
  const inside = h("div.inside", { hidden: true });
  let asked = 0;
  const open = async () => {
    const isOpen = button.getAttribute("aria-expanded") === "true";
    button.setAttribute("aria-expanded", String(!isOpen));
    inside.hidden = isOpen;
    if (isOpen) return;
    const mine = (asked += 1);
    try {
      const found = await get(`cluster/tree?path=${encodeURIComponent(path)}`, signal);
      if (mine === asked) put(inside, ...content(path, found, signal));
    } catch (error) {
      const { status } = /** @type {any} */ (error);
      if (!signal.aborted) put(inside, status === 404 ? h("p.muted", null, t.gone) : problem(error));
    }
  };
  const button = h("button.node", { type: "button", "aria-expanded": "false", "data-path": path, onclick: open }, name);
  return h("li", null, button, inside);
}

/** @param {string} path @param {any} found @param {AbortSignal} signal */
function content(path, found, signal) {
  const facts = [fill(t.version, { n: found.version }), found.is_ephemeral ? t.ephemeral : null, found.data === "" ? t.empty : null];
  const below = path === "/" ? "" : path;
  return [
    h("p.muted.about", null, facts.filter((fact) => fact !== null).join(" · ")),
    found.data === "" ? null : h("pre", { tabindex: "0" }, pretty(found.data)),
    found.children.length === 0 ? null : h("ul", null, found.children.map((/** @type {string} */ child) => node(`${below}/${child}`, child, signal))),
  ];
}

/**
 * JSON is laid out, anything else is shown as it is: also JSON that would not come back the same, as
 * numbers do not that are too large for a browser.
 *
 * @param {string} data
 */
function pretty(data) {
  try {
    const value = JSON.parse(data);
    return JSON.stringify(value) === data ? JSON.stringify(value, null, 2) : data;
  } catch {
    return data;
  }
}
