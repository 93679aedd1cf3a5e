// States and verdicts as coloured words.

import { h } from "../dom.js";
import { texts } from "../i18n.js";

const STATES = texts({
  pending: ["waiting for agents", "等待执行机"],
  assigned: ["starting", "启动中"],
  ready: ["ready", "就绪"],
  running: ["running", "运行中"],
  draining: ["ending", "收尾中"],
  done: ["done", "已完成"],
  failed: ["failed", "失败"],
  aborted: ["stopped", "已停止"],
});

const VERDICTS = texts({
  valid: ["valid", "可信"],
  generator_limited: ["generator limited", "压测机受限"],
  schedule_missed: ["schedule missed", "未按计划发送"],
  partial: ["partial", "部分数据"],
  aborted: ["aborted", "已中止"],
});

/** States of a run that has not ended. */
export const ACTIVE = ["pending", "assigned", "ready", "running", "draining"];

/** @param {string} state  of a run */
export function stateBadge(state) {
  const kind = ACTIVE.includes(state) ? "busy" : { done: "good", failed: "bad", aborted: "warn" }[state];
  return h(`span.badge.${kind ?? "plain"}`, { "data-state": state }, stateText(state));
}

/** @param {string} state */
export const stateText = (state) => /** @type {Record<string, string>} */ (STATES)[state] ?? state;

/** @param {string | null} verdict */
export function verdictBadge(verdict) {
  if (verdict === null) return null;
  return h(`span.badge.${verdict === "valid" ? "good" : "warn"}`, { "data-verdict": verdict }, verdictText(verdict));
}

/** @param {string} verdict */
export const verdictText = (verdict) => /** @type {Record<string, string>} */ (VERDICTS)[verdict] ?? verdict;
