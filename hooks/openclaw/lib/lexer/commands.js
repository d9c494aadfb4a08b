/** What a command with its words does: to the shell's state, to the list of commands, to the output. */
import { homeOf, isKnown, resolveFrom, UNKNOWN } from "./expand.js";
import { outputOf } from "./output.js";
import { MAX_DEPTH } from "./scan.js";
import { textOfWord } from "./word.js";
import { innerOf } from "./wrappers.js";

const DECLARED = /^([A-Za-z_][A-Za-z0-9_]*)(\+?)=([^]*)$/;

/**
 * @typedef {{argv: import("../lexer.js").Word[], assignments: object[], settings: {name: string, value: string, list: string[]|null}[],
 *   redirects: object[], heredocs: string[], stdin: {text: string, base: number}|null}} Call
 * @param {import("./run.js").Scan} scan @param {import("./run.js").Frame} frame @param {Call} call
 * @param {import("./expand.js").State} state @returns {import("./expand.js").State[]} the states after it
 */
export function runArgv(scan, frame, call, state) {
  scan.list(call, frame, state);
  const texts = call.argv.map(textOfWord);
  const name = nameOf(texts[0]);
  const body = state.funcs.get(texts[0]);
  if (body !== undefined) return runFunction(scan, frame, { body, texts, call }, state);
  const effect = Object.hasOwn(BUILTINS, name) ? BUILTINS[name] : null;
  const after = effect ? (effect({ scan, frame, call, state, texts }) ?? [state]) : [state];
  const inner = innerOf(name, { texts, call, state });
  if (inner !== null) return inner.reduce((states, one) => runInner(scan, frame, one, { call, state, states }), after);
  if (!writesElsewhere(call)) scan.print(outputOf(name, texts, { stdin: call.stdin?.text ?? null, cwd: state.cwd }));
  return after;
}

/** A command's plain name: the last part of its path, without `.exe`; empty when it is not known. @param {string} text */
export function nameOf(text) {
  const base = text.slice(Math.max(text.lastIndexOf("/"), text.lastIndexOf("\\")) + 1);
  return isKnown(base) ? base.replace(/\.exe$/i, "") : "";
}

const writesElsewhere = ({ redirects }) => redirects.some(({ op, fd }) => op.includes(">") && op !== "<>" && (fd === "" || fd === "1"));

function runFunction(scan, frame, { body, texts, call }, state) {
  scan.uncalled.delete(body.body);
  if (frame.depth >= MAX_DEPTH) return [state];
  const outer = { args: state.args, name: state.name };
  const inner = { ...body.frame, via: [...frame.via, "function"], repeat: true, depth: frame.depth + 1, stdin: call.stdin };
  const after = scan.walkNode(inner, body.body, Object.assign(state, { args: texts.slice(1) }));
  return after.map((one) => Object.assign(one, outer));
}

/** A command within a command: words that are a command themselves, or text that is to be parsed. */
function runInner(scan, frame, inner, { call, state, states }) {
  if (frame.depth >= MAX_DEPTH) {
    scan.complete = false;
    return states;
  }
  const next = { ...frame, via: [...frame.via, inner.via], depth: frame.depth + 1 };
  const own = inner.sameShell ? states : [childState(scan, call, state, inner)];
  if (inner.text === undefined) {
    const { assignments = [], settings = [] } = inner;
    const all = { ...call, argv: inner.argv, assignments: [...call.assignments, ...assignments], settings: [...call.settings, ...settings] };
    if (inner.argv.length === 0) return states;
    const after = own.flatMap((one) => runArgv(scan, next, all, one));
    return inner.sameShell ? after : states;
  }
  const text = { ...next, text: inner.text, base: inner.base, stdin: inner.fed ? null : call.stdin };
  const after = scan.walkText(text, own);
  return inner.sameShell ? after : states;
}

function childState(scan, call, state, { args, name, cwd, settings = [] }) {
  const child = scan.copy(state);
  for (const one of [...call.settings, ...settings]) child.vars.set(one.name, one.list ?? one.value);
  if (args !== undefined) Object.assign(child, { args, name: name ?? UNKNOWN });
  if (cwd !== undefined) child.cwd = resolveFrom(state.cwd, cwd);
  return child;
}

const BUILTINS = {
  cd: changeFolder,
  chdir: changeFolder,
  pushd: pushFolder,
  popd: ({ state, texts }) => {
    enter(state, texts.length > 1 || state.dirs.length === 0 ? UNKNOWN : state.dirs.pop());
  },
  export: declare,
  declare,
  typeset: declare,
  local: declare,
  readonly: declare,
  unset: ({ state, texts }) => {
    for (const name of texts.slice(1)) state.vars.has(name) && state.vars.set(name, "");
  },
  read: readLine,
  mapfile: readLines,
  readarray: readLines,
  getopts: forget,
  let: ({ state, texts }) => {
    for (const text of texts.slice(1)) state.vars.set(/^[A-Za-z_]\w*/.exec(text)?.[0] ?? "", UNKNOWN);
  },
  printf: ({ scan, state, texts }) => {
    if (texts[1] !== "-v" || texts.length < 4) return;
    state.vars.set(texts[2], outputOf("printf", ["printf", ...texts.slice(3)], { stdin: null, cwd: state.cwd }));
    scan.charge(1);
  },
  set: ({ state, texts }) => {
    const at = texts.indexOf("--");
    if (at > 0) state.args = texts.slice(at + 1);
    else if (texts.length > 1 && !/^[-+]/.test(texts[1])) state.args = texts.slice(1);
  },
  shift: ({ state, texts }) => {
    if (state.args !== null) state.args = state.args.slice(Number(texts[1] ?? 1) || 0);
  },
  exit: ({ state }) => {
    state.dead = true;
  },
};

function enter(state, to) {
  state.old = state.cwd;
  state.cwd = to;
}

/** @returns {import("./expand.js").State[]|null} both ways, where the target is known to be no folder */
function changeFolder({ scan, call, state, texts }) {
  const rest = texts.slice(1).filter((text) => !/^-[LPe@]+$/.test(text) && text !== "--");
  const to = rest.length === 0 ? homeOf({ home: scan.home }, state) : rest[0] === "-" ? state.old : resolveFrom(state.cwd, rest[0]);
  const stays = isKnown(to) && scan.isFolder !== null && !scan.isFolder(to) ? scan.copy(state) : null;
  // The target of a cd that has a `..` behind a link is decided by the text, as shells do by default.
  enter(state, to);
  if (call.argv.length > 0 && stays === null) return null;
  return [state, stays];
}

function pushFolder({ scan, call, state, texts }) {
  if (texts.length > 1 && /^[-+]\d+$/.test(texts[1])) return enter(state, UNKNOWN);
  if (texts.length === 1) {
    const top = state.dirs.pop() ?? UNKNOWN;
    state.dirs.push(state.cwd);
    return enter(state, top);
  }
  state.dirs.push(state.cwd);
  return changeFolder({ scan, call, state, texts });
}

function declare({ state, call, texts }) {
  for (const { name, list } of call.settings) if (list !== null) state.vars.set(name, list);
  for (const text of texts.slice(1)) {
    const match = DECLARED.exec(text);
    if (match) state.vars.set(match[1], match[2] === "" ? match[3] : `${state.vars.get(match[1]) ?? ""}${match[3]}`);
  }
}

const linesOf = (call) => (call.stdin === null || call.stdin.text === UNKNOWN ? [] : [...new Set(call.stdin.text.split(/[\n\0]+/))].filter((line) => line !== ""));
const MAX_LINES = 3;

/** `read f`: in a loop each line in its turn, so a way is followed for each of a few, and one for what many have in common. */
function readLine({ scan, call, state, texts }) {
  const names = texts.slice(1).filter((text) => /^[A-Za-z_]\w*$/.test(text));
  const lines = linesOf(call);
  forget({ state, texts });
  if (names.length > 1 || lines.length === 0) return null;
  const values = lines.length > MAX_LINES ? [inCommon(lines)] : lines;
  return values.map((value, i) => {
    const one = i === 0 ? state : scan.copy(state);
    one.vars.set(names[0] ?? "REPLY", value);
    return one;
  });
}

function inCommon([first, ...rest]) {
  let length = first.length;
  for (const line of rest) {
    let same = 0;
    while (same < length && line[same] === first[same]) same += 1;
    length = same;
  }
  return first.slice(0, length) + UNKNOWN;
}

function readLines({ call, state, texts }) {
  const name = texts.slice(1).findLast((text) => /^[A-Za-z_]\w*$/.test(text)) ?? "MAPFILE";
  const lines = linesOf(call);
  forget({ state, texts });
  if (lines.length > 0) state.vars.set(name, lines);
}

/** `read a b`: all names given may hold anything after it. */
function forget({ state, texts }) {
  for (const name of texts.slice(1)) if (/^[A-Za-z_]\w*$/.test(name)) state.vars.set(name, UNKNOWN);
  state.vars.set("REPLY", UNKNOWN);
  state.vars.set("MAPFILE", [UNKNOWN]);
}
