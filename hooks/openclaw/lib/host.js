/**
 * What the plugin asks of its host: folders, configuration, log. Everything here may be missing in another version.
 */
import os from "node:os";
import path from "node:path";
import { plain } from "./sentences.js";

const FRESH_MS = 5_000;
const MAX_AGENTS = 64;
// Processes of OpenClaw in which a call without a channel comes from a script, a job or another agent: there its approvals end in
// a refusal whose text explains nothing. In any other process it is left to OpenClaw whether somebody is there.
const UNATTENDED = new Set(["agent", "gateway"]);

/**
 * @typedef {object} Host
 * @property {NodeJS.ProcessEnv} env
 * @property {string} home
 * @property {() => any} config OpenClaw's configuration as it is now
 * @property {(agentId: string|undefined) => string} workspaceOf the folder that relative paths of a call start from
 * @property {(ctx: any) => boolean} canAsk whether somebody may be there to answer a question of this call
 * @property {{debug: LogLine, info: LogLine, warn: LogLine, error: LogLine}} log
 * @typedef {(text: string) => void} LogLine
 */

/**
 * @param {any} api what OpenClaw hands to `register`
 * @param {{env?: NodeJS.ProcessEnv, home?: string, argv?: string[], now?: () => number}} [from]
 * @returns {Host}
 */
export function createHost(api, { env = process.env, home = env.HOME || os.homedir(), argv = process.argv, now = Date.now } = {}) {
  const config = () => quietly(() => api.runtime.config.current()) ?? api.config ?? {};
  /** @type {Map<string, {folder: string, until: number}>} */
  const known = new Map();
  const workspaceOf = (agentId) => {
    const agent = agentId || "main";
    const held = known.get(agent);
    if (held && now() < held.until) return held.folder;
    const folder = resolveWorkspace(api, config(), agent, home);
    if (known.size >= MAX_AGENTS) known.clear();
    known.set(agent, { folder, until: now() + FRESH_MS });
    return folder;
  };
  const unattended = UNATTENDED.has(argv.slice(2).find((word) => !word.startsWith("-")));
  const canAsk = (ctx) => !unattended || Boolean(ctx?.requester?.channel || ctx?.channelId);
  return { env, home, config, workspaceOf, canAsk, log: logOf(api) };
}

function resolveWorkspace(api, config, agent, home) {
  const told = quietly(() => api.runtime.agent.resolveAgentWorkspaceDir(config, agent));
  if (typeof told === "string" && path.isAbsolute(told)) return told;
  const named = config.agents?.entries?.[agent]?.workspace ?? config.agents?.defaults?.workspace;
  if (typeof named !== "string" || named === "") return path.join(home, ".openclaw", "workspace");
  return path.resolve(home, named.replace(/^~(?=$|[\\/])/, home));
}

function logOf(api) {
  const line = (level) => (text) => quietly(() => api.logger[level]?.(plain(text, 500)));
  return { debug: line("debug"), info: line("info"), warn: line("warn"), error: line("error") };
}

function quietly(ask) {
  try {
    return ask();
  } catch {
    // A host without this helper: the caller has another source.
    return undefined;
  }
}
