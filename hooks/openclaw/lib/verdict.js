/**
 * From the daemon's answers to the one result OpenClaw gets: pure, and the strictest answer wins.
 */
import * as sentences from "./sentences.js";

/**
 * @typedef {object} Ask
 * @property {string} title
 * @property {string} description
 * @property {"info"|"warning"|"critical"} severity
 * @property {string|null} ticket what the person's answer is sent with
 * @property {boolean} [unchecked] asked because nothing could be found out
 */
/**
 * @typedef {{kind: "pass", copy?: string|null}|{kind: "ask", ask: Ask, copy?: string|null}|{kind: "block"}|{kind: "unchecked"}} Outcome
 */

const TITLE_MAX = 80;
const DESCRIPTION_MAX = 512;
const ANSWER_MS = 300_000;
const SEVERITIES = Object.freeze(["info", "warning", "critical"]);
// Where a question is not put to a person but handed back to the caller, its words would reach the model.
const ASKABLE = new Set(["exec", "process", "bash", "read", "write", "edit", "apply_patch"]);

/**
 * Read one reply of the daemon; anything it does not say in so many words is "unchecked".
 * @param {any} reply
 * @returns {Outcome}
 */
export function outcomeOf(reply) {
  if (reply.mode === "observe" || reply.mode === "off") return { kind: "pass" };
  const copy = typeof reply.copy === "string" ? reply.copy : null;
  if (reply.answer === "pass") return { kind: "pass", copy };
  if (reply.answer === "block") return { kind: "block" };
  // A copy that comes with a question holds the bytes it is about: what the person allows is then what runs.
  return reply.answer === "ask" ? { kind: "ask", ask: askOf(reply), copy } : { kind: "unchecked" };
}

/**
 * What an unanswered question means under the configured rule.
 * @param {Outcome} outcome
 * @param {"closed"|"ask"|"open"} rule
 * @returns {Outcome|{kind: "closed"}}
 */
export function underRule(outcome, rule) {
  if (outcome.kind !== "unchecked") return outcome;
  if (rule === "open") return { kind: "pass", copy: null };
  if (rule === "closed") return { kind: "closed" };
  return { kind: "ask", ask: { ...sentences.ASK_UNCHECKED, severity: "warning", ticket: null, unchecked: true } };
}

/**
 * Join outcomes to the strictest.
 * @param {(Outcome|{kind: "closed"})[]} outcomes
 * @returns {{kind: "pass"}|{kind: "block"}|{kind: "closed"}|{kind: "ask", asks: Ask[]}}
 */
export function strictest(outcomes) {
  if (outcomes.some(({ kind }) => kind === "block")) return { kind: "block" };
  if (outcomes.some(({ kind }) => kind === "closed")) return { kind: "closed" };
  const asks = outcomes.flatMap((outcome) => (outcome.kind === "ask" ? [outcome.ask] : []));
  return asks.length > 0 ? { kind: "ask", asks } : { kind: "pass" };
}

/** The result for a skill that was stopped. @param {string} reason one of the fixed sentences */
export function block(reason) {
  return { block: true, blockReason: reason };
}

/**
 * The result that puts questions to a person.
 * @param {Ask[]} asks at least one
 * @param {{toolName: string, onResolution: (resolution: string) => Promise<void>|void, expired?: string}} options
 */
export function approval(asks, { toolName, onResolution, expired = sentences.BLOCKED }) {
  const { title, description, severity } = ASKABLE.has(toolName) ? joined(asks) : { ...joined(asks), ...sentences.ASK_SKILL };
  // One "always" for several skills, or for one that could not be looked at, would be a yes to bytes nobody was shown.
  const single = asks.length === 1 && asks[0].ticket !== null;
  return {
    requireApproval: {
      title,
      description,
      severity,
      timeoutMs: ANSWER_MS,
      timeoutReason: expired,
      allowedDecisions: single ? ["allow-once", "allow-always", "deny"] : ["allow-once", "deny"],
      onResolution,
    },
  };
}

function askOf(reply) {
  return {
    title: sentences.plain(reply.title, TITLE_MAX) || sentences.ASK_WORDLESS.title,
    description: sentences.plain(reply.description, DESCRIPTION_MAX) || sentences.ASK_WORDLESS.description,
    severity: SEVERITIES.includes(reply.severity) ? reply.severity : "warning",
    ticket: typeof reply.ticket === "string" && reply.ticket.length <= 200 ? reply.ticket : null,
  };
}

function joined(asks) {
  if (asks.length === 1) return asks[0];
  const worst = Math.max(...asks.map(({ severity }) => SEVERITIES.indexOf(severity)));
  return {
    title: `openclaw-vt: ${asks.length} skills of this call need your review`,
    description: sentences.plain(asks.map(({ title, description }) => `${title}: ${description}`).join(" · "), DESCRIPTION_MAX),
    severity: SEVERITIES[worst],
  };
}
