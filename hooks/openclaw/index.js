/**
 * The native OpenClaw plugin: every use of a skill is asked about before it happens.
 * `register` only names handlers. It runs again on every reload and for mere inspection, so nothing is opened in it.
 */
import { definePluginEntry } from "openclaw/plugin-sdk/plugin-entry";
import { register } from "./lib/plugin.js";

export default definePluginEntry({
  id: "openclaw-vt",
  name: "openclaw-vt",
  description: "Proves on every use of a skill that its bytes are the verified ones.",
  register,
});
