// Where an active run is on its way: `1:05 of 5:00`.

import { clock } from "../format.js";
import { fill, texts } from "../i18n.js";
import { factsOf } from "./plan-facts.js";

const t = texts({
  warmup: ["warm-up {at}", "预热 {at}"],
  of: ["{at} of {all}", "{at} / {all}"],
  share: ["{at} · {share} %", "{at} · {share} %"],
});

/** @param {any} run  as `runs/ID` shows it */
export function progress(run) {
  const { live, plan } = run;
  if (!live) return "";
  const at = live.second + 1;
  if (live.is_warmup) return fill(t.warmup, { at: clock(at) });
  const all = factsOf(plan).durationS;
  if (all !== null) return fill(t.of, { at: clock(Math.min(at, Math.ceil(all))), all: clock(all) });
  if (!plan.load.requests) return clock(at);
  const share = Math.floor((live.planned / plan.load.requests) * 100);
  return fill(t.share, { at: clock(at), share: Math.min(share, 100) });
}
