/**
 * The files and folders that the agent must not write (or, for keys, read), and whether a path means one of them.
 *
 * @typedef {"config"|"state"|"secret"|"data"|"plugin"|"package"|"openclaw-json"|"openclaw-files"} Kind
 * @typedef {{path: string, kind: Kind, tree: boolean}} Place   `tree`: everything below counts too
 * @typedef {{config: string, stateDir: string, dataDir: string, launcher: string, openclawConfig: string[], openclawState: string}} Places
 */
import path from "node:path";
import { fold } from "./names.js";

/** Stands for text that is not known, in a path pattern. */
export const UNKNOWN = "\ue000";
const MAX_PATTERN = 2048;
const MAX_BRACES = 64;
const PACKAGE = /[\\/](?:site-packages|dist-packages|venvs|tools|packages)[\\/](?:openclaw[-_]vt)(?:[-.\\/]|$)/;
const OPENCLAW_CODE = /[\\/]node_modules[\\/]openclaw[\\/]/;
const GLOB = /[*?[]/;

/**
 * The protected places, both as given and with links resolved.
 * @param {Partial<Places>} places @param {{plugin?: string, real: (path: string) => string}} options
 * @returns {Place[]}
 */
export function protectedPlaces(places, { plugin, real }) {
  const found = [];
  const add = (given, kind, tree) => {
    if (typeof given !== "string" || given === "") return;
    for (const one of new Set([path.resolve(given), real(path.resolve(given))])) found.push({ path: canonical(one), kind, tree });
  };
  // A folder of our own is protected as a whole: a second file in it can be as good as the first.
  const folder = places.config ? path.dirname(places.config) : "";
  if (/openclaw[-_]vt/.test(fold(path.basename(folder)))) add(folder, "config", true);
  add(places.config, "config", false);
  add(places.launcher, "data", false);
  if (places.stateDir)
    for (const [name, tree] of [
      ["keys", true],
      ["daemon.json", false],
    ])
      add(path.join(places.stateDir, name), "secret", tree);
  add(places.stateDir, "state", true);
  add(places.dataDir, "data", true);
  add(plugin, "plugin", true);
  for (const one of places.openclawConfig ?? []) add(one, "openclaw-json", false);
  for (const name of places.openclawState ? ["extensions", "hooks"] : []) add(path.join(places.openclawState, name), "openclaw-files", true);
  return found;
}

function canonical(given) {
  return fold(given.replace(/\\/g, "/")).replace(/\/+$/, "") || "/";
}

/** `a{b,c}` as `ab`, `ac`; bounded. @param {string} text @returns {string[]} */
export function braces(text) {
  let done = [text];
  for (let round = 0; round < 4; round += 1) {
    const next = done.flatMap((one) => {
      const match = /\{([^{}]*,[^{}]*)\}/.exec(one);
      return match ? match[1].split(",").map((part) => one.slice(0, match.index) + part + one.slice(match.index + match[0].length)) : [one];
    });
    if (next.length === done.length || next.length > MAX_BRACES) return next.slice(0, MAX_BRACES);
    done = next;
  }
  return done;
}

/**
 * Whether an absolute path, or a pattern with globs and unknown parts, means a protected place or something inside one.
 * @param {string} target absolute; may hold UNKNOWN and glob characters
 * @param {Place[]} places
 * @returns {Kind|null}
 */
export function inside(target, places) {
  const wanted = canonical(target);
  if (wanted.length > MAX_PATTERN) return null;
  const loose = GLOB.test(wanted) || wanted.includes(UNKNOWN);
  for (const place of places) if (loose ? looselyInside(wanted, place) : plainlyInside(wanted, place)) return place.kind;
  if (PACKAGE.test(wanted)) return "package";
  return OPENCLAW_CODE.test(wanted) ? "openclaw-files" : null;
}

const plainlyInside = (wanted, { path: place, tree }) => wanted === place || (tree && wanted.startsWith(`${place}/`));

/** Whether a folder, or a pattern for one, holds a protected place, which removing or moving it would take along. */
export function holds(target, places) {
  const wanted = canonical(target);
  if (wanted.length > MAX_PATTERN || wanted.includes(UNKNOWN)) return null;
  for (const place of places) {
    if (place.kind === "openclaw-files") continue;
    const parts = place.path.split("/");
    const mine = wanted.split("/");
    if (mine.length <= parts.length && (wanted === "/" || mine.every((part, at) => fits(parts[at], part)))) return place.kind;
  }
  return null;
}

function looselyInside(wanted, place) {
  if (wanted.includes(UNKNOWN)) {
    // What is not known may be anything, so what is known has to point at us.
    const end = place.path.split("/").slice(-2).join("/");
    const known = wanted.split(UNKNOWN);
    if (!known.some((part) => part.includes(end) || /openclaw[-_]?(?:vt|\.json)/.test(part))) return false;
    return fits(place.path, wanted) || (place.tree && fits(`${place.path}/${lastKnown(wanted)}`, wanted));
  }
  const parts = place.path.split("/");
  const mine = wanted.split("/");
  if (mine.length < parts.length || (mine.length > parts.length && !place.tree)) return false;
  return parts.every((part, at) => fits(part, mine[at]));
}

const lastKnown = (wanted) => wanted.slice(Math.max(wanted.lastIndexOf("/"), wanted.lastIndexOf(UNKNOWN)) + 1) || "x";

/** Whether a pattern with wildcards fits a whole text; it goes back no further than the last wildcard. @param {string} text @param {string} pattern */
export function fits(text, pattern) {
  const tokens = pattern.replace(/\[[^\]]*\]/g, "?").replace(/[*\ue000]+/g, "*");
  let [t, p, star, mark] = [0, 0, -1, 0];
  while (t < text.length) {
    if (p < tokens.length && tokens[p] !== "*" && (tokens[p] === "?" || tokens[p] === text[t])) {
      t += 1;
      p += 1;
    } else if (tokens[p] === "*") {
      star = p;
      p += 1;
      mark = t;
    } else if (star >= 0) {
      p = star + 1;
      mark += 1;
      t = mark;
    } else return false;
  }
  while (tokens[p] === "*") p += 1;
  return p === tokens.length;
}

/** The rule for writing a kind of place. @param {Kind} kind @returns {string} */
export function writeRule(kind) {
  return { "openclaw-json": "guard.openclaw-config", secret: "guard.state" }[kind] ?? `guard.${kind}`;
}
