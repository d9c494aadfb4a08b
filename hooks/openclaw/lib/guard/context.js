/**
 * What one call of the guard knows and remembers while it reads: places, files written earlier in the same text, links, aliases, and how
 * much more it may read.
 *
 * @typedef {object} Context
 * @property {import("./places.js").Place[]} places
 * @property {string} cwd
 * @property {string|undefined} home
 * @property {Record<string, string>} env
 * @property {Map<string, string>} files text written earlier in this call, by path
 * @property {Map<string, string>} links another name made earlier in this call -> what it leads to
 * @property {Map<string, string>} aliases
 * @property {Set<string>} written paths that were written in this call with text that is not known
 * @property {(path: string) => {text: string, whole: boolean}|null} read
 * @property {(path: string) => string} real
 * @property {{texts: number, letters: number, until: number, spent: boolean}} budget how much more may be read; `spent` once something was not
 * @property {Map<string, any>} judged what was found in a text that is met again
 */
import path from "node:path";
import { realOf, readText } from "./disk.js";
import { holds, inside, protectedPlaces, writeRule } from "./places.js";
import { absolute, pathsOf } from "./words.js";

const MAX_TEXTS = 128;
const MAX_LETTERS = 2 * 1024 * 1024;
const MAX_LOOKUPS = 2000;
const MAX_MS = 1_500;
const PLUGIN = path.resolve(import.meta.dirname, "../..");

/** @param {object} options as given to `protect` @returns {Context} */
export function createContext({ places = {}, cwd, home, env = {}, readFile, memory, session = "" }) {
  const onDisk = readFile ? (file) => readFile(file) : readText;
  const resolved = () => protectedPlaces(places, { plugin: PLUGIN, real: realOf });
  const context = {
    places: memory ? memory.kept(JSON.stringify(places), resolved) : resolved(),
    cwd: typeof cwd === "string" ? cwd : (home ?? "/"),
    home: home ?? env.HOME,
    env,
    files: new Map(),
    links: new Map(),
    aliases: new Map(),
    written: new Set(),
    real: remembered(realOf),
    budget: { texts: MAX_TEXTS, letters: MAX_LETTERS, until: performance.now() + MAX_MS, spent: false },
    judged: new Map(),
    memory: memory ?? null,
    session,
  };
  const held = new Map();
  context.read = (file) =>
    readKnown(context, file, (real) => {
      if (!held.has(real)) held.set(real, onDisk(real));
      return held.get(real);
    });
  return context;
}

/** Each path is looked up once, and no call looks up more than so many: a thousand words must not become a thousand waits. */
function remembered(look) {
  const found = new Map();
  return (target) => {
    if (!found.has(target) && found.size < MAX_LOOKUPS) found.set(target, look(target));
    return found.get(target) ?? target;
  };
}

/**
 * Judge a text once, and only while there is something left to read it with.
 * @template V
 * @param {Context} context @param {string} kind @param {string} text @param {() => V} judge
 * @returns {V|null}
 */
export function once(context, kind, text, judge) {
  const key = `${kind}\0${text}`;
  if (context.judged.has(key)) return context.judged.get(key);
  if (context.budget.texts <= 0 || context.budget.letters < text.length || performance.now() > context.budget.until) {
    context.budget.spent = true;
    return null;
  }
  context.budget.texts -= 1;
  context.budget.letters -= text.length;
  // A text that comes upon itself has nothing new to say.
  context.judged.set(key, null);
  const found = judge();
  context.judged.set(key, found);
  return found;
}

/** What was written in this call comes before what was written in the session, and that before the disk. */
function readKnown(context, file, onDisk) {
  const real = follow(context, file);
  const text = context.files.get(file) ?? context.files.get(real) ?? context.memory?.written(context.session, real);
  if (text !== undefined && text !== null) return { text, whole: true };
  const found = onDisk(real);
  return typeof found === "string" ? { text: found, whole: true } : found;
}

/** A path with the links made in this call, and those on the disk, resolved. @param {Context} context @param {string} target */
export function follow(context, target) {
  let at = target;
  for (let step = 0; step < 8; step += 1) {
    const link = [...context.links.keys()].find((name) => at === name || at.startsWith(`${name}/`));
    if (link === undefined) break;
    at = context.links.get(link) + at.slice(link.length);
  }
  return at.includes("\ue000") || at.includes("*") ? at : context.real(at);
}

/** The kind of protected place that a path means, by itself or through links. @param {Context} context @param {string} target absolute */
export function kindOf(context, target) {
  return inside(target, context.places) ?? inside(follow(context, target), context.places);
}

/** The rule that writing to a word breaks, or null. @param {Context} context @param {import("../lexer.js").Word} word @param {string|null} cwd */
export function writeTo(context, word, cwd) {
  for (const target of pathsOf(word, cwd, context.home)) {
    const kind = kindOf(context, target);
    if (kind) return writeRule(kind);
  }
  return null;
}

/** The rule that taking away a word, with everything below it, breaks, or null. */
export function takeAway(context, word, cwd) {
  const direct = writeTo(context, word, cwd);
  if (direct) return direct;
  for (const target of pathsOf(word, cwd, context.home)) {
    const kind = holds(target, context.places) ?? holds(follow(context, target), context.places);
    if (kind) return writeRule(kind);
  }
  return null;
}

/** Whether reading a word would show keys or the daemon's token. */
export function showsSecret(context, word, cwd, { below = false } = {}) {
  return pathsOf(word, cwd, context.home).some((target) => {
    if (kindOf(context, target) === "secret") return true;
    return (
      below &&
      inside(
        follow(context, target),
        context.places.filter(({ kind }) => kind === "state"),
      ) !== null &&
      holdsSecret(context, target)
    );
  });
}

function holdsSecret(context, target) {
  return (
    holds(
      follow(context, target),
      context.places.filter(({ kind }) => kind === "secret"),
    ) !== null
  );
}

/** The protected kind of a path found in code, relative to the call's folder. @returns {"write"|"secret"|null} */
export function codePath(context, text) {
  const cleaned = text.replace(/^\$\{?home\}?|^process\.env\.home|^%userprofile%/i, "~");
  const kind = inside(absolute(cleaned, context.cwd, context.home), context.places) ?? looseKind(context, cleaned);
  if (kind === null) return null;
  return kind === "secret" ? "secret" : "write";
}

/** A path in code is often only its end. */
function looseKind(context, text) {
  const end = text.replace(/^[~.]*\/*/, "").replace(/\/+$/, "");
  if (end.length < 6) return null;
  for (const { path: place, kind, tree } of context.places) {
    const parts = place.split("/");
    for (const length of [3, 2]) {
      const tail = parts.slice(-length).join("/");
      if (parts.length > length && (end === tail || end.endsWith(`/${tail}`) || (tree && end.includes(`${tail}/`)))) return kind;
    }
    if (kind === "openclaw-json" && (end === parts.at(-1) || end.endsWith(`/${parts.at(-1)}`))) return kind;
  }
  return null;
}
