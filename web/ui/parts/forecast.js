// What a run of the plan would be, in a sentence: agents, cores, rate, length, requests.

import { count, duration, rate, short } from "../format.js";
import { fill, texts } from "../i18n.js";

/** @typedef {import("./plan-sync.js").Check} Check */

const t = texts({
  agents: ["{n} agents", "{n} 台执行机"],
  agent: ["1 agent", "1 台执行机"],
  cores: ["{n} cores", "{n} 核"],
  core: ["1 core", "1 核"],
  steady: ["{rate}", "{rate}"],
  upTo: ["up to {rate}", "最高 {rate}"],
  closed: ["as fast as responses come on {n} connections", "{n} 个并发连接闭环发送"],
  length: ["for {length}", "持续 {length}"],
  requests: ["{n} requests", "共 {n} 次请求"],
  warmup: ["after {length} of warm-up", "预热 {length}"],
  nothing: ["What a run would be is said here once there is a URL and a load.", "填好 URL 和压力后，这里会说明一次运行的规模。"],
  wrong: ["What a run would be is said here once what is marked is corrected.", "修改标出的问题后，这里会说明一次运行的规模。"],
  comma: [", ", "，"],
  blank: [" ", " "],
});

/** @param {Check} check */
export function forecast(check) {
  const how = load(check);
  if (how === "") return check.plan?.target?.url ? t.wrong : t.nothing;
  const { placement, slots, warmup_us } = check;
  const parts = [
    placement && (placement.agents === 1 ? t.agent : fill(t.agents, { n: placement.agents })),
    placement && (placement.cores === 1 ? t.core : fill(t.cores, { n: placement.cores })),
    how,
    slots !== null && fill(t.requests, { n: amount(slots) }),
    warmup_us > 0 && fill(t.warmup, { length: duration(warmup_us / 1e6) }),
  ];
  return parts.filter(Boolean).join(t.comma);
}

/** The load of it; empty where it is not known. @param {Check} check */
function load({ model, peak_rate_per_s, schedule, duration_us, plan }) {
  const length = duration_us === null ? "" : t.blank + fill(t.length, { length: duration(duration_us / 1e6) });
  if (model === "closed") return fill(t.closed, { n: plan?.load?.connections ?? "?" }) + length;
  if (peak_rate_per_s === null) return "";
  const isSteady = schedule.every(([, value]) => value === schedule[0][1]);
  return fill(isSteady ? t.steady : t.upTo, { rate: rate(peak_rate_per_s) }) + length;
}

/** `15.7 M`; what is not much in full. @param {number} value */
const amount = (value) => (value < 10_000 ? count(value) : short(value).replace(/([kMG])$/, " $1"));
