/**
 * gateway_start, gateway_stop and `openclaw security audit`.
 */
import * as sentences from "../sentences.js";

const AUDIT_MS = 5_000;
const MAX_FINDINGS = 100;
const SEVERITIES = Object.freeze(["info", "warn", "critical"]);

/** @typedef {{client: import("../client.js").Client, host: import("../host.js").Host, skills: import("../skills.js").Skills}} Deps */

/**
 * @param {Deps} deps
 * @returns {{start: () => void, stop: () => void}}
 */
export function createGatewayHandlers({ client, host, skills }) {
  return {
    // Not awaited: the Gateway comes up whether the daemon does or not.
    start: () => void client.connect().catch((error) => host.log.warn(`the daemon is not there yet: ${error.message}`)),
    stop() {
      client.close();
      skills.close();
    },
  };
}

/**
 * @param {Deps} deps
 * @returns {() => Promise<{checkId: string, severity: string, title: string, detail: string, remediation?: string}[]>}
 */
export function createAuditCollector({ client, host }) {
  return async () => {
    try {
      const { findings } = await client.request("findings", {}, { timeoutMs: AUDIT_MS });
      if (!Array.isArray(findings)) throw new Error("the daemon listed no findings");
      return findings.slice(0, MAX_FINDINGS).map(findingOf);
    } catch (error) {
      host.log.warn(`security audit: ${error?.message}`);
      return [
        {
          checkId: "openclaw-vt.daemon.silent",
          severity: "warn",
          title: "openclaw-vt does not answer",
          detail: `Skills cannot be checked when they are used (${sentences.plain(error?.message, 200)}).`,
          remediation: "Run `openclaw-vt doctor` in your own terminal.",
        },
      ];
    }
  };
}

function findingOf(finding) {
  const remediation = sentences.plain(finding?.remediation, 500);
  return {
    checkId: sentences.plain(finding?.checkId, 120) || "openclaw-vt.finding",
    severity: SEVERITIES.includes(finding?.severity) ? finding.severity : "warn",
    title: sentences.plain(finding?.title, 200) || "A finding of openclaw-vt",
    detail: sentences.plain(finding?.detail, 1_000),
    ...(remediation ? { remediation } : {}),
  };
}
