/**
 * Where OpenClaw 2026.9.6 loads skills from. The same rules as the Python program's (`openclaw_vt/openclaw/folders.py`); both are
 * held to `test/roots.vectors.json`.
 *
 * @typedef {"workspace"|"project"|"personal"|"managed"|"workshop"|"extra"|"plugin"|"bundled"} RootKind
 * @typedef {{kind: RootKind, path: string}} SkillRoot   an absolute folder, which need not exist
 */
import fs from "node:fs";
import path from "node:path";

const MAX_ROOTS = 256;
const DEFAULT_AGENT = "main";
const AGENT_ID = /^[a-z0-9][a-z0-9_-]{0,63}$/;

/** The home that OpenClaw uses. @param {Record<string, string|undefined>} env @param {string} home the person's home folder */
export function homeDir(env, home) {
  const named = text(env.OPENCLAW_HOME);
  return named === "" || named === "undefined" || named === "null" ? home : userPath(named, home);
}

/** OpenClaw's state folder. @param {Record<string, string|undefined>} env @param {string} home */
export function stateDir(env, home) {
  const base = homeDir(env, home);
  const named = text(env.OPENCLAW_STATE_DIR);
  if (named !== "") return userPath(named, base);
  const [current, legacy] = [path.join(base, ".openclaw"), path.join(base, ".clawdbot")];
  return fs.existsSync(legacy) && !fs.existsSync(current) ? legacy : current;
}

/**
 * Every folder that skills are loaded from, those that win over others first, none twice, at most 256.
 * @param {{config: object, env: Record<string, string|undefined>, home: string, stateDir?: string, packageDir?: string|null}} given
 *   `config`: OpenClaw's configuration with its variables put in; `packageDir`: the OpenClaw npm package, whose own skills come last
 * @returns {SkillRoot[]}
 */
export function skillRoots({ config, env, home, stateDir: state = stateDir(env, home), packageDir = null }) {
  const found = new Map();
  const base = homeDir(env, home);
  for (const [kind, folder] of allRoots({ config: object(config), env, home: base, state, packageDir })) {
    const normal = stripEnd(path.normalize(folder));
    if (found.size < MAX_ROOTS && !found.has(normal)) found.set(normal, { kind, path: normal });
  }
  return [...found.values()];
}

function* allRoots({ config, env, home, state, packageDir }) {
  const agents = agentsOf(config);
  for (const workspace of workspaces({ config, agents, env, home, state })) {
    yield ["workspace", path.join(workspace, "skills")];
    yield ["project", path.join(workspace, ".agents", "skills")];
  }
  yield ["personal", path.join(home, ".agents", "skills")];
  yield ["managed", path.join(state, "skills")];
  for (const [name, agent] of agents) {
    const folder = text(agent.agentDir);
    const base = folder === "" ? path.join(state, "agents", name, "agent") : userPath(folder, home);
    yield ["workshop", path.join(base, "workshop-skills")];
  }
  for (const extra of texts(config, "skills", "load", "extraDirs")) yield ["extra", userPath(extra, home)];
  yield ["plugin", path.join(state, "extensions")];
  yield ["plugin", path.join(state, "plugin-skills")];
  for (const plugin of texts(config, "plugins", "load", "paths")) yield ["plugin", userPath(plugin, home)];
  if (packageDir === null) return;
  for (const part of [["skills"], ["custodian-skills"], ["dist", "extensions"]]) yield ["bundled", path.join(packageDir, ...part)];
}

/** Each folder that OpenClaw could choose as a workspace, where the choice hangs on how it was started. */
function* workspaces({ config, agents, env, home, state }) {
  const defaults = object(object(config.agents).defaults);
  const shared = text(defaults.workspace);
  const named = text(env.OPENCLAW_WORKSPACE_DIR);
  for (const [name, agent] of agents) {
    const own = text(agent.workspace);
    if (own !== "") yield userPath(own, home);
    else if (shared !== "") {
      yield userPath(shared, home);
      yield path.join(userPath(shared, home), name);
    } else {
      yield named === "" ? path.join(state, "workspace") : named;
      yield path.join(state, `workspace-${name}`);
    }
    const working = text(agent.cwd) || text(defaults.cwd);
    if (working !== "") yield userPath(working, home);
  }
  const profile = text(env.OPENCLAW_PROFILE);
  if (profile !== "" && profile.toLowerCase() !== "default") yield path.join(home, `.openclaw-${profile}`, "workspace");
}

/** Agents by id, from either layout; `main` alone when none are named. */
function agentsOf(config) {
  const { entries, list } = object(config.agents);
  if (isObject(entries)) return new Map(Object.entries(entries).map(([name, agent]) => [agentId(name), object(agent)]));
  const listed = Array.isArray(list) ? list.filter(isObject) : [];
  return listed.length === 0 ? new Map([[DEFAULT_AGENT, {}]]) : new Map(listed.map((agent) => [agentId(agent.id), agent]));
}

function agentId(name) {
  const plain = text(name).toLowerCase();
  if (AGENT_ID.test(plain)) return plain;
  const safe = plain.replace(/[^a-z0-9_-]+/g, "-").replace(/^-+|-+$/g, "");
  return safe.slice(0, 64) || DEFAULT_AGENT;
}

/** `~` is home; a relative path hangs on where OpenClaw was started and is taken from home too. */
function userPath(raw, home) {
  const named = raw.trim().replaceAll("\0", "");
  const isHome = named === "~" || named.startsWith("~/") || named.startsWith("~\\");
  return stripEnd(path.resolve(home, isHome ? `./${named.slice(2)}` : named));
}

const stripEnd = (folder) => (folder.length > 1 && /[\\/]$/.test(folder) && path.dirname(folder) !== folder ? folder.slice(0, -1) : folder);
const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const object = (value) => (isObject(value) ? value : {});
const text = (value) => (typeof value === "string" ? value.trim() : "");

function texts(config, ...keys) {
  const value = keys.reduce((inner, key) => object(inner)[key], config);
  return Array.isArray(value) ? value.map(text).filter((item) => item !== "") : [];
}
