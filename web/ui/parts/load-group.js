// How much and for how long: open or closed, a constant rate or a profile. Of the values that exclude
// each other the plan gets those that are chosen; the others wait in their fields.

import { h } from "../dom.js";
import { texts } from "../i18n.js";
import { field, idOf } from "./field.js";
import { profileField } from "./profile-field.js";

/**
 * @typedef {import("./field.js").Field} Field
 * @typedef {import("./plan.js").Edit} Edit
 * @typedef {import("./plan.js").Plan} Plan
 */

const t = texts({
  model: ["Who decides when a request leaves", "由谁决定请求的发送时刻"],
  open: ["Open loop: the schedule", "开环：由计划决定"],
  openWhy: ["Requests leave at their due times, however slow the server is; response time runs from the due time. For response times at a given rate.",
    "请求按计划时刻发出，不受服务器快慢影响，响应时间从计划时刻算起。适合考察给定速率下的响应时间。"],
  closed: ["Closed loop: the responses", "闭环：由响应决定"],
  closedWhy: ["Each connection sends its next request when a response has come. For the highest throughput.",
    "每个连接收到响应后才发下一个请求。适合测最大吞吐。"],
  shape: ["Rate over time", "速率随时间"],
  constant: ["Constant", "恒定"],
  profile: ["Profile", "曲线"],
  rate: ["Rate", "速率"],
  rateHint: ["In all, over all agents: 50k/s, 300/m, 0.5", "所有执行机的总和：50k/s、300/m、0.5"],
  duration: ["Duration", "时长"],
  durationHint: ["30s, 5m, 1h30m; of the measured part", "30s、5m、1h30m；只算计量部分"],
  requests: ["Requests", "请求数"],
  requestsHint: ["Ends after so many: 10k. Empty: by duration", "发够即止：10k。留空则按时长"],
  connections: ["Connections", "并发连接"],
  connectionsHint: ["In all, over all agents: 16, 2k", "所有执行机的总和：16、2k"],
  warmup: ["Warm-up", "预热"],
  warmupHint: ["Sent first, not counted: 10s", "先行发送，不计入结果：10s"],
  catchup: ["Late requests", "迟到的请求"],
  catchupHint: ["Sent later, when they could not leave on time", "未能按时发出的请求如何补发"],
  smooth: ["at twice the rate", "两倍速率内补发"],
  burst: ["all at once", "立即补发"],
  none: ["given up", "放弃"],
  backlog: ["Backlog", "积压上限"],
  backlogHint: ["Requests that may wait for a connection", "可等待连接的请求数"],
  arrival: ["Spacing", "间隔"],
  arrivalHint: ["Of the due times", "计划时刻的间隔方式"],
  uniform: ["equal gaps", "等间隔"],
  poisson: ["exponential gaps", "泊松（指数间隔）"],
});

/**
 * The group's fields: what is always seen, what is used less, and how it takes a plan.
 *
 * @param {(edits: Edit[]) => void} changed
 */
export function loadGroup(changed) {
  const tell = () => changed(edits());
  const rate = field({ place: "load.rate", label: t.rate, hint: t.rateHint, fallback: "100/s" }, tell);
  const duration = field({ place: "load.duration", label: t.duration, hint: t.durationHint }, tell);
  const profile = profileField(tell);
  const requests = field({ place: "load.requests", label: t.requests, hint: t.requestsHint, kind: "whole" }, changed);
  const connections = field({ place: "load.connections", label: t.connections, hint: t.connectionsHint, kind: "whole", fallback: 64 }, changed);
  const warmup = field({ place: "load.warmup", label: t.warmup, hint: t.warmupHint, fallback: "0s" }, changed);
  const arrival = field({ place: "load.arrival", label: t.arrival, hint: t.arrivalHint, kind: "choice", fallback: "uniform", choices: [["uniform", t.uniform], ["poisson", t.poisson]] }, tell);
  const model = radios("load-model", t.model, [["open", t.open, t.openWhy], ["closed", t.closed, t.closedWhy]], () => choose());
  const shape = radios("load-shape", t.shape, [["constant", t.constant, ""], ["profile", t.profile, ""]], () => choose());

  const isOpen = () => model.get() === "open";
  const isShaped = () => isOpen() && shape.get() === "profile";
  const show = () => {
    shape.element.hidden = !isOpen();
    rate.element.hidden = !isOpen() || isShaped();
    profile.element.hidden = !isShaped();
    arrival.element.hidden = !isOpen();
    duration.element.hidden = isShaped();
  };
  const choose = () => {
    const begun = profile.get() === "";
    if (isShaped() && begun) profile.set(`line(0,${rate.get() ?? "100/s"},10s) const(${rate.get() ?? "100/s"},${duration.get() ?? "30s"})`);
    show();
    tell();
  };
  /** @returns {Edit[]} */
  const edits = () => [
    ["load.model", model.get()],
    ["load.rate", isOpen() && !isShaped() ? rate.get() : undefined],
    ["load.profile", isShaped() ? profile.get() : undefined],
    ["load.duration", isShaped() ? undefined : duration.get()],
    // A closed loop has no arrivals of its own.
    ["load.arrival", isOpen() ? arrival.get() : undefined],
  ];
  /** @param {Plan} plan @param {(place: string) => boolean} isKept */
  const set = (plan, isKept) => {
    const load = plan.load ?? {};
    if (!isKept("load.model")) {
      model.set(load.model ?? "closed");
      if (load.profile !== undefined) shape.set("profile");
      else if (load.model === "open") shape.set("constant");
      if (load.profile !== undefined) profile.set(load.profile);
      if (isOpen() && !isShaped()) rate.set(load.rate ?? "");
      if (!isShaped()) duration.set(load.duration);
    }
    for (const one of [requests, connections, warmup, ...more]) {
      if (!isKept(one.place)) one.set(load[one.place.replace("load.", "")]);
    }
    show();
  };
  const more = [
    field({ place: "load.catchup", label: t.catchup, hint: t.catchupHint, kind: "choice", fallback: "smooth", choices: [["smooth", t.smooth], ["burst", t.burst], ["none", t.none]] }, changed),
    field({ place: "load.backlog", label: t.backlog, hint: t.backlogHint, kind: "whole", fallback: 65536 }, changed),
    arrival,
  ];
  show();
  return {
    seen: [model.element, shape.element, h("div.plan-fields", null, rate.element, profile.element, duration.element, requests.element, connections.element, warmup.element)],
    more: [h("div.plan-fields", null, more.map((one) => one.element))],
    fields: [rate, profile, duration, requests, connections, warmup, ...more],
    set,
  };
}

/**
 * One of several, each with a sentence about it.
 *
 * @param {string} name
 * @param {string} label
 * @param {[value: string, label: string, why: string][]} choices
 * @param {() => void} changed
 */
function radios(name, label, choices, changed) {
  const id = idOf(name);
  const inputs = choices.map(([value, , why]) => /** @type {HTMLInputElement} */ (h("input", {
    type: "radio", name: id, id: `${id}-${value}`, value, onchange: changed, "aria-describedby": why === "" ? null : `${id}-${value}-why`,
  })));
  const element = h("div.radios", { role: "radiogroup", "aria-labelledby": `${id}-label` },
    h("span.plan-label", { id: `${id}-label` }, label),
    h("div.choices", null, choices.map(([value, text, why], index) => h("div.choice", null, inputs[index],
      h("label", { for: `${id}-${value}` }, text), why && h("p.note", { id: `${id}-${value}-why` }, why)))));
  inputs[0].checked = true;
  return {
    element,
    get: () => inputs.find((input) => input.checked)?.value,
    set: (/** @type {string} */ value) => {
      for (const input of inputs) input.checked = input.value === value;
    },
  };
}
