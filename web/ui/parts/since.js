// From which second on a table of a run that goes on has counted: frames from before the page was
// opened are not fetched again for it.

import { h } from "../dom.js";
import { clock } from "../format.js";
import { fill, texts } from "../i18n.js";

const t = texts({
  since: ["Counted since {at}, when this page was opened; the report has all of the run.", "自 {at} 打开本页起统计；报告包含整次运行。"],
});

/** A line that says so; none where nothing is left out. @param {number} second  the first that was seen */
export const sinceNote = (second) =>
  (second > 0 && Number.isFinite(second) ? h("p.muted.since", null, fill(t.since, { at: clock(second) })) : null);
