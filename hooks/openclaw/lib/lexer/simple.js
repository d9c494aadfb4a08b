/** Simple commands: assignments, words, redirections. */
import { close, skipBlanks, skipBreaks } from "./grammar.js";
import { scanWord, take, Unreadable } from "./scan.js";

const REDIRECT = /(\d+|\{[A-Za-z_]\w*\})?(<<<|<<-|<<|<>|<&|>>|>\||>&|<|>)|(&>>|&>)/y;
const ASSIGN = /([A-Za-z_][A-Za-z0-9_]*)(?:\[[^\]\n]{0,64}\])?(\+?)=/y;
const DECLARING = /^(?:declare|typeset|local|export|readonly)$/;

/** @param {import("./scan.js").Reader} r @returns {import("./grammar.js").Node} no words at all where no command begins */
export function parseSimple(r) {
  const node = { k: "simple", assigns: [], decls: [], words: [], redirs: [] };
  for (;;) {
    skipBlanks(r);
    const redirect = parseRedirect(r);
    if (redirect) {
      node.redirs.push(redirect);
      continue;
    }
    if (parseAssign(r, node)) continue;
    const word = scanWord(r);
    if (!word) return node;
    node.words.push(word);
  }
}

/** `NAME=value` before a command, or an array after `declare` and its like, whose other words are read later. */
function parseAssign(r, node) {
  const first = node.words[0];
  if (first && !DECLARING.test(r.text.slice(first.s, Math.min(first.e, first.s + 9)))) return false;
  const start = r.pos;
  const match = take(r, ASSIGN);
  if (match && r.text[r.pos] === "(") {
    r.pos += 1;
    (first ? node.decls : node.assigns).push({ name: match[1], append: match[2] !== "", word: null, array: parseArray(r) });
    return true;
  }
  if (!match || first) {
    r.pos = start;
    return false;
  }
  const word = scanWord(r) ?? { parts: [], s: r.pos, e: r.pos };
  node.assigns.push({ name: match[1], append: match[2] !== "", word, array: null });
  return true;
}

function parseArray(r) {
  const words = [];
  for (;;) {
    skipBreaks(r);
    const word = scanWord(r);
    if (!word) break;
    words.push(word);
  }
  close(r);
  return words;
}

/** @param {import("./scan.js").Reader} r @returns {import("./grammar.js").Redirect[]} */
export function parseRedirects(r) {
  const all = [];
  for (;;) {
    skipBlanks(r);
    const redirect = parseRedirect(r);
    if (!redirect) return all;
    all.push(redirect);
  }
}

function parseRedirect(r) {
  const start = r.pos;
  const match = take(r, REDIRECT);
  if (!match) return null;
  const op = match[2] ?? match[3];
  if ((op === "<" || op === ">") && r.text[r.pos] === "(") {
    r.pos = start;
    return null;
  }
  skipBlanks(r);
  const word = scanWord(r);
  if (!word) throw new Unreadable("no target");
  const redirect = { op, fd: match[1] ?? "", word, doc: null };
  if (op === "<<" || op === "<<-") {
    const end = word.parts.map((part) => part.text ?? "").join("");
    r.pending.push({ redirect, end, strip: op === "<<-", quoted: /['"\\]/.test(r.text.slice(word.s, word.e)) });
  }
  return redirect;
}
