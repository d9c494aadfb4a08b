/**
 * Expansion: a word's parts -> text, as far as it is known. What is not known stands in the text as the character UNKNOWN,
 * which may be any text, none included. One string thus says what a list of pieces would, and can be joined and cut like one.
 *
 * @typedef {{cwd: string, old: string, dirs: string[], vars: Map<string, string|string[]>, args: string[]|null, name: string,
 *   funcs: Map<string, object>, dead: boolean}} State   one way that the commands before may have left the shell in
 * @typedef {{env: object|null, home: string|null, charge: (units: number) => void,
 *   substitute: (part: object, state: State) => string}} Ctx
 */
import path from "node:path";
import { alternatives } from "./braces.js";

export const UNKNOWN = "\uf8ff";
/** What a glob stands for: any text without a slash. Where UNKNOWN is spoken of, this is meant too. */
export const WITHIN = "\uf8fe";
const MAX_VALUE = 1 << 16;
const MAX_PATTERN_VALUE = 256;
const GLOB = /[*?]|\[[^\]]*\]/g;
const CHANGING = new Set(["RANDOM", "SRANDOM", "SECONDS", "LINENO", "BASHPID", "EPOCHSECONDS", "EPOCHREALTIME", "PPID"]);

/** @param {string} text */
export const isKnown = (text) => !/[\uf8fe\uf8ff]/.test(text);

/** The pieces of a text with unknown parts: null stands for each of these. @param {string} text */
export function piecesOf(text) {
  if (isKnown(text)) return [text];
  const pieces = [];
  text.split(/[\uf8fe\uf8ff]+/).forEach((piece, i) => {
    if (i > 0) pieces.push(null);
    if (piece !== "") pieces.push(piece);
  });
  return pieces;
}

/** A path as seen from `cwd`; `..` behind something unknown leads anywhere. @param {string} cwd @param {string} to */
export function resolveFrom(cwd, to) {
  if (!isKnown(to) && /[\uf8fe\uf8ff][^]*\.\./.test(to)) return UNKNOWN;
  if (to.startsWith(UNKNOWN)) return to;
  if (path.isAbsolute(to)) return path.normalize(to);
  if (!isKnown(cwd) && /(?:^|\/)\.\.(?:\/|$)/.test(to)) return UNKNOWN;
  return path.normalize(`${cwd}/${to}`);
}

/** The text of parts that are neither split nor globbed: the value of an assignment, a here-document. */
export function textOf(ctx, state, parts) {
  let text = "";
  parts.forEach((part, i) => {
    if (part.t === "lit") text += i === 0 ? untilde(ctx, state, part, parts.length > 1) : part.text;
    else if (part.t === "glob") text += part.text;
    else text += joined(valueOf(ctx, state, part));
  });
  return bounded(ctx, text);
}

function bounded(ctx, text) {
  ctx.charge(1 + (text.length >> 4));
  return text.length > MAX_VALUE ? UNKNOWN : text;
}

const joined = (value) => (Array.isArray(value) ? value.join(" ") : value);

/** The fields that a word of a command becomes: none, one or several. @returns {string[]} */
export function fieldsOf(ctx, state, parts) {
  const all = alternatives(parts, ctx.charge);
  if (all === null) return [UNKNOWN];
  return all.flatMap((one) => splitFields(ctx, state, one));
}

function splitFields(ctx, state, parts) {
  const out = { done: [], text: "", has: false };
  parts.forEach((part, i) => {
    if (part.t === "lit") add(out, i === 0 ? untilde(ctx, state, part, parts.length > 1) : part.text);
    else if (part.t === "glob") addGlob(out, part, parts[i - 1]);
    else addValue(ctx, state, out, part);
  });
  if (out.has) out.done.push(out.text);
  return out.done.map((text) => bounded(ctx, text));
}

/** `**` goes down any number of folders, in the shells that know it. */
function addGlob(out, { text }, before) {
  if (text !== "*" || before?.t !== "glob" || before.text !== "*") return add(out, WITHIN);
  const kept = out.text.slice(0, -1);
  out.text = kept.endsWith(UNKNOWN) ? kept : `${kept === "" ? "./" : kept}${UNKNOWN}`;
}

function add(out, text) {
  out.text += text;
  out.has = true;
}

function addValue(ctx, state, out, part) {
  const value = valueOf(ctx, state, part);
  if (part.q && !Array.isArray(value)) return add(out, value);
  if (part.q && isStarred(part)) return add(out, value.join(" "));
  const list = Array.isArray(value) ? value : [value];
  const pieces = part.q ? list : list.flatMap((item) => split(state, item));
  pieces.forEach((piece, i) => {
    if (i > 0) cut(out);
    if (piece === null) cut(out);
    else add(out, part.q ? piece : piece.replace(GLOB, WITHIN));
  });
}

const isStarred = (part) => part.index === "*" || part.name === "*";

function cut(out) {
  if (out.has) out.done.push(out.text);
  out.text = "";
  out.has = false;
}

/** Word splitting; null marks a cut at either end of the value. */
function split(state, value) {
  if (value === UNKNOWN) return [value];
  const ifs = state.vars.get("IFS") ?? " \t\n";
  if (ifs === " \t\n" && value !== "" && !/[ \t\n]/.test(value)) return [value];
  if (typeof ifs !== "string" || !isKnown(ifs)) return [UNKNOWN];
  if (ifs === "" || value === "") return value === "" ? [] : [value];
  const set = new RegExp(`[${ifs.replace(/[\\\]^-]/g, "\\$&")}]+`);
  const pieces = value.split(set);
  const inner = pieces.filter((piece) => piece !== "");
  if (inner.length === 0) return [null];
  return [...(pieces[0] === "" ? [null] : []), ...inner, ...(pieces.at(-1) === "" ? [null] : [])];
}

function untilde(ctx, state, part, more) {
  const { text } = part;
  if (part.q || text[0] !== "~") return text;
  const slash = text.indexOf("/");
  if (slash < 0 && more) return text;
  const user = text.slice(1, slash < 0 ? undefined : slash);
  const rest = slash < 0 ? "" : text.slice(slash);
  if (user === "") return homeOf(ctx, state) + rest;
  if (user === "+") return state.cwd + rest;
  if (user === "-") return state.old + rest;
  return UNKNOWN + rest;
}

/** @param {Ctx} ctx @param {State} state */
export function homeOf(ctx, state) {
  const own = state.vars.get("HOME");
  return typeof own === "string" ? own : (ctx.home ?? UNKNOWN);
}

function valueOf(ctx, state, part) {
  if (part.t === "sub") return ctx.substitute(part, state);
  if (part.t === "arith") {
    for (const inner of part.inner) valueOf(ctx, state, inner);
    return UNKNOWN;
  }
  const value = operate(ctx, state, part);
  return value === undefined ? UNKNOWN : value;
}

/** What a variable holds; undefined when it is not set as far as can be seen. */
function lookUp(ctx, state, name) {
  if (name === "@" || name === "*") return state.args ?? [UNKNOWN];
  if (name === "#") return state.args?.every(isKnown) ? String(state.args.length) : UNKNOWN;
  if (name === "0") return state.name;
  if (/^[0-9]+$/.test(name)) return state.args === null ? UNKNOWN : (state.args[name - 1] ?? "");
  if (!/^[A-Za-z_]/.test(name) || CHANGING.has(name)) return UNKNOWN;
  if (name === "PWD") return state.cwd;
  if (name === "OLDPWD") return state.old;
  if (state.vars.has(name)) return state.vars.get(name);
  if (name === "HOME") return homeOf(ctx, state);
  return ctx.env !== null && Object.hasOwn(ctx.env, name) && typeof ctx.env[name] === "string" ? ctx.env[name] : undefined;
}

function indexed(value, index) {
  if (index === "@" || index === "*") return Array.isArray(value) || value === undefined ? value : [value];
  if (!Array.isArray(value)) return index === null || index === "0" ? value : UNKNOWN;
  const at = Number(index ?? 0);
  return Number.isInteger(at) ? (value.at(at) ?? "") : UNKNOWN;
}

function operate(ctx, state, { name, index, op, arg }) {
  const found = lookUp(ctx, state, name);
  // All positional parameters, not the first of them: they have no index.
  const value = name === "@" || name === "*" ? found : indexed(found, index);
  if (op === "") return value;
  const argument = () => textOf(ctx, state, arg ?? []);
  if (op[0] === "#" && op.length === 1 && arg.length === 0) return lengthOf(value);
  if (op[0] === "!") return op.length === 1 && typeof value === "string" && isKnown(value) ? lookUp(ctx, state, value) : UNKNOWN;
  if (/^:?[-=+?]$/.test(op)) return fallback(state, name, { op, value, argument });
  const text = argument();
  if (Array.isArray(value)) return op === ":" ? slicedList(value, text) : value.map((item) => edit(ctx, item, op, { text, arg }));
  return value === undefined ? UNKNOWN : edit(ctx, value, op, { text, arg });
}

function lengthOf(value) {
  if (value === undefined || (typeof value === "string" && !isKnown(value))) return UNKNOWN;
  return String(value.length);
}

function fallback(state, name, { op, value, argument }) {
  const kind = op.at(-1);
  const empty = value === undefined || (op.length === 2 && (value === "" || value.length === 0));
  if (kind === "+") {
    const other = argument();
    return value === undefined || value === UNKNOWN ? UNKNOWN : empty ? "" : other;
  }
  // The argument is looked at in any case: substitutions in it are to be listed.
  const other = argument();
  if (kind === "?") return value;
  if (!empty) return value;
  if (kind === "=" && /^[A-Za-z_]/.test(name)) state.vars.set(name, other);
  return other;
}

function slicedList(list, text) {
  const numbers = /^\s*(\d+)\s*(?::\s*(\d+)\s*)?$/.exec(text);
  if (!numbers) return [UNKNOWN];
  const from = Math.max(0, Number(numbers[1]) - 1);
  return list.slice(from, numbers[2] === undefined ? undefined : from + Number(numbers[2]));
}

function edit(ctx, value, op, { text, arg }) {
  ctx.charge(1 + (value.length >> 4));
  switch (op) {
    case "#":
    case "##":
    case "%":
    case "%%":
      return strip(ctx, value, op, text);
    case "/":
    case "//":
      return replace(value, op, arg, text);
    case "^^":
      return text === "" ? value.toUpperCase() : UNKNOWN;
    case ",,":
      return text === "" ? value.toLowerCase() : UNKNOWN;
    case "^":
      return text === "" ? value.slice(0, 1).toUpperCase() + value.slice(1) : UNKNOWN;
    case ",":
      return text === "" ? value.slice(0, 1).toLowerCase() + value.slice(1) : UNKNOWN;
    case ":":
      return substring(value, text);
    default:
      return UNKNOWN;
  }
}

function substring(value, text) {
  const numbers = /^\s*(-?\s*\d+)\s*(?::\s*(-?\d+)\s*)?$/.exec(text);
  if (!numbers || !isKnown(value)) return UNKNOWN;
  const from = Number(numbers[1].replace(/\s/g, ""));
  const start = from < 0 ? Math.max(0, value.length + from) : from;
  const length = numbers[2] === undefined ? undefined : Number(numbers[2]);
  if (length === undefined) return value.slice(start);
  return length < 0 ? value.slice(start, length) : value.slice(start, start + length);
}

function replace(value, op, arg, text) {
  if (!isKnown(value) || !isKnown(text) || arg.some((part) => part.t !== "lit")) return UNKNOWN;
  const at = arg.findIndex((part, i) => part.text.includes("/") && (i > 0 || part.text.indexOf("/") > 0 || arg.length === 1));
  const before = arg.slice(0, at < 0 ? undefined : at).map((part) => part.text).join("");
  const slash = at < 0 ? -1 : arg[at].text.indexOf("/");
  const from = at < 0 ? before : before + arg[at].text.slice(0, slash);
  const to = at < 0 ? "" : text.slice(from.length + 1);
  if (from === "" || /[*?[#%]/.test(from)) return UNKNOWN;
  return op === "/" ? value.replace(from, () => to) : value.replaceAll(from, () => to);
}

/** `${x#pattern}` and its like. An unknown part may hold what the pattern looks for: then only what is sure is kept. */
function strip(ctx, value, op, pattern) {
  const front = op[0] === "#";
  if (!isKnown(pattern) || (!isKnown(value) && (op === "%%" || op === "#"))) return UNKNOWN;
  const end = matchEnd(ctx, value, pattern, { front, longest: op.length === 2 });
  if (end === undefined) return UNKNOWN;
  const removed = front ? value.slice(0, end) : value.slice(end);
  const kept = front ? value.slice(end) : value.slice(0, end);
  return !front && !isKnown(removed) ? kept + UNKNOWN : kept;
}

/** Where the removed part ends (front) or begins; undefined when that cannot be told. */
function matchEnd(ctx, value, pattern, { front, longest }) {
  const star = pattern.indexOf("*");
  const special = /[?[\\]/.test(pattern) || star !== pattern.lastIndexOf("*");
  if (!special && star < 0) {
    const fits = front ? value.startsWith(pattern) : value.endsWith(pattern);
    return front ? (fits ? pattern.length : 0) : fits ? value.length - pattern.length : value.length;
  }
  if (!special && front && star === 0) {
    const at = longest ? value.lastIndexOf(pattern.slice(1)) : value.indexOf(pattern.slice(1));
    return at < 0 ? 0 : at + pattern.length - 1;
  }
  if (!special && !front && star === pattern.length - 1) {
    const at = longest ? value.indexOf(pattern.slice(0, -1)) : value.lastIndexOf(pattern.slice(0, -1));
    return at < 0 ? value.length : at;
  }
  if (value.length > MAX_PATTERN_VALUE || /[[\\]/.test(pattern)) return undefined;
  ctx.charge((value.length * value.length) >> 4);
  return slowEnd(value, pattern, { front, longest });
}

function slowEnd(value, pattern, { front, longest }) {
  const all = Array.from({ length: value.length + 1 }, (_, i) => i);
  const order = front === longest ? all.reverse() : all;
  return order.find((i) => fits(front ? value.slice(0, i) : value.slice(i), pattern)) ?? (front ? 0 : value.length);
}

/** Does a pattern of `*` and `?` fit the whole text? Greedy with one step back: no more than length times length. */
function fits(text, pattern) {
  let [t, p, star, mark] = [0, 0, -1, 0];
  while (t < text.length) {
    if (p < pattern.length && (pattern[p] === "?" || (pattern[p] === text[t] && pattern[p] !== "*"))) [t, p] = [t + 1, p + 1];
    else if (pattern[p] === "*") [star, mark, p] = [p, t, p + 1];
    else if (star >= 0) [p, mark, t] = [star + 1, mark + 1, mark + 1];
    else return false;
  }
  return /^\**$/.test(pattern.slice(p));
}
