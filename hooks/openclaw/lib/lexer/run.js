/** The walk over parsed shell text: follows what each command does to the shell's state and lists the commands. */
import { fieldsOf, isKnown, piecesOf, textOf, UNKNOWN } from "./expand.js";
import { parseText } from "./grammar.js";
import { MAX_DEPTH, scanHeredoc, Unreadable } from "./scan.js";
import { runArgv } from "./commands.js";
import { copyOf, firstState, merged } from "./state.js";
import { declaredText, makeWord, spanStart, textOfWord } from "./word.js";

const MAX_WORK = 1_000_000;
const MAX_ROUNDS = 64;
const MAX_LOOSE = 4096;
const LOOSE = /([^\s'"`;&|()<>]+)|[;&|\n()]/g;
const DECLARING = /^(?:declare|typeset|local|export|readonly)$/;
const DECLARED = /^([A-Za-z_][A-Za-z0-9_]*)(\+?)=/;

/** Work or commands beyond the bounds: the walk ends, what was found stays. */
class Enough extends Error {}

/**
 * Where the walk is: `text` and `base` as in a Reader, `via` as in a Command, `repeat` when words may stand for several values,
 * `stdin` what is fed to the commands. @typedef {{text: string, base: number, via: string[], repeat: boolean, depth: number,
 * stdin: {text: string, base: number}|null}} Frame
 */
export class Scan {
  /** @param {import("../lexer.js").Around} around */
  constructor(around, { maxCommands }) {
    this.commands = [];
    this.complete = true;
    this.env = around.env ?? null;
    this.home = around.home ?? around.env?.HOME ?? null;
    this.isFolder = around.isFolder ?? null;
    this.sink = { text: "" };
    this.state = firstState(around);
    this.seen = new Set();
    this.uncalled = new Map();
    this.files = new WeakMap();
    this.work = 0;
    this.maxCommands = maxCommands;
    this.charge = (units) => {
      this.work += units;
      if (this.work > MAX_WORK) throw new Enough();
    };
  }

  start(text) {
    try {
      this.walkText({ text, base: 0, via: [], repeat: false, depth: 0, stdin: null }, [this.state]);
      // A function that is never called by its name is listed too: its name may be in a word that is not known.
      for (const [body, { frame, state }] of this.uncalled) {
        this.walkNode({ ...frame, via: [...frame.via, "function"], repeat: true }, body, { ...state, args: null });
      }
    } catch (error) {
      // A text can be made to nest deeper than the engine's own stack in ways no count foresees.
      if (!(error instanceof Enough) && !(error instanceof RangeError)) throw error;
      this.complete = false;
    }
  }

  /** Follows a whole text in `states`; returns the states after it. */
  walkText(frame, states) {
    if (frame.depth > MAX_DEPTH) {
      this.complete = false;
      return states;
    }
    this.charge(frame.text.length >> 4);
    const { items, ok, rest } = parseText(frame.text, frame.base, frame.depth);
    if (!ok) this.complete = false;
    const after = this.walkItems(frame, items, states);
    if (rest !== null) this.listLoose(frame, rest, after[0]);
    return after;
  }

  /** What cannot be read as shell is still listed, word by word. */
  listLoose(frame, from, state) {
    let argv = [];
    const flush = () => {
      if (argv.length > 0) this.list({ argv, assignments: [], redirects: [], heredocs: [] }, { ...frame, via: [...frame.via, "unparsed"] }, state);
      argv = [];
    };
    LOOSE.lastIndex = from;
    for (let match, n = 0; n < MAX_LOOSE && (match = LOOSE.exec(frame.text)) !== null; n += 1) {
      if (match[1] === undefined) flush();
      else argv.push(makeWord(match[1], match[1], frame.base < 0 ? -1 : frame.base + match.index));
    }
    LOOSE.lastIndex = 0;
    flush();
  }

  walkItems(frame, items, states) {
    let now = states;
    for (const { chain, background } of items) {
      const alive = now.filter((state) => !state.dead);
      if (alive.length > 0) now = alive;
      const after = this.walkChain(frame, chain, background ? now.map((state) => this.copy(state)) : now);
      if (!background) now = after;
    }
    return now;
  }

  copy(state) {
    this.charge(1 + (state.vars.size >> 2));
    return copyOf(state);
  }

  merge(states) {
    const { kept, all } = merged(states, this.charge);
    if (!all) this.complete = false;
    return kept;
  }

  /** `a && b || c`: the states in which the chain so far went well, and those in which it may have failed. */
  walkChain(frame, chain, states) {
    let good = states;
    let bad = [];
    // Where the chain hardly fails (a `cd`), what stands behind `||` is listed, but not taken to have happened.
    let unlikely = [];
    for (const [i, { op, stages }] of chain.entries()) {
      const lost = op === "||" && bad.length === 0;
      const from = op !== "||" ? good : lost ? unlikely : bad;
      const last = i === chain.length - 1;
      const before = chain.length === 1 || (last && !this.mayFail(stages)) ? [] : from.map((state) => this.copy(state));
      const after = this.walkStages(frame, stages, from);
      const ifBad = this.mayFail(stages) && !lost ? before : [];
      unlikely = before;
      if (op !== "||") [good, bad] = [after, this.merge([...bad, ...ifBad])];
      else [good, bad] = [lost ? good : this.merge([...good, ...after]), ifBad];
    }
    return bad.length > 0 ? this.merge([...good, ...bad]) : good;
  }

  /** A `cd` whose target is no folder takes both ways by itself; assignments do not fail. */
  mayFail(stages) {
    const [node] = stages;
    if (stages.length !== 1 || node.k !== "simple") return true;
    if (node.words.length === 0) return false;
    const first = node.words[0].parts[0];
    return !(first.t === "lit" && /^(?:cd|pushd|export|declare|local|echo|true|:|set)$/.test(first.text));
  }

  walkStages(frame, stages, states) {
    if (stages.length === 0) return states;
    const inner = states.length > 1 ? { ...frame, repeat: true } : frame;
    if (stages.length === 1) return this.merge(states.flatMap((state) => this.walkNode(inner, stages[0], state)));
    for (const state of states) this.walkPipe({ ...inner, via: [...frame.via, "pipe"] }, stages, state);
    return states;
  }

  walkPipe(frame, stages, state) {
    let { stdin } = frame;
    stages.forEach((node, i) => {
      const walk = () => this.walkNode({ ...frame, stdin }, node, this.copy(state));
      if (i === stages.length - 1) walk();
      else stdin = { text: this.outputOf(walk), base: -1 };
    });
  }

  /** What `walk` would print, as far as known. @param {() => void} walk */
  outputOf(walk) {
    const outer = this.sink;
    this.sink = { text: "" };
    try {
      walk();
      return this.sink.text;
    } finally {
      this.sink = outer;
    }
  }

  print(text) {
    this.charge(text.length >> 2);
    this.sink.text = this.sink.text.length + text.length > 1 << 18 ? UNKNOWN : this.sink.text + text;
  }

  walkNode(frame, node, state) {
    this.charge(1);
    const inner = node.redirs?.length > 0 && node.k !== "simple" ? this.openRedirects(frame, node, state) : frame;
    switch (node.k) {
      case "simple":
        return this.walkSimple(frame, node, state);
      case "subshell":
        this.walkItems({ ...inner, via: [...frame.via, "subshell"] }, node.body, [this.copy(state)]);
        return [state];
      case "group":
        return this.walkItems(inner, node.body, [state]);
      case "if":
        return this.walkIf(inner, node, state);
      case "while":
        return this.walkWhile(inner, node, state);
      case "for":
        return this.walkFor(inner, node, state);
      case "case":
        return this.walkCase(inner, node, state);
      case "func":
        state.funcs.set(node.name, { body: node.body, frame });
        this.uncalled.set(node.body, { frame, state: this.copy(state) });
        return [state];
      default:
        for (const word of node.words) fieldsOf(this.ctx(frame), state, word.parts);
        return [state];
    }
  }

  /** Redirections of a whole compound are listed by themselves, and feed what is in it. */
  openRedirects(frame, node, state) {
    const call = this.callOf(frame, { assigns: [], decls: [], words: [], redirs: node.redirs }, state);
    this.list(call, frame, state);
    return call.stdin === null ? frame : { ...frame, stdin: call.stdin };
  }

  walkIf(frame, { arms, other }, state) {
    const ends = [];
    let before = [state];
    for (const { cond, body } of arms) {
      before = this.walkItems(frame, cond, before);
      ends.push(...this.branch(frame, body, before));
    }
    ends.push(...(other ? this.branch(frame, other, before) : before));
    return this.merge(ends);
  }

  branch(frame, body, states) {
    this.print(UNKNOWN);
    return this.walkItems(frame, body, states.map((state) => this.copy(state)));
  }

  walkCase(frame, { word, arms }, state) {
    fieldsOf(this.ctx(frame), state, word.parts);
    return this.merge([...arms.flatMap((body) => this.branch(frame, body, [state])), state]);
  }

  /** Once as it begins, and once more with all that one round changed taken for unknown. */
  walkWhile(frame, { cond, body }, state) {
    const before = this.copy(state);
    this.print(UNKNOWN);
    const round = (inner, states) => this.walkItems(inner, body, this.walkItems(inner, cond, states));
    const after = round(frame, [state]);
    const blurred = after.map((one) => this.blur(before, one));
    if (blurred.every((one) => one === null)) return after;
    return this.merge([...after, before, ...round({ ...frame, repeat: true }, blurred.filter((one) => one !== null))]);
  }

  blur(before, after) {
    const changed = [...after.vars].filter(([name, value]) => String(before.vars.get(name)) !== String(value));
    if (changed.length === 0 && before.cwd === after.cwd) return null;
    const state = this.copy(after);
    for (const [name] of changed) state.vars.set(name, UNKNOWN);
    if (before.cwd !== after.cwd) state.cwd = UNKNOWN;
    return state;
  }

  walkFor(frame, { name, words, body }, state) {
    const ctx = this.ctx(frame);
    const values = words === null ? (state.args ?? [UNKNOWN]) : words.flatMap((word) => fieldsOf(ctx, state, word.parts));
    const rounds = values.length > MAX_ROUNDS ? [UNKNOWN] : values;
    if (values.length > MAX_ROUNDS) this.complete = false;
    const inner = rounds.length > 1 ? { ...frame, repeat: true } : frame;
    let states = [state];
    for (const value of rounds) {
      this.charge(4);
      for (const one of states) one.vars.set(name, value);
      states = this.walkItems(inner, body, states);
    }
    return states;
  }

  /** What expansion needs of the walk. */
  ctx(frame) {
    return { env: this.env, home: this.home, charge: this.charge, substitute: (part, state) => this.substitute(frame, part, state) };
  }

  substitute(frame, part, state) {
    if (frame.depth >= MAX_DEPTH) {
      this.complete = false;
      return UNKNOWN;
    }
    const inner = { ...frame, via: [...frame.via, "substitution"], depth: frame.depth + 1, stdin: null };
    const states = [{ ...this.copy(state), dead: false }];
    const output = this.outputOf(() => {
      if (part.body !== null) this.walkItems(inner, part.body, states);
      else this.walkText({ ...inner, text: part.text, base: part.base }, states);
    });
    if (part.file) this.files.set(part, output);
    return part.file ? UNKNOWN : output.replace(/\n+$/, "");
  }

  walkSimple(frame, node, state) {
    const call = this.callOf(frame, node, state);
    if (call.argv.length > 0) return runArgv(this, frame, call, state);
    for (const { name, value, list } of call.settings) state.vars.set(name, list ?? value);
    this.list(call, frame, state);
    if (node.redirs.some(({ op }) => op === "<")) this.print(UNKNOWN);
    return [state];
  }

  /** A simple command with its words expanded. Expansion comes before assignments, as in a shell. */
  callOf(frame, node, state) {
    const ctx = this.ctx(frame);
    const declares = node.words.length > 1 && DECLARING.test(frame.text.slice(node.words[0].s, Math.min(node.words[0].e, node.words[0].s + 9)));
    const argv = node.words.flatMap((word) => this.wordsOf(frame, ctx, state, word, declares));
    // Assignments see one another, but a command's words do not see those before it.
    const scratch = node.assigns.length > 1 ? this.copy(state) : state;
    const settings = [...node.assigns, ...node.decls].map((one) => {
      const setting = this.settingOf(frame, ctx, scratch, one);
      if (scratch !== state) scratch.vars.set(setting.name, setting.list ?? setting.value);
      return setting;
    });
    const redirects = [];
    const heredocs = [];
    let stdin = frame.stdin;
    for (const redirect of node.redirs) {
      const target = this.oneWord(frame, ctx, state, redirect.word);
      redirects.push({ op: redirect.op, fd: redirect.fd, target });
      const fed = this.fedBy(frame, ctx, state, redirect, target);
      if (redirect.op.startsWith("<<") && redirect.op !== "<<<") heredocs.push(fed.text);
      if (fed && (redirect.fd === "" || redirect.fd === "0")) stdin = fed;
    }
    const assignments = settings.map(({ name, word }) => ({ name, value: word }));
    return { argv, assignments, settings, redirects, heredocs, stdin };
  }

  fedBy(frame, ctx, state, redirect, target) {
    if (redirect.op === "<<<") return { text: `${textOfWord(target)}\n`, base: -1 };
    if (redirect.op === "<") return { text: this.files.get(redirect.word.parts[0]) ?? UNKNOWN, base: -1 };
    if (!redirect.op.startsWith("<<")) return null;
    const { text, base, quoted } = redirect.doc ?? { text: "", base: -1, quoted: true };
    if (quoted) return { text, base };
    try {
      const full = textOf(ctx, state, scanHeredoc(text, base, frame.depth));
      return { text: full, base: full === text ? base : -1 };
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      this.complete = false;
      return { text, base };
    }
  }

  settingOf(frame, ctx, state, { name, append, word, array }) {
    const before = append ? (state.vars.get(name) ?? "") : "";
    if (array !== null) {
      const list = array.flatMap((one) => fieldsOf(ctx, state, one.parts));
      const all = Array.isArray(before) ? [...before, ...list] : before === "" ? list : [before, ...list];
      return { name, list: all, value: all.join(" "), word: makeWord(all.join(" "), "", -1) };
    }
    const text = (Array.isArray(before) ? before[0] : before) + textOf(ctx, state, word.parts);
    const raw = frame.text.slice(word.s, word.e);
    return { name, list: null, value: text, word: makeWord(text, raw, frame.base < 0 || append || frame.repeat ? -1 : frame.base + word.s) };
  }

  oneWord(frame, ctx, state, ast) {
    const text = textOf(ctx, state, ast.parts);
    const globbed = ast.parts.some((part) => part.t === "glob") ? fieldsOf(ctx, state, ast.parts)[0] : text;
    return makeWord(globbed, frame.text.slice(ast.s, ast.e), spanStart(frame, ast));
  }

  wordsOf(frame, ctx, state, ast, declares) {
    const raw = frame.text.slice(ast.s, ast.e);
    const fields = declares && DECLARED.test(raw) ? [declaredText(ctx, state, ast.parts)] : fieldsOf(ctx, state, ast.parts);
    const start = fields.length === 1 ? spanStart(frame, ast) : -1;
    return fields.map((text) => makeWord(text, raw, start));
  }

  /** Puts a command on the list; one that is there already, word for word, is not listed again. */
  list(call, frame, state) {
    const { argv, assignments, redirects, heredocs } = call;
    if (argv.length + assignments.length + redirects.length === 0) return;
    this.charge(2 + argv.length);
    const known = isKnown(state.cwd);
    const stdin = call.stdin && isKnown(call.stdin.text) ? call.stdin.text : null;
    const command = {
      argv,
      assignments,
      redirects,
      heredocs,
      cwd: known ? state.cwd : null,
      cwdPieces: piecesOf(state.cwd),
      stdin,
      input: call.stdin?.text ?? null,
      via: frame.via,
    };
    if (frame.repeat && this.isRepeated(command)) return;
    if (this.commands.length >= this.maxCommands) throw new Enough();
    this.commands.push(command);
  }

  isRepeated({ argv, assignments, redirects, cwdPieces, via }) {
    const words = [...argv, ...assignments.map(({ value }) => value), ...redirects.map(({ target }) => target)];
    const key = [...via, "\0", ...cwdPieces, "\0", ...words.map((word) => `${word.start} ${textOfWord(word)}`)].join("\0");
    this.charge(key.length >> 2);
    if (this.seen.has(key)) return true;
    this.seen.add(key);
    return false;
  }
}
