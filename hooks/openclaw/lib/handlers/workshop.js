/**
 * skill_proposal_evaluate and skill_changed: skills that the agent makes, and skills that changed on disk.
 */
import * as sentences from "../sentences.js";

const WHOLE_MS = 45_000;
const LATER_MS = 5_000;
const DECISIONS = Object.freeze(["pass", "revise", "block"]);
const SEVERITIES = Object.freeze(["info", "warn", "critical"]);
// OpenClaw drops a whole result that breaks one of its limits, and a dropped result vetoes nothing.
const MAX_FINDINGS = 50;
const MAX_METRICS = 32;

/** How long OpenClaw may wait for an evaluation, in milliseconds. */
export const EVALUATE_MS = 60_000;

/** @typedef {{client: import("../client.js").Client, policy: ReturnType<import("../settings.js").createPolicy>, host: import("../host.js").Host, version: string}} Deps */

/**
 * @param {Deps} deps
 * @returns {(event: any) => Promise<object|undefined>}
 */
export function createProposalHandler({ client, policy, host, version }) {
  const mode = () => policy.mode("preInstall");
  return async (event) => {
    try {
      const reply = await client.request("proposal", fieldsOf(event, policy), { timeoutMs: WHOLE_MS });
      if (!DECISIONS.includes(reply.decision)) throw new Error("the daemon judged without a decision");
      return resultOf(reply, mode(), version);
    } catch (error) {
      host.log.error(`skill_proposal_evaluate: ${error?.message}`);
      return unchecked(mode(), policy.failInstall(), version);
    }
  };
}

/**
 * @param {Deps} deps
 * @returns {(event: any) => void}
 */
export function createChangeHandler({ client, policy, host }) {
  return (event) => {
    try {
      const path = event.after?.skillDir ?? event.before?.skillDir;
      if (typeof path !== "string") return;
      client
        .request("changed", { path, action: event.action, source: event.source, modes: policy.asked("postUpdate") }, { timeoutMs: LATER_MS })
        .catch((error) => host.log.warn(`"changed" was not heard: ${error.message}`));
    } catch (error) {
      host.log.warn(`skill_changed: ${error?.message}`);
    }
  };
}

function fieldsOf(event, policy) {
  const files = [event.candidate.skillMd, ...event.candidate.files];
  return {
    skill: { name: event.skill.name, description: event.skill.description },
    files: files.map(({ path, content, encoding, sha256 }) => ({ path, content, encoding: encoding === "base64" ? "base64" : "utf8", sha256 })),
    reason: event.reason,
    modes: policy.asked("preInstall"),
    budget_ms: WHOLE_MS - 1_000,
  };
}

function resultOf(reply, mode, version) {
  const enforced = mode === "enforce";
  const reason = reply.decision === "pass" || !enforced ? {} : { decisionReason: sentences.NOT_INSTALLED };
  return {
    evaluatorVersion: version,
    mode,
    decision: enforced ? reply.decision : "pass",
    summary: sentences.plain(reply.summary, 2_000) || sentences.PROPOSAL_JUDGED,
    metrics: metricsOf(reply.metrics),
    findings: findingsOf(reply.findings),
    ...reason,
  };
}

/** Workshop counts an evaluator that failed as no veto, so a failure is said as a decision. */
function unchecked(mode, rule, version) {
  if (mode !== "enforce") return undefined;
  const decision = rule === "open" ? "pass" : "block";
  const reason = decision === "block" ? { decisionReason: sentences.PROPOSAL_UNCHECKED } : {};
  return { evaluatorVersion: version, mode, decision, summary: sentences.PROPOSAL_UNCHECKED, metrics: {}, findings: [], ...reason };
}

function metricsOf(metrics) {
  if (metrics === null || typeof metrics !== "object" || Array.isArray(metrics)) return {};
  const known = Object.entries(metrics).filter(([name, value]) => /^[\w.-]{1,64}$/.test(name) && isMetric(value));
  return Object.fromEntries(known.slice(0, MAX_METRICS).map(([name, value]) => [name, typeof value === "string" ? sentences.plain(value, 500) : value]));
}

function isMetric(value) {
  return typeof value === "string" || typeof value === "boolean" || Number.isFinite(value);
}

function findingsOf(findings) {
  if (!Array.isArray(findings)) return [];
  return findings.slice(0, MAX_FINDINGS).map((finding) => {
    const file = sentences.plain(finding?.file, 300);
    const line = Number.isSafeInteger(finding?.line) && finding.line > 0 ? { line: finding.line } : {};
    return {
      ruleId: sentences.plain(finding?.ruleId, 100) || "openclaw-vt",
      severity: SEVERITIES.includes(finding?.severity) ? finding.severity : "warn",
      message: sentences.plain(finding?.message, 500) || "A finding without words.",
      ...(file ? { file } : {}),
      ...line,
    };
  });
}
