/**
 * The part of openclaw.json (JSON5) that the gate stands on, cut out as text, so that two versions of the file can be compared.
 */
import { fold } from "./names.js";
import { GATE_KEYS } from "./openclaw.js";

const PLAIN = /[^"'/{}[\],:\s]+/y;
const BLANK = /(?:\s+|\/\/[^\n]*|\/\*[^]*?\*\/)+/y;
const STRING = /"(?:[^"\\]|\\[^])*"|'(?:[^'\\]|\\[^])*'/y;
const MAX = 1024 * 1024;
const KEYS = new Set([...GATE_KEYS, "env"]);

/**
 * Return the members of the top-level object whose keys the gate stands on, without comments and blanks, in order of appearance.
 * @param {string} text the whole file
 * @returns {string|null} null when it cannot be read
 */
export function gateText(text) {
  if (text.length > MAX) return null;
  const tokens = tokenize(text);
  if (!tokens || tokens[0] !== "{" || tokens.at(-1) !== "}") return null;
  return members(tokens.slice(1, -1));
}

function tokenize(text) {
  const tokens = [];
  let at = text.startsWith("\ufeff") ? 1 : 0;
  while (at < text.length) {
    const [found, token] = next(text, at);
    if (found === 0) return null;
    if (token) tokens.push(token);
    at += found;
  }
  return tokens;
}

/** How far the next token reaches, and the token itself; null for blanks and comments. */
function next(text, at) {
  for (const pattern of [BLANK, STRING, PLAIN]) {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match) return [match[0].length, pattern === BLANK ? null : match[0]];
  }
  return "{}[],:".includes(text[at]) ? [1, text[at]] : [0, null];
}

function members(tokens) {
  const kept = [];
  let depth = 0;
  let keep = null;
  for (const [at, token] of tokens.entries()) {
    if (depth === 0 && tokens[at + 1] === ":") keep = KEYS.has(fold(plainKey(token)));
    if (keep === null) return null;
    if (token === "{" || token === "[") depth += 1;
    if (token === "}" || token === "]") depth -= 1;
    if (depth < 0) return null;
    // A trailing comma, or which member comes next, changes nothing.
    if (keep && !(depth === 0 && token === ",")) kept.push(token);
  }
  return depth === 0 ? kept.join("\n") : null;
}

function plainKey(token) {
  const bare = /^["']/.test(token) ? token.slice(1, -1) : token;
  return bare.replace(/\\u\{([0-9a-fA-F]{1,6})\}|\\u([0-9a-fA-F]{4})|\\x([0-9a-fA-F]{2})|\\\n|\\/g, (_, wide, four, two) => {
    const code = Number.parseInt(wide ?? four ?? two ?? "", 16);
    return Number.isNaN(code) || code > 0x10ffff ? "" : String.fromCodePoint(code);
  });
}
