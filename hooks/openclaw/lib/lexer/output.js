/** What some plain commands print, where that is known from their words and input alone. */
import path from "node:path";
import { isKnown, resolveFrom, UNKNOWN } from "./expand.js";
import { pathsFound } from "./find.js";
import { unescapeAnsi } from "./scan.js";
import { namesPrinted } from "./trees.js";

const SILENT = new Set(
  "cd chdir export declare typeset local readonly unset set shift shopt true : false test [ mkdir touch rm cp mv ln chmod chown sleep trap alias umask wait return exit hash let".split(" "),
);
const MAX_LISTED = 1 << 16;
/** These print some lines of what they are fed, and these may change them. */
const FILTERS = new Set("sort uniq head tail shuf tac cat grep egrep fgrep rg".split(" "));
/** These print what they are given the names of, with more beside it. */
const LISTERS = new Set("ls ll stat du file wc md5sum sha1sum sha256sum sha512sum shasum cksum".split(" "));
const EDITORS = new Set("sed awk gawk mawk cut tr perl nl paste column".split(" "));

/**
 * @param {string} name @param {string[]} texts the words, UNKNOWN for unknown parts
 * @param {{stdin: string|null, cwd: string}} given @returns {string} with UNKNOWN where it cannot be told
 */
export function outputOf(name, texts, { stdin, cwd }) {
  if (SILENT.has(name)) return "";
  const make = Object.hasOwn(PRINTING, name) ? PRINTING[name] : null;
  const names = name === "find" || name === "fd" || name === "fdfind" ? pathsFound(texts) : namesPrinted(name, texts);
  return (names && lines(names)) ?? (make && make(texts.slice(1), { stdin, cwd })) ?? listed(name, texts) ?? filtered(name, stdin) ?? UNKNOWN;
}

const listed = (name, texts) => (LISTERS.has(name) && texts.some((text) => !isKnown(text)) ? lines([...named(texts.slice(1)), UNKNOWN]) : null);

/** Paths known in part remain so behind a filter. What is known to the letter is not: which of it is left would have to be told. */
function filtered(name, stdin) {
  if (stdin === null || stdin === UNKNOWN || isKnown(stdin)) return null;
  if (FILTERS.has(name)) return stdin;
  return EDITORS.has(name) ? `${stdin}\n${UNKNOWN}\n` : null;
}

const input = (texts, stdin) => (stdin !== null && texts.every((text) => text === "-") ? stdin : null);
const lines = (list) => list.map((text) => `${text}\n`).join("");
const named = (texts) => texts.filter((text) => !/^-./.test(text));
const decoded = (stdin, encoding) => (stdin === null || !isKnown(stdin) ? null : Buffer.from(stdin, encoding).toString("utf8"));

const PRINTING = {
  pwd: (_, { cwd }) => `${cwd}\n`,
  echo,
  printf,
  cat: (texts, { stdin }) => input(texts, stdin),
  tee: (_, { stdin }) => stdin,
  dirname: (texts) => lines(named(texts).map((text) => (text.endsWith(UNKNOWN) && !text.includes("/") ? UNKNOWN : folderOf(text)))),
  basename: (texts) => (texts.length === 0 || texts[0].startsWith("-") ? null : `${path.basename(texts[0], texts[1])}\n`),
  realpath: (texts, { cwd }) => lines(named(texts).map((text) => resolveFrom(cwd, text))),
  readlink: (texts, { cwd }) => (/^-[fem]/.test(texts[0] ?? "") ? lines(named(texts).map((text) => resolveFrom(cwd, text))) : null),
  base64: (texts, { stdin }) => (texts.length === 1 && /^(?:-d|-D|--decode|-di)$/.test(texts[0]) ? decoded(stdin, "base64") : null),
  xxd: (texts, { stdin }) => (/^-(?:r -p|p -r|rp|pr|r -ps)$/.test(texts.join(" ")) ? decoded(stdin?.replace(/\s+/g, "") ?? null, "hex") : null),
  rev: (texts, { stdin }) => (stdin === null || !isKnown(stdin) ? null : stdin.split("\n").map((line) => [...line].reverse().join("")).join("\n")),
  tr: translate,
};

/** What is not known may hold a slash: then the folder ends in it. */
function folderOf(text) {
  const at = text.lastIndexOf(UNKNOWN);
  return at < text.lastIndexOf("/") || at < 0 ? path.dirname(text) : text.slice(0, at + 1);
}

function echo(texts) {
  let [from, newline, escapes] = [0, true, false];
  for (; /^-[neE]+$/.test(texts[from] ?? ""); from += 1) {
    if (texts[from].includes("n")) newline = false;
    if (texts[from].includes("e")) escapes = true;
  }
  const text = texts.slice(from).join(" ");
  return (escapes ? unescapeAnsi(text) : text) + (newline ? "\n" : "");
}

const DIRECTIVE = /%(%|-?\d{0,3}(?:\.\d{1,3})?[sbqdiuxXoc])/g;

function printf(texts) {
  const [format, ...args] = texts[0] === "--" ? texts.slice(1) : texts;
  if (format === undefined || format.startsWith("-") || !isKnown(format)) return null;
  const plain = unescapeAnsi(format);
  const slots = (plain.match(DIRECTIVE) ?? []).filter((slot) => slot !== "%%").length;
  let text = "";
  for (let at = 0; at === 0 || at < args.length; at += slots || Infinity) {
    let i = at;
    text += plain.replace(DIRECTIVE, (_, kind) => (kind === "%" ? "%" : slotText(kind, args[i++] ?? "")));
    if (text.length > MAX_LISTED) return null;
  }
  return text;
}

function slotText(kind, text) {
  if (kind === "s") return text;
  if (kind === "b") return unescapeAnsi(text);
  return kind === "d" && /^\d+$/.test(text) ? text : UNKNOWN;
}

function translate(texts, { stdin }) {
  if (stdin === null || !isKnown(stdin) || texts.length !== 2 || !texts.every(isKnown)) return null;
  if (texts[0] === "-d") {
    const gone = rangeOf(texts[1]);
    return gone === null ? null : [...stdin].filter((c) => !gone.includes(c)).join("");
  }
  const [from, to] = texts.map(rangeOf);
  if (from === null || to === null || to.length === 0 || texts[0].startsWith("-")) return null;
  const map = new Map(from.map((c, i) => [c, to[i] ?? to.at(-1)]));
  return [...stdin].map((c) => map.get(c) ?? c).join("");
}

const CLASSES = { "[:upper:]": "A-Z", "[:lower:]": "a-z", "[:digit:]": "0-9", "[:space:]": " \t\n\r\v\f" };

/** The characters of a `tr` set such as `A-Za-z`. */
function rangeOf(set) {
  const plain = unescapeAnsi(set.replace(/\[:[a-z]+:\]/g, (name) => CLASSES[name] ?? name));
  if (plain.includes("[:") || plain.length > 64) return null;
  const all = [...plain.replace(/([^])-([^])/g, (_, a, b) => (a <= b && b < "\u0100" ? between(a, b) : ""))];
  return all.length > 1024 ? null : all;
}

const between = (a, b) => Array.from({ length: b.charCodeAt(0) - a.charCodeAt(0) + 1 }, (_, i) => String.fromCharCode(a.charCodeAt(0) + i)).join("");
