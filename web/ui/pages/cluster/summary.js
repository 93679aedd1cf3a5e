// What the cluster is as a whole: its coordinator, its leader, its controls, its versions.

import { h, put } from "../../dom.js";
import { fill, texts } from "../../i18n.js";

const t = texts({
  coordinator: ["Coordinator", "协调服务"],
  direct: ["direct: agents register with this control", "直连：执行机直接注册到本控制端"],
  away: ["cannot be reached", "无法连接"],
  leader: ["Leader", "主控制端"],
  me: ["this control (epoch {epoch})", "本控制端（epoch {epoch}）"],
  nobody: ["nobody, or not known", "无，或未知"],
  controls: ["Controls", "控制端"],
  alone: ["this one only", "仅本机"],
  versions: ["Versions", "版本"],
  control: ["control {version}", "控制端 {version}"],
  agents: ["{n} × agent {version}", "{n} 台执行机 {version}"],
  several: ["Several versions are at work: bring them to one before you compare results.", "存在多个版本，请先统一版本再对比结果。"],
});

/** A card that is filled when the answer is there. */
export function summary() {
  const facts = h("dl.facts-list", { id: "cluster-facts" });
  let shown = "";
  return {
    element: h("div.card.cluster", null, facts),
    /** @param {any} cluster */
    set(cluster) {
      const now = JSON.stringify(cluster);
      if (now === shown) return;
      shown = now;
      put(facts, fact("coordinator", t.coordinator, coordinator(cluster)), fact("leader", t.leader, [leader(cluster)]),
        fact("controls", t.controls, controls(cluster.controls)), fact("versions", t.versions, versions(cluster)));
    },
  };
}

/** @param {string} name @param {string} label @param {import("../../dom.js").Child[]} value */
const fact = (name, label, value) => h("div", { "data-fact": name }, h("dt", null, label), h("dd", null, value));

/** @param {any} cluster */
function coordinator(cluster) {
  const name = cluster.coordinator === "direct" ? t.direct : cluster.coordinator;
  return [name, cluster.is_current ? null : h("span.badge.bad", null, t.away)];
}

/** @param {any} cluster */
function leader(cluster) {
  if (cluster.is_leader) return fill(t.me, { epoch: cluster.epoch });
  return cluster.leader ?? t.nobody;
}

/** @param {any[]} list */
function controls(list) {
  if (list.length === 0) return [t.alone];
  return [h("ul.bare-list", null, list.map((one) => h("li", { title: one.node }, one.data || one.node)))];
}

/** @param {any} cluster */
function versions(cluster) {
  const agents = Object.entries(cluster.agents);
  const texts = [fill(t.control, { version: cluster.version }), ...agents.map(([version, n]) => fill(t.agents, { n, version }))];
  const isMixed = new Set([cluster.version, ...Object.keys(cluster.agents)]).size > 1;
  return [texts.join(" · "), isMixed ? h("p.warn", { id: "versions-mixed" }, t.several) : null];
}
