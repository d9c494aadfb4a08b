/**
 * Run what was verified: put the path of the read-only copy into a call, in place of the path of the original.
 * What cannot be rewritten with certainty stays as it is; it was verified too, only not copied.
 */
import { realpathSync } from "node:fs";
import path from "node:path";
import { parse } from "./lexer.js";

const PLAIN = /^[\w@%+=:,./-]+$/;
const OUTSIDE_QUOTES = new Set(["pipe", "subshell"]);

/** @typedef {{root: string, copy: string}} Copied a skill's folder and the folder of its verified copy */

/**
 * Return the call's parameters with paths of the copies, or null when nothing in them can be rewritten.
 * @param {{toolName: string, params: Record<string, any>, cwd: string, home?: string, env?: NodeJS.ProcessEnv}} call
 * @param {Copied[]} copies
 * @returns {Record<string, any>|null}
 */
export function rewritten(call, copies) {
  const usable = copies.filter(({ copy }) => path.isAbsolute(copy));
  const changes = {};
  const { params, cwd } = call;
  if (call.toolName === "read" && typeof params.path === "string") changes.path = moved(path.resolve(cwd, params.path), usable);
  if (call.toolName === "exec") {
    if (typeof params.workdir === "string") changes.workdir = moved(cwd, usable);
    if (typeof params.command === "string") changes.command = rewrittenCommand(call, usable);
  }
  const found = Object.entries(changes).filter(([, value]) => value !== null);
  return found.length > 0 ? { ...params, ...Object.fromEntries(found) } : null;
}

function rewrittenCommand({ params, cwd, home, env }, copies) {
  const text = params.command;
  const edits = new Map();
  for (const command of parse(text, { cwd, home, env }).commands) {
    const words = [...command.argv, ...(command.redirects ?? []).map(({ target }) => target)];
    for (const word of words) {
      const target = word ? newWord(word, command.cwd, copies) : null;
      if (target !== null && word.start >= 0 && fits(target, command.via)) edits.set(word.start, { end: word.end, target });
    }
  }
  if (edits.size === 0) return null;
  let result = text;
  for (const [start, { end, target }] of [...edits].sort(([one], [other]) => other - one)) {
    result = result.slice(0, start) + quoted(target) + result.slice(end);
  }
  return result;
}

function newWord({ value }, cwd, copies) {
  if (value === null || value === "" || cwd === null) return null;
  const [, flag, target] = /^(-{1,2}[\w-]+=)?(.*)$/s.exec(value);
  // A bare name is a command or an argument; only something that looks like a path is taken for one.
  if (!flag && !target.includes("/")) return null;
  const place = moved(path.resolve(cwd, target), copies);
  return place === null ? null : `${flag ?? ""}${place}`;
}

function moved(place, copies) {
  let real;
  try {
    real = realpathSync(place);
  } catch {
    // Not there yet: a file the skill is about to write belongs beside the original.
    return null;
  }
  for (const { root, copy } of [...copies].sort((one, other) => other.root.length - one.root.length)) {
    const rest = path.relative(root, real);
    if (rest !== ".." && !rest.startsWith(`..${path.sep}`) && !path.isAbsolute(rest)) return path.join(copy, rest);
  }
  return null;
}

/** Quotes of ours would end the quotes that an inner command stands in; a plain word fits everywhere. */
function fits(target, via) {
  return PLAIN.test(target) || via.every((way) => OUTSIDE_QUOTES.has(way));
}

function quoted(text) {
  return PLAIN.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
