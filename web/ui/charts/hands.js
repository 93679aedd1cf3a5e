// Charts under fingers and keys. A finger shows the values under it, two fingers zoom. With the focus
// on a chart, arrows step from second to second, + and − zoom, Escape shows all of it.

/** @typedef {import("./plot.js").Group} Group */

/**
 * @param {HTMLElement} place
 * @param {Group} group
 * @param {() => any} chart
 * @param {() => (number | null)[]} seconds
 */
export function steer(place, group, chart, seconds) {
  place.addEventListener("keydown", (event) => {
    if (event.target === place && chart() !== null && press(event, group, chart(), seconds())) event.preventDefault();
  });
  place.addEventListener("blur", () => group.point(null));
  touch(place, group, chart);
}

/** Whether a key was ours. @param {KeyboardEvent} event @param {Group} group @param {any} chart @param {(number | null)[]} x */
function press(event, group, chart, x) {
  const last = x.length - 1;
  if (last < 0 || event.ctrlKey || event.metaKey || event.altKey) return false;
  const now = group.at === null ? last : chart.valToIdx(group.at);
  const step = event.shiftKey ? 10 : 1;
  /** @type {Record<string, number>} */
  const moves = { ArrowLeft: now - step, ArrowRight: now + step, Home: 0, End: last };
  if (event.key in moves) group.point(x[Math.max(0, Math.min(last, moves[event.key]))]);
  else if (event.key === "+" || event.key === "=") scale(group, chart, x, 0.5);
  else if (event.key === "-") scale(group, chart, x, 2);
  else if (event.key === "Escape" || event.key === "0") group.zoom(null);
  else return false;
  return true;
}

/** @param {Group} group @param {any} chart @param {(number | null)[]} x @param {number} factor */
function scale(group, chart, x, factor) {
  const { min, max } = chart.scales.x;
  const middle = group.at ?? (min + max) / 2;
  const [first, end] = [x[0] ?? 0, x[x.length - 1] ?? 0];
  const low = Math.max(first, middle - (middle - min) * factor);
  const high = Math.min(end, middle + (max - middle) * factor);
  if (high - low < 2) return;
  group.zoom(low <= first && high >= end ? null : [low, high]);
}

/** @param {HTMLElement} place @param {Group} group @param {() => any} chart */
function touch(place, group, chart) {
  /** Fingers, where each is and the second that was under it when the last one came down. @type {Map<number, { left: number, second: number }>} */
  const fingers = new Map();
  let isWaiting = false;
  const leftOf = (/** @type {PointerEvent} */ event) => event.clientX - chart().over.getBoundingClientRect().left;
  const move = () => {
    isWaiting = false;
    const made = chart();
    if (made === null) return;
    const [one, other] = [...fingers.values()];
    if (other === undefined) {
      if (one !== undefined) group.point(made.posToVal(one.left, "x"));
      return;
    }
    if (Math.abs(one.left - other.left) < 20) return;
    const perPixel = (other.second - one.second) / (other.left - one.left);
    const min = one.second - one.left * perPixel;
    if (perPixel > 0) group.zoom([min, min + made.over.clientWidth * perPixel]);
  };
  place.addEventListener("pointerdown", (event) => {
    if (event.pointerType !== "touch" || chart() === null) return;
    fingers.set(event.pointerId, { left: leftOf(event), second: 0 });
    for (const finger of fingers.values()) finger.second = chart().posToVal(finger.left, "x");
    move();
  });
  place.addEventListener("pointermove", (event) => {
    const finger = fingers.get(event.pointerId);
    if (finger === undefined || chart() === null) return;
    finger.left = leftOf(event);
    if (isWaiting) return;
    isWaiting = true;
    requestAnimationFrame(move);
  });
  for (const kind of ["pointerup", "pointercancel"]) {
    place.addEventListener(kind, (event) => fingers.delete(/** @type {PointerEvent} */ (event).pointerId));
  }
}
