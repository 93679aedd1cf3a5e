// The command that starts an agent of this control.

import { h } from "../dom.js";

/** @param {{ me: { auth: boolean } }} context */
export const agentCommand = ({ me }) =>
  h("pre", { tabindex: "0" }, `${me.auth ? "ACP_AGENT_TOKEN=… " : ""}acp agent --control ${location.origin}`);
