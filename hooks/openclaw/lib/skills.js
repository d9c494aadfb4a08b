/**
 * The skills of this machine as the handlers see them: which ones a call belongs to, and which ones a session has read.
 * Made when first asked for, because `register` opens nothing.
 */
import { readFileSync, realpathSync } from "node:fs";
import path from "node:path";
import { attribute, createIndex, createSessions } from "./attribution.js";
import { skillRoots } from "./roots.js";

const FRESH_MS = 5_000; // how long a change of openclaw.json may go unseen
const MANIFEST = "SKILL.md";
const MAX_WORKSPACES = 64;

/**
 * @typedef {object} Skills
 * @property {(call: {toolName: string, params: object, derivedPaths?: readonly string[], toolKind?: string, skillFile?: string,
 *   launcher?: string|null, workspace: string, session: string}) => import("./attribution.js").Used[]} of the skills that a call belongs to
 * @property {(call: {toolName: string, params: Record<string, any>, session: string}, found: import("./attribution.js").Used[]) => void} used
 *   a call went through: when it read a SKILL.md, its session knows the skill from now on
 * @property {() => {root: string, name: string}[]} all
 * @property {() => void} close
 */

/**
 * @param {import("./host.js").Host} host
 * @param {{now?: () => number, packageDir?: string|null}} [options] `packageDir`: the OpenClaw npm package
 * @returns {Skills}
 */
export function createSkills(host, { now = () => performance.now(), packageDir } = {}) {
  const sessions = createSessions();
  const held = { index: null, key: "", until: -Infinity, workspaces: new Set(), packageDir };
  const index = (workspace) => freshIndex(held, host, now, workspace);
  return {
    of: ({ toolName, params, derivedPaths, toolKind, skillFile, launcher, workspace, session }) =>
      attribute(
        { toolName, params, derivedPaths, toolKind, skillFile },
        { index: index(workspace), cwd: workspace, home: host.home, env: host.env, launcher, session: sessions.of(session) },
      ).skills,
    used(call, found) {
      for (const skill of found) if (skill.how !== "session" && skill.how !== "below" && readsManifest(call, skill)) sessions.note(call.session, skill.root);
    },
    all: () => index(null).all(),
    close() {
      held.index?.close();
      held.index = null;
      held.until = -Infinity;
    },
  };
}

function freshIndex(held, host, now, workspace) {
  const isKnown = workspace === null || held.workspaces.has(workspace);
  if (held.index && isKnown && now() < held.until) return held.index;
  // A host may choose a workspace that its configuration does not name.
  if (!isKnown && held.workspaces.size < MAX_WORKSPACES) held.workspaces.add(workspace);
  if (held.packageDir === undefined) held.packageDir = openclawPackage(process.argv[1]);
  const roots = rootsOf(held, host);
  const key = roots.join("\0");
  if (!held.index || key !== held.key) {
    held.index?.close();
    held.index = createIndex({ roots });
    held.key = key;
  }
  held.until = now() + FRESH_MS;
  return held.index;
}

function rootsOf(held, host) {
  const configured = skillRoots({ config: host.config(), env: host.env, home: host.home, packageDir: held.packageDir });
  const chosen = [...held.workspaces].flatMap((folder) => [path.join(folder, "skills"), path.join(folder, ".agents", "skills")]);
  return [...new Set([...configured.map((root) => root.path), ...chosen])];
}

function readsManifest({ toolName, params }, { file, files }) {
  if ([file, ...(files ?? [])].some((one) => typeof one === "string" && path.basename(one) === MANIFEST)) return true;
  return toolName !== "read" && typeof params.command === "string" && params.command.includes(MANIFEST);
}

/** The npm package that runs this process, whose own skills are skills too; null when this is another program. */
function openclawPackage(program) {
  try {
    let folder = path.dirname(realpathSync(program));
    for (let step = 0; step < 4; step += 1, folder = path.dirname(folder)) {
      if (nameOf(path.join(folder, "package.json")) === "openclaw") return folder;
    }
  } catch {
    // Started in some other way: bundled skills are then not known, all others are.
  }
  return null;
}

function nameOf(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8")).name;
  } catch {
    return null;
  }
}
