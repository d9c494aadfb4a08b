/** Words as they are given out. */
import { isKnown, piecesOf, textOf } from "./expand.js";

/** Where a word begins in the top-level text, or -1. */
export function spanStart(frame, ast) {
  if (frame.base < 0) return -1;
  return frame.repeat && ast.parts.some((part) => part.t !== "lit") ? -1 : frame.base + ast.s;
}

/** `NAME=value` as a word of `export` and its like: not split, not globbed. */
export function declaredText(ctx, state, parts) {
  // A tilde counts after the equals sign, too.
  const [first, ...rest] = parts;
  const at = first.text.indexOf("=") + 1;
  return first.text.slice(0, at) + textOf(ctx, state, at < first.text.length ? [{ ...first, text: first.text.slice(at) }, ...rest] : rest);
}

/** @param {string} text @param {string} literal @param {number} start -1 when it has no place @returns {import("../lexer.js").Word} */
export function makeWord(text, literal, start) {
  return {
    value: isKnown(text) ? text : null,
    literal,
    start,
    end: start < 0 ? -1 : start + literal.length,
    pieces: piecesOf(text),
    text,
  };
}

/** The text of a word, with UNKNOWN for what is not known. @param {import("../lexer.js").Word} word */
export function textOfWord(word) {
  return word.text;
}

/** A word that is not in the text as it is. @param {string} text */
export const newWord = (text) => makeWord(text, text, -1);
