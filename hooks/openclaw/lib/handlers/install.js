/**
 * before_install: the second net under the install policy, for what the Gateway installs itself.
 */
import * as sentences from "../sentences.js";
import { block } from "../verdict.js";

const WHOLE_MS = 12_000; // the host stops waiting after 15 s
const BUDGET_MS = 11_000;

/**
 * @param {{client: import("../client.js").Client, policy: ReturnType<import("../settings.js").createPolicy>, host: import("../host.js").Host}} deps
 * @returns {(event: any) => Promise<{block: true, blockReason: string}|undefined>}
 */
export function createInstallHandler({ client, policy, host }) {
  return async (event) => {
    try {
      const reply = await client.request("install", fieldsOf(event, policy), { timeoutMs: WHOLE_MS });
      if (reply.answer === "allow" || policy.mode("preInstall") !== "enforce") return undefined;
      host.log.warn(`an installation was stopped: ${sentences.plain(reply.reason, 300)}`);
      return block(reply.answer === "block" ? sentences.NOT_INSTALLED : sentences.INSTALL_UNCHECKED);
    } catch (error) {
      host.log.error(`before_install: ${error?.message}`);
      if (policy.mode("preInstall") !== "enforce" || policy.failInstall() === "open") return undefined;
      return block(sentences.INSTALL_UNCHECKED);
    }
  };
}

function fieldsOf(event, policy) {
  return {
    path: event.sourcePath,
    name: String(event.targetName ?? ""),
    kind: event.targetType === "plugin" ? "plugin" : "skill",
    origin: String(event.origin ?? ""),
    update: event.request?.mode === "update",
    modes: policy.asked("preInstall", "postUpdate"),
    budget_ms: BUDGET_MS,
  };
}
