/**
 * What the guard can answer. The rule is a stable word for the audit log; the sentence is fixed: nothing of a call is ever put into it.
 *
 * @typedef {{action: "block"|"ask", rule: string, why: string}} Verdict
 */

const BLOCK = {
  "guard.program": "openclaw-vt was to be run with something other than a read-only command.",
  "guard.script": "A script or a piece of code would run openclaw-vt, or answer for the person, in a way only the person may.",
  "guard.environment": "An environment variable would have steered openclaw-vt, its interpreter or OpenClaw's own configuration.",
  "guard.alias": "openclaw-vt or one of its files was to be reachable under another name.",
  "guard.typed": "Text typed into a terminal would have run what only the person may run.",
  "guard.scheduled": "A file or job that runs by itself later would have run what only the person may run.",
  "guard.config": "A call would have written openclaw-vt's configuration.",
  "guard.state": "A call would have written openclaw-vt's state: its signed records, its log or its socket.",
  "guard.data": "A call would have written openclaw-vt's launcher or its folder.",
  "guard.plugin": "A call would have written openclaw-vt's plugin.",
  "guard.package": "A call would have written or removed openclaw-vt's own program files.",
  "guard.secret": "A call would have read openclaw-vt's keys or the daemon's token.",
  "guard.daemon": "A call would have stopped openclaw-vt's daemon.",
  "guard.openclaw-acknowledge": "An install policy warning was to be acknowledged without the person.",
  "guard.openclaw-config": "OpenClaw's security, plugin, hook or secret settings were to be changed.",
  "guard.openclaw-plugin": "The openclaw-vt plugin was to be switched off, replaced or removed in OpenClaw.",
  "guard.openclaw-approval": "An approval was to be given in the person's place.",
  "guard.openclaw-gateway": "A Gateway method was to be called that changes settings, approvals or installations.",
  "guard.openclaw-setup": "OpenClaw was to be set up anew, reset or removed.",
  "guard.unreadable": "A call that names openclaw-vt is too long to be read.",
};

const ASK = {
  "guard.openclaw-json": "openclaw.json was to be written as a whole.",
  "guard.openclaw-files": "Files that OpenClaw loads as code or keeps its own records in were to be written.",
  "guard.openclaw-policy": "OpenClaw's own permissions, pairings or connections were to be widened.",
  "guard.replace": "openclaw-vt was to be installed anew or replaced.",
  "guard.typed-name": "The name of a skill was typed into a terminal, as somebody would who confirms it.",
  "guard.unclear": "A call names openclaw-vt or a protected file in a way that cannot be read.",
  "guard.failed": "The guard could not finish reading a call that names openclaw-vt or a protected file.",
};

/** Every rule with its action and sentence, for the reference documentation and the tests. @type {Readonly<Record<string, Verdict>>} */
export const RULES = Object.freeze(
  Object.fromEntries([
    ...Object.entries(BLOCK).map(([rule, why]) => [rule, Object.freeze({ action: "block", rule, why })]),
    ...Object.entries(ASK).map(([rule, why]) => [rule, Object.freeze({ action: "ask", rule, why })]),
  ]),
);

/** The verdict of a rule. @param {string} rule @returns {Verdict} */
export function verdict(rule) {
  return RULES[rule];
}

/** The stricter of two verdicts; the earlier one where they are equal. @param {Verdict|null} a @param {Verdict|null} b @returns {Verdict|null} */
export function stricter(a, b) {
  if (!a || !b) return a ?? b;
  return a.action === "ask" && b.action === "block" ? b : a;
}
