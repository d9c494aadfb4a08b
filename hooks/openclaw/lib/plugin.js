/**
 * The composition: the host's API, our settings, the connection and the handlers. Opens nothing, starts nothing.
 */
import { createClient } from "./client.js";
import { protect } from "./guard.js";
import { createHost } from "./host.js";
import { createAuditCollector, createGatewayHandlers } from "./handlers/gateway.js";
import { createInstallHandler } from "./handlers/install.js";
import { createToolHandlers } from "./handlers/tools.js";
import { createChangeHandler, createProposalHandler, EVALUATE_MS } from "./handlers/workshop.js";
import { createPolicy, openclawConfigPath, readSettings } from "./settings.js";
import { createSkills } from "./skills.js";

/** The version both sides are released under. */
export const VERSION = "0.1.0";
// Ahead of other plugins: the first question wins, and only a later one may still block.
const FIRST = 1_000;

/**
 * @param {any} api OpenClaw's plugin API
 * @param {{env?: NodeJS.ProcessEnv, home?: string, stdio?: boolean}} [from] the surroundings, in tests
 * @returns {void}
 */
export function register(api, from = {}) {
  const deps = compose(api, from);
  const tools = createToolHandlers({ ...deps, protect });
  const gateway = createGatewayHandlers(deps);
  api.on("before_tool_call", tools.before, { priority: FIRST });
  api.on("after_tool_call", tools.after);
  // A copy is read-only: an interpreter that kept bytecode beside it would fail, or litter a copy that is hashed again.
  api.on("resolve_exec_env", () => (deps.policy.runFrom() === "snapshot" ? { PYTHONDONTWRITEBYTECODE: "1" } : undefined));
  api.on("before_install", createInstallHandler(deps), { priority: FIRST });
  api.on("skill_changed", createChangeHandler(deps));
  api.on("skill_proposal_evaluate", createProposalHandler(deps), { registrationId: "openclaw-vt", timeoutMs: EVALUATE_MS });
  api.on("gateway_start", gateway.start);
  api.on("gateway_stop", gateway.stop);
  // A hot reload replaces this instance without a stop of the Gateway.
  api.lifecycle?.onDispose?.(gateway.stop);
  api.registerSecurityAuditCollector?.(createAuditCollector(deps));
}

function compose(api, from) {
  const host = createHost(api, from);
  const settings = readSettings(api.pluginConfig, { env: host.env, home: host.home });
  const policy = createPolicy(settings);
  const client = createClient({
    stateDir: settings.stateDir,
    launcher: settings.launcher,
    version: VERSION,
    env: host.env,
    greeting: () => ({ config: openclawConfigPath(host.env, host.home), modes: policy.asked("preExecute", "preInstall", "postUpdate") }),
    onGreeting: policy.absorb,
    ...(from.stdio === undefined ? {} : { stdio: from.stdio }),
  });
  return { client, host, policy, skills: createSkills(host), version: VERSION };
}
