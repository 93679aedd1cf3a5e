// What was checked before a start: for each thing whether it is good, in a word, and what to do.

import { h, put } from "../dom.js";
import { texts } from "../i18n.js";

const NAMES = texts({
  target: ["Target allowed", "目标许可"],
  agents: ["Agents and cores", "执行机与核数"],
  ports: ["Ports", "端口"],
  sockets: ["Sockets", "套接字"],
  data: ["Data", "数据"],
});

const STATES = texts({
  good: ["good", "通过"],
  warning: ["warning", "注意"],
  bad: ["bad", "不满足"],
  unknown: ["unknown", "未知"],
});

/** State → class of its badge, and a sign that needs no colour. @type {Record<string, [string, string]>} */
const LOOKS = { good: ["good", "✓"], warning: ["warn", "!"], bad: ["bad", "✕"], unknown: ["plain", "?"] };

const t = texts({ title: ["Checks before a start", "启动前检查"] });

/** Rows for all that is checked, so that nothing moves when the answers come. */
export class Checks {
  constructor() {
    this.list = h("ul.checks", { id: "checks", "aria-label": t.title });
    this.element = h("div", null, h("h3", null, t.title), this.list);
    this.set([]);
  }

  /** @param {{ name: string, state: string, text: string, hint: string }[]} checks */
  set(checks) {
    const names = [...new Set([...Object.keys(NAMES), ...checks.map(({ name }) => name)])];
    put(this.list, names.map((name) => row(checks.find((check) => check.name === name) ?? { name, state: "unknown", text: "…", hint: "" })));
  }
}

/** @param {{ name: string, state: string, text: string, hint: string }} check */
function row({ name, state, text, hint }) {
  const [look, sign] = LOOKS[state] ?? LOOKS.unknown;
  const word = /** @type {Record<string, string>} */ (STATES)[state] ?? state;
  const title = /** @type {Record<string, string>} */ (NAMES)[name] ?? name;
  return h("li", { "data-check": name, "data-state": state },
    h(`span.badge.${look}`, null, h("span", { "aria-hidden": "true" }, `${sign} `), word),
    h("span.what", null, h("b", null, title), ` ${text}`, hint && h("span.hint", null, hint)));
}
