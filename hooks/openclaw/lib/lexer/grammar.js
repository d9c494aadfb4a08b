/**
 * Shell grammar: text -> lists of commands. Nothing is run or expanded here.
 *
 * @typedef {{chain: {op: string, stages: Node[]}[], background: boolean}} Item   `a && b | c &`
 * @typedef {{name: string, append: boolean, word: WordAst|null, array: WordAst[]|null}} Assign
 * @typedef {{op: string, fd: string, word: WordAst, doc: {text: string, base: number, quoted: boolean}|null}} Redirect
 * @typedef {{k: "simple", assigns: Assign[], decls: Assign[], words: WordAst[], redirs: Redirect[]}
 *   | {k: "subshell"|"group", body: Item[], redirs: Redirect[]}
 *   | {k: "if", arms: {cond: Item[], body: Item[]}[], other: Item[]|null, redirs: Redirect[]}
 *   | {k: "while", cond: Item[], body: Item[], redirs: Redirect[]}
 *   | {k: "for", name: string, words: WordAst[]|null, body: Item[], redirs: Redirect[]}
 *   | {k: "case", word: WordAst, arms: Item[][], redirs: Redirect[]}
 *   | {k: "func", name: string, body: Node}
 *   | {k: "words", words: WordAst[], redirs: Redirect[]}} Node   "words": `[[ … ]]` and `(( … ))`, which run nothing themselves
 * @typedef {import("./scan.js").WordAst} WordAst
 * @typedef {import("./scan.js").Reader} Reader
 */
import { reader, scanWord, take, Unreadable } from "./scan.js";
import { parseRedirects, parseSimple } from "./simple.js";

const MAX_NEST = 64;
const BLANK = /(?:[ \t]|\\\n)+/y;
const RESERVED = /(?:if|then|elif|else|fi|while|until|do|done|for|select|case|esac|function|coproc|time|in|\{|\}|!|\[\[)(?=[ \t\n;&|()<>]|$)/y;
const FUNCTION_NAME = /([^ \t\n|&;()<>'"$`\\=]{1,256})[ \t]*\([ \t]*\)/y;
const ANY_NAME = /[^ \t\n|&;()<>'"$`\\]+/y;
const ENDS = new Set(["then", "elif", "else", "fi", "do", "done", "esac", "}"]);

/**
 * The whole of a text. What cannot be read is given as `rest`, its offset, and everything before it as items.
 * @param {string} text @param {number} base @param {number} depth @returns {{items: Item[], ok: boolean, rest: number|null}}
 */
export function parseText(text, base, depth) {
  const r = reader(text, base, depth);
  const items = [];
  let start = 0;
  try {
    for (;;) {
      skipBreaks(r);
      start = r.pos;
      if (r.pos >= text.length) break;
      items.push(parseItem(r));
      if (r.pos < text.length && !atBreak(r)) throw new Unreadable("stray text");
    }
    readDocs(r);
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    return { items, ok: false, rest: start };
  }
  return { items, ok: r.ok, rest: null };
}

/** Commands up to a `)`, `;;`, a closing reserved word or the end. @param {Reader} r @returns {Item[]} */
export function parseList(r) {
  const items = [];
  nest(r, 1);
  for (;;) {
    skipBreaks(r);
    if (r.pos >= r.text.length || r.text[r.pos] === ")" || r.text.startsWith(";;", r.pos) || ENDS.has(peekReserved(r))) break;
    items.push(parseItem(r));
    if (r.pos < r.text.length && !atBreak(r) && r.text[r.pos] !== ")") throw new Unreadable("stray text");
  }
  nest(r, -1);
  return items;
}

function nest(r, by) {
  r.nest += by;
  if (r.nest > MAX_NEST) throw new Unreadable("too deep");
}

/** Whether an item may end here; `;` and `&` were passed by parseItem, so the character before this place tells. */
function atBreak(r) {
  const before = r.text[r.pos - 1];
  return before === ";" || before === "&" || r.text[r.pos] === "\n" || r.text[r.pos] === "#" || r.text.startsWith(";;", r.pos) || ENDS.has(peekReserved(r));
}

/** Blanks and a comment. @param {Reader} r */
export function skipBlanks(r) {
  take(r, BLANK);
  if (r.text[r.pos] === "#" && (r.pos === 0 || " \t\n;&|()".includes(r.text[r.pos - 1]))) {
    const end = r.text.indexOf("\n", r.pos);
    r.pos = end < 0 ? r.text.length : end;
  }
}

/** Blanks, comments and line ends; the here-documents that were announced are read at the first of these. */
export function skipBreaks(r) {
  for (;;) {
    skipBlanks(r);
    if (r.text[r.pos] !== "\n") return;
    r.pos += 1;
    readDocs(r);
  }
}

function readDocs(r) {
  for (const redirect of r.pending.splice(0)) readDoc(r, redirect);
}

function readDoc(r, { redirect, end, strip, quoted }) {
  const start = r.pos;
  const lines = [];
  while (r.pos < r.text.length) {
    const stop = r.text.indexOf("\n", r.pos);
    let line = r.text.slice(r.pos, stop < 0 ? undefined : stop);
    r.pos = stop < 0 ? r.text.length : stop + 1;
    if (strip) line = line.replace(/^\t+/, "");
    // Bash takes the end of the text for the end of the document too, and so is this.
    if (line === end) break;
    lines.push(line, stop < 0 ? "" : "\n");
  }
  const text = lines.join("");
  redirect.doc = { text, quoted, base: !strip && r.base >= 0 ? r.base + start : -1 };
}

function peekReserved(r) {
  RESERVED.lastIndex = r.pos;
  return RESERVED.exec(r.text)?.[0] ?? null;
}

function want(r, word) {
  skipBreaks(r);
  if (peekReserved(r) !== word) throw new Unreadable(`no ${word}`);
  r.pos += word.length;
}

function parseItem(r) {
  const chain = [{ op: "", stages: parsePipeline(r) }];
  for (;;) {
    skipBlanks(r);
    const op = r.text.slice(r.pos, r.pos + 2);
    if (op !== "&&" && op !== "||") break;
    r.pos += 2;
    skipBreaks(r);
    chain.push({ op, stages: parsePipeline(r) });
  }
  const c = r.text[r.pos];
  if (c === "&" || (c === ";" && r.text[r.pos + 1] !== ";" && r.text[r.pos + 1] !== "&")) r.pos += 1;
  return { chain, background: c === "&" };
}

function parsePipeline(r) {
  for (;;) {
    const word = peekReserved(r);
    if (word !== "!" && word !== "time" && word !== "coproc") break;
    r.pos += word.length;
    take(r, /[ \t]+-p(?=[ \t])/y);
    skipBlanks(r);
    if (r.pos >= r.text.length || "\n;&|)".includes(r.text[r.pos])) return [];
  }
  const stages = [parseCommand(r)];
  for (;;) {
    skipBlanks(r);
    if (r.text[r.pos] !== "|" || r.text[r.pos + 1] === "|") return stages;
    r.pos += r.text[r.pos + 1] === "&" ? 2 : 1;
    skipBreaks(r);
    stages.push(parseCommand(r));
  }
}

function parseCommand(r) {
  nest(r, 1);
  const start = r.pos;
  const node = parseCompound(r) ?? parseSimple(r);
  if (r.pos === start) throw new Unreadable("no command");
  if (node.k !== "simple" && node.k !== "func") node.redirs = parseRedirects(r);
  nest(r, -1);
  return node;
}

const COMPOUND = {
  "{": parseGroup,
  if: parseIf,
  while: parseWhile,
  until: parseWhile,
  for: parseFor,
  select: parseFor,
  case: parseCase,
  function: parseFunction,
  "[[": parseCondition,
};

function parseCompound(r) {
  if (r.text.startsWith("((", r.pos)) return parseCondition(r);
  if (r.text[r.pos] === "(") return parseSubshell(r);
  const word = peekReserved(r);
  if (word !== null && Object.hasOwn(COMPOUND, word)) {
    if (word !== "[[") r.pos += word.length;
    return COMPOUND[word](r);
  }
  if (word !== null && word !== "in") throw new Unreadable(`${word} out of place`);
  const named = take(r, FUNCTION_NAME);
  return named && named[1] !== "[" ? parseFunctionBody(r, named[1]) : null;
}

function parseSubshell(r) {
  r.pos += 1;
  const body = parseList(r);
  close(r);
  return { k: "subshell", body, redirs: [] };
}

/** Passes a `)`. @param {Reader} r */
export function close(r) {
  if (r.text[r.pos] !== ")") throw new Unreadable("no )");
  r.pos += 1;
}

function parseGroup(r) {
  const body = parseList(r);
  want(r, "}");
  return { k: "group", body, redirs: [] };
}

function parseIf(r) {
  const arms = [];
  let other = null;
  for (;;) {
    const cond = parseList(r);
    want(r, "then");
    arms.push({ cond, body: parseList(r) });
    const next = peekReserved(r);
    r.pos += next?.length ?? 0;
    if (next === "elif") continue;
    if (next === "else") {
      other = parseList(r);
      want(r, "fi");
    } else if (next !== "fi") throw new Unreadable("no fi");
    return { k: "if", arms, other, redirs: [] };
  }
}

function parseDo(r) {
  skipBreaks(r);
  if (peekReserved(r) === "{") {
    r.pos += 1;
    return parseGroup(r).body;
  }
  want(r, "do");
  const body = parseList(r);
  want(r, "done");
  return body;
}

function parseWhile(r) {
  const cond = parseList(r);
  return { k: "while", cond, body: parseDo(r), redirs: [] };
}

function parseFor(r) {
  skipBlanks(r);
  if (r.text.startsWith("((", r.pos)) {
    parseCondition(r);
    take(r, /[ \t]*;/y);
    return { k: "while", cond: [], body: parseDo(r), redirs: [] };
  }
  const name = take(r, ANY_NAME)?.[0];
  if (!name) throw new Unreadable("no name");
  skipBreaks(r);
  let words = null;
  if (peekReserved(r) === "in") {
    r.pos += 2;
    words = parseWords(r);
  }
  skipBlanks(r);
  if (r.text[r.pos] === ";") r.pos += 1;
  return { k: "for", name, words, body: parseDo(r), redirs: [] };
}

function parseWords(r) {
  const words = [];
  for (;;) {
    skipBlanks(r);
    const word = scanWord(r);
    if (!word) return words;
    words.push(word);
  }
}

function parseCase(r) {
  skipBlanks(r);
  const word = scanWord(r);
  if (!word) throw new Unreadable("no word");
  want(r, "in");
  const arms = [];
  for (;;) {
    skipBreaks(r);
    if (peekReserved(r) === "esac") break;
    if (r.pos >= r.text.length) throw new Unreadable("no esac");
    parsePatterns(r);
    arms.push(parseList(r));
    take(r, /;;&?|;&/y);
  }
  r.pos += 4;
  return { k: "case", word, arms, redirs: [] };
}

function parsePatterns(r) {
  if (r.text[r.pos] === "(") r.pos += 1;
  for (;;) {
    skipBlanks(r);
    scanWord(r);
    skipBlanks(r);
    if (r.text[r.pos] !== "|") break;
    r.pos += 1;
  }
  close(r);
}

function parseFunction(r) {
  skipBlanks(r);
  const name = take(r, ANY_NAME)?.[0];
  if (!name) throw new Unreadable("no name");
  take(r, /[ \t]*\([ \t]*\)/y);
  return parseFunctionBody(r, name);
}

function parseFunctionBody(r, name) {
  skipBreaks(r);
  return { k: "func", name, body: parseCommand(r) };
}

/** `[[ … ]]` and `(( … ))`: their words matter only for the substitutions in them. */
function parseCondition(r) {
  const end = r.text[r.pos] === "(" ? "))" : "]]";
  r.pos += 2;
  const words = [];
  for (;;) {
    take(r, /[ \t\n]+/y);
    if (r.pos >= r.text.length) throw new Unreadable(`no ${end}`);
    if (end === "))" && r.text.startsWith(end, r.pos)) break;
    const word = scanWord(r);
    if (word && end === "]]" && r.text.slice(word.s, word.e) === end) return { k: "words", words, redirs: [] };
    if (word) words.push(word);
    else r.pos += 1;
  }
  r.pos += 2;
  return { k: "words", words, redirs: [] };
}
