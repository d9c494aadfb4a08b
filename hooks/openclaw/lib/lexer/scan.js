/**
 * Words of shell text, as parts: literal text, variables, substitutions. No expansion is done here.
 *
 * @typedef {{t: "lit", text: string, q: boolean}
 *   | {t: "glob", text: string, q: false}
 *   | {t: "var", name: string, index: string|null, op: string, arg: Part[]|null, bare?: boolean, q: boolean}
 *   | {t: "sub", body: import("./grammar.js").Item[]|null, text: string|null, base: number, q: boolean, file: boolean}
 *   | {t: "arith", inner: Part[], q: boolean}} Part
 *   `bare`: `$name` without braces; `q`: quoted, so neither split nor globbed. A `sub` has its body parsed, or (backticks) the text still to be parsed.
 * @typedef {{parts: Part[], s: number, e: number}} WordAst   offsets in the reader's own text
 * @typedef {{text: string, pos: number, base: number, pending: object[], depth: number, nest: number, ok: boolean}} Reader
 */
import { parseList } from "./grammar.js";

/** How deep substitutions, `${…}` and decoded texts may lie in one another. */
export const MAX_DEPTH = 8;

/** The text is no shell text that can be read any further, or lies too deep. */
export class Unreadable extends Error {}

const PLAIN = /[^ \t\n|&;()<>\\'"$`*?[]+/y;
const IN_DOUBLE = /[^"\\$`]+/y;
const IN_HEREDOC = /[^\\$`]+/y;
const IN_BRACES = /[^}\\'"$`]+/y;
const IN_ARITH = /[^()'"$`\\]+/y;
const NAME = /[A-Za-z_][A-Za-z0-9_]*|[0-9]+|[@*#?$!-]/y;
const SIMPLE_NAME = /[A-Za-z_][A-Za-z0-9_]*|[0-9@*#?$!-]/y;
const INDEX = /\[([^\][\n]{0,64})\]/y;
const OPERATOR = /:?[-=+?]|##?|%%?|\/\/?|\^\^?|,,?|:|@/y;
// Bounded, so that a run of brackets costs no more than its length times a constant.
const BRACKET = /\[[!^]?\]?[^\]\n '"$`\\|&;()<>]{0,64}\]/y;

/** @param {string} text @param {number} [base] offset of `text` in the top-level text, or -1 @returns {Reader} */
export function reader(text, base = 0, depth = 0) {
  return { text, pos: 0, base, pending: [], depth, nest: 0, ok: true };
}

/** The match of a sticky pattern at the reader's place, which moves past it; else null. */
export function take(r, pattern) {
  pattern.lastIndex = r.pos;
  const match = pattern.exec(r.text);
  if (match) r.pos = pattern.lastIndex;
  return match;
}

/** One word, or null where none begins. @param {Reader} r @returns {WordAst|null} */
export function scanWord(r) {
  const start = r.pos;
  const parts = [];
  while (r.pos < r.text.length) {
    const run = take(r, PLAIN);
    if (run) parts.push(lit(run[0], false));
    else if (!scanSpecial(r, parts)) break;
  }
  return r.pos > start ? { parts: closeBrackets(parts), s: start, e: r.pos } : null;
}

function scanSpecial(r, parts) {
  switch (r.text[r.pos]) {
    case "\\":
      return scanEscape(r, parts);
    case "'":
      return scanSingle(r, parts);
    case '"':
      return scanDouble(r, parts);
    case "$":
      return scanDollar(r, parts, false);
    case "`":
      return scanBacktick(r, parts, false);
    case "*":
    case "?":
      return parts.push({ t: "glob", text: r.text[r.pos++], q: false });
    case "[": {
      const set = take(r, BRACKET);
      return parts.push(set ? { t: "glob", text: set[0], q: false } : { t: "glob", text: r.text[r.pos++], q: false });
    }
    case "<":
    case ">":
      return r.text[r.pos + 1] === "(" && scanSubstitution(r, parts, { q: true, file: true });
    default:
      return false;
  }
}

const lit = (text, q) => ({ t: "lit", text, q });

function scanEscape(r, parts) {
  const next = r.text[r.pos + 1];
  r.pos = Math.min(r.pos + 2, r.text.length);
  if (next !== "\n") parts.push(lit(next ?? "\\", true));
  return true;
}

function scanSingle(r, parts) {
  const end = r.text.indexOf("'", r.pos + 1);
  if (end < 0) r.ok = false;
  parts.push(lit(r.text.slice(r.pos + 1, end < 0 ? undefined : end), true));
  r.pos = end < 0 ? r.text.length : end + 1;
  return true;
}

function scanDouble(r, parts) {
  r.pos += 1;
  parts.push(lit("", true));
  scanUntil(r, parts, { plain: IN_DOUBLE, end: '"', escapes: '$`"\\' });
  return true;
}

/** The parts of a here-document that is not quoted. @param {string} text @param {number} base @param {number} depth */
export function scanHeredoc(text, base, depth) {
  const r = reader(text, base, depth);
  const parts = [];
  scanUntil(r, parts, { plain: IN_HEREDOC, end: null, escapes: "$`\\" });
  return parts;
}

/** Text in which only `$`, backticks and some escapes mean something, up to `end` (which is passed). */
function scanUntil(r, parts, { plain, end, escapes }) {
  while (r.pos < r.text.length) {
    const run = take(r, plain);
    if (run) {
      parts.push(lit(run[0], true));
      continue;
    }
    const c = r.text[r.pos];
    if (c === end) {
      r.pos += 1;
      return;
    }
    if (c === "\\") scanQuotedEscape(r, parts, escapes);
    else if (c === "$") scanDollar(r, parts, true);
    else if (c === "`") scanBacktick(r, parts, true);
    else parts.push(lit(r.text[r.pos++], true));
  }
  if (end !== null) r.ok = false;
}

function scanQuotedEscape(r, parts, escapes) {
  const next = r.text[r.pos + 1];
  if (next !== undefined && next !== "\n" && !escapes.includes(next)) parts.push(lit(`\\${next}`, true));
  else if (next !== "\n") parts.push(lit(next ?? "\\", true));
  r.pos = Math.min(r.pos + 2, r.text.length);
}

function scanDollar(r, parts, q) {
  const next = r.text[r.pos + 1];
  if (next === "(") return isArithmetic(r) ? scanArithmetic(r, parts, q) : scanSubstitution(r, parts, { q, file: false });
  if (next === "{") return scanParameter(r, parts, q);
  if (!q && next === "'") return scanAnsi(r, parts);
  if (!q && next === '"') {
    r.pos += 1;
    return scanDouble(r, parts);
  }
  r.pos += 1;
  const name = take(r, SIMPLE_NAME);
  if (name) parts.push({ t: "var", name: name[0], index: null, op: "", arg: null, bare: /^[A-Za-z_]/.test(name[0]), q });
  else parts.push(lit("$", q));
  return true;
}

function descend(r) {
  r.depth += 1;
  if (r.depth > MAX_DEPTH) throw new Unreadable("too deep");
}

function scanSubstitution(r, parts, { q, file }) {
  r.pos += 2;
  descend(r);
  const body = parseList(r);
  if (r.text[r.pos] === ")") r.pos += 1;
  else if (r.pos >= r.text.length) r.ok = false;
  else throw new Unreadable("no end of a substitution");
  r.depth -= 1;
  parts.push({ t: "sub", body, text: null, base: -1, q, file });
  return true;
}

const BACKTICK = /(?:[^`\\]|\\[^])*/y;

function scanBacktick(r, parts, q) {
  r.pos += 1;
  const start = r.pos;
  const raw = take(r, BACKTICK)[0];
  if (r.text[r.pos] === "`") r.pos += 1;
  else {
    r.ok = false;
    r.pos = r.text.length;
  }
  const text = raw.replace(q ? /\\([$`\\"])/g : /\\([$`\\])/g, "$1");
  parts.push({ t: "sub", body: null, text, base: text === raw && r.base >= 0 ? r.base + start : -1, q, file: false });
  return true;
}

/** Does `$((` begin arithmetic, not a subshell within a substitution? It does when its two brackets close side by side. */
function isArithmetic(r) {
  if (r.text[r.pos + 2] !== "(") return false;
  let open = 0;
  for (let i = r.pos + 1; i < r.text.length; i += 1) {
    const c = r.text.charCodeAt(i);
    if (c === 92) i += 1;
    else if (c === 40) open += 1;
    else if (c === 41) {
      open -= 1;
      if (open === 1) return r.text[i + 1] === ")";
    }
  }
  return false;
}

function scanArithmetic(r, parts, q) {
  r.pos += 3;
  descend(r);
  const inner = [];
  for (let open = 2; open > 0 && r.pos < r.text.length; ) {
    if (take(r, IN_ARITH)) continue;
    const c = r.text[r.pos];
    if (c === "$") scanDollar(r, inner, true);
    else if (c === "`") scanBacktick(r, inner, true);
    else {
      open += c === "(" ? 1 : c === ")" ? -1 : 0;
      r.pos += c === "\\" ? 2 : 1;
    }
  }
  r.depth -= 1;
  parts.push({ t: "arith", inner: inner.filter((part) => part.t !== "lit"), q });
  return true;
}

function scanParameter(r, parts, q) {
  r.pos += 2;
  descend(r);
  const indirect = /[!#](?=[A-Za-z_0-9@*])/y;
  const sigil = take(r, indirect)?.[0] ?? "";
  const name = take(r, NAME)?.[0] ?? "";
  const index = take(r, INDEX)?.[1] ?? null;
  const op = sigil + (take(r, OPERATOR)?.[0] ?? "");
  const arg = [];
  scanBraced(r, arg, q);
  r.depth -= 1;
  parts.push({ t: "var", name, index, op, arg, q });
  return true;
}

function scanBraced(r, parts, q) {
  while (r.pos < r.text.length) {
    const run = take(r, IN_BRACES);
    if (run) {
      parts.push(lit(run[0], q));
      continue;
    }
    const c = r.text[r.pos];
    if (c === "}") {
      r.pos += 1;
      return;
    }
    if (c === "\\") scanEscape(r, parts);
    else if (c === "'") q ? parts.push(lit(r.text[r.pos++], q)) : scanSingle(r, parts);
    else if (c === '"') scanDouble(r, parts);
    else if (c === "$") scanDollar(r, parts, q);
    else scanBacktick(r, parts, q);
  }
  r.ok = false;
}

const ANSI = /(?:[^'\\]|\\[^])*/y;
const ANSI_ESCAPE = /\\(?:([0-7]{1,3})|x([0-9A-Fa-f]{1,2})|u([0-9A-Fa-f]{1,4})|U([0-9A-Fa-f]{1,8})|c([^])|([^]))/g;
const ANSI_CHARS = { n: "\n", t: "\t", r: "\r", a: "\x07", b: "\b", e: "\x1b", E: "\x1b", f: "\f", v: "\v" };

function scanAnsi(r, parts) {
  r.pos += 2;
  const raw = take(r, ANSI)[0];
  if (r.text[r.pos] === "'") r.pos += 1;
  else {
    r.ok = false;
    r.pos = r.text.length;
  }
  // A NUL ends such a string in bash, whatever follows it.
  parts.push(lit(unescapeAnsi(raw).split("\0", 1)[0], true));
  return true;
}

/** The text of a `$'…'` string's inside. Bytes above 127 are read as UTF-8. @param {string} raw */
export function unescapeAnsi(raw) {
  const text = raw.replace(ANSI_ESCAPE, (_, oct, hex, u4, u8, control, char) => {
    if (oct ?? hex) return byte(oct ? parseInt(oct, 8) & 255 : parseInt(hex, 16));
    if (u4 ?? u8) return point(parseInt(u4 ?? u8, 16));
    if (control) return String.fromCharCode(control.toUpperCase().charCodeAt(0) & 31);
    return ANSI_CHARS[char] ?? ("'\"\\?".includes(char) ? char : `\\${char}`);
  });
  return text.replace(/[\uE080-\uE0FF]+/g, (run) => Buffer.from([...run].map((c) => c.charCodeAt(0) & 255)).toString("utf8"));
}

// Bytes above 127 wait as private-use characters until the whole run of them can be decoded.
const byte = (value) => String.fromCharCode(value < 128 ? value : 0xe000 + value);
const point = (value) => (value <= 0x10ffff && !(value >= 0xd800 && value <= 0xdfff) ? String.fromCodePoint(value) : "\ufffd");

/** An opening bracket that was met before its end was known: with a `]` later in the word it is a set, else plain text. */
function closeBrackets(parts) {
  const open = parts.findIndex((part) => part.t === "glob" && part.text === "[");
  if (open < 0) return parts;
  const close = parts.findLastIndex((part) => part.t === "lit" && !part.q && part.text.includes("]"));
  if (close < open) return parts.map((part) => (part.t === "glob" && part.text === "[" ? lit("[", false) : part));
  const end = parts[close].text.lastIndexOf("]") + 1;
  const inside = parts.slice(open, close).filter((part) => part.t === "sub" || part.t === "var");
  return [
    ...parts.slice(0, open),
    { t: "glob", text: "[", q: false },
    ...inside,
    lit(parts[close].text.slice(end), false),
    ...parts.slice(close + 1),
  ];
}
