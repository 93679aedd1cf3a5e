// Something that could not be done, said where it was tried.

import { h } from "../dom.js";

/** @param {any} error  with a hint, where the API gave one */
export function problem(error) {
  const hint = error.hint ? h("span.hint", null, error.hint) : null;
  return h("p.problem", { role: "alert" }, error.message, hint);
}
