/**
 * Words of a command, as the guard needs them.
 *
 * @typedef {import("../lexer.js").Word} Word
 */
import path from "node:path";
import { fold } from "./names.js";
import { braces, UNKNOWN } from "./places.js";

/** A word whose text is known. @param {string} text @returns {Word} */
export const known = (text) => ({ value: text, literal: text, start: -1, end: -1, pieces: [text] });

/** What is known of a word, with UNKNOWN for the rest; a glob, which reaches no further than a folder, as `*`. @param {Word} word @returns {string} */
export function patternOf(word) {
  if (word.value !== null) return word.value;
  const gap = /[$`]/.test(word.literal) || !/[*?[]/.test(word.literal) ? UNKNOWN : "*";
  return word.pieces.map((piece) => piece ?? gap).join("");
}

/** Folded text of a word, or null. @param {Word|undefined} word @returns {string|null} */
export const folded = (word) => (word === undefined || word.value === null ? null : fold(word.value));

/** Whether a word is an option. @param {Word} word @returns {boolean} */
export const isOption = (word) => (word.value ?? word.pieces[0] ?? "").startsWith("-") && word.value !== "-";

/** The words that are no options. @param {Word[]} words @returns {Word[]} */
export function operands(words) {
  const end = words.findIndex((word) => word.value === "--");
  return words.filter((word, at) => (end >= 0 && at > end) || (at !== end && !isOption(word)));
}

/**
 * The value of an option: `-o x`, `-ox` (short only), `--out x`, `--out=x`.
 * @param {Word[]} words @param {string[]} names @returns {Word[]} every one that is given
 */
export function optionValues(words, names) {
  const found = [];
  for (const [at, word] of words.entries()) {
    const text = patternOf(word);
    for (const name of names) {
      if (text === name && words[at + 1]) found.push(words[at + 1]);
      else if (name.startsWith("--") && text.startsWith(`${name}=`)) found.push(rest(word, name.length + 1));
      else if (!name.startsWith("--") && text.startsWith(name) && text.length > name.length) found.push(rest(word, name.length));
    }
  }
  return found;
}

/** What follows the first `count` characters of a word. @param {Word} word @param {number} count @returns {Word} */
export function rest(word, count) {
  if (word.value !== null) return known(word.value.slice(count));
  const [first, ...more] = word.pieces;
  return { ...word, pieces: [(first ?? "").slice(count), ...more].filter((piece) => piece !== "") };
}

/**
 * Absolute paths, or patterns for them, that a word can mean.
 * @param {Word} word @param {string|null} cwd @param {string|undefined} home @returns {string[]}
 */
export function pathsOf(word, cwd, home) {
  return braces(patternOf(word)).map((text) => absolute(text, cwd, home));
}

/** A path as seen from `cwd`; from an unknown folder it begins with UNKNOWN. @param {string} text @param {string|null} cwd @param {string} [home] */
export function absolute(text, cwd, home) {
  // `/proc/self` is the shell's own there, and would be this process's here.
  const plain = text
    .replace(/^file:\/\//, "")
    .replace(/^\/proc\/(?:self|thread-self|\d+)\/root(?=\/|$)/, "")
    .replace(/^\/proc\/(?:self|thread-self)\/cwd(?=\/|$)/, () => cwd ?? UNKNOWN);
  if (home && /^~(?=$|[\\/])/.test(plain)) return path.normalize(home + plain.slice(1));
  if (path.isAbsolute(plain) || /^[a-zA-Z]:[\\/]/.test(plain)) return path.normalize(plain);
  if (plain.startsWith(UNKNOWN)) return plain;
  return cwd === null ? `${UNKNOWN}/${path.normalize(plain)}` : path.normalize(path.join(cwd, plain));
}
