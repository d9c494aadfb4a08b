/**
 * What the agent types into a running terminal or process. Pieces are put together per session, so that a command typed letter by letter
 * is read as one.
 */
import { fold } from "./names.js";

const KEYS = new Map(
  Object.entries({ enter: "\n", return: "\n", kpenter: "\n", space: " ", tab: "\t", "c-m": "\n", "c-j": "\n", "^m": "\n", "^j": "\n" }),
);
const ERASES = new Set(["bspace", "backspace", "^h", "c-h"]);
const BACKSPACE = "\b";

/** The text that a call of the `process` or `terminal` tool types, or null. @param {Record<string, any>} params @returns {string|null} */
export function typedText(params) {
  switch (params.action) {
    case "write":
    case "input":
      return clean(params.data);
    case "paste":
      return clean(params.text);
    case "submit":
      return `${clean(params.data) ?? clean(params.text) ?? ""}\n`;
    case "send-keys":
      return `${clean(params.literal) ?? ""}${hexText(params.hex)}${keyText(params.keys)}`;
    default:
      return null;
  }
}

const clean = (text) =>
  typeof text === "string"
    ? text
        .replace(/\x1b\[20[01]~/g, "")
        .replace(/\r/g, "\n")
        .replace(/\x7f/g, BACKSPACE)
    : null;

function hexText(hex) {
  if (!Array.isArray(hex)) return "";
  const bytes = hex.map((one) => Number.parseInt(String(one).replace(/^0x/i, ""), 16)).filter((byte) => byte >= 0 && byte < 256);
  return clean(Buffer.from(bytes).toString("utf8"));
}

function keyText(keys) {
  if (!Array.isArray(keys)) return "";
  return keys
    .map((key) => {
      const name = fold(String(key).trim());
      if (ERASES.has(name)) return BACKSPACE;
      return (
        KEYS.get(name) ??
        (/^(?:\^.|[csm]-.+|f\d+|up|down|left|right|home|end|esc\w*|pg\w+|page\w+|[np]page|delete|dc|insert|ic)$/.test(name) ? "" : String(key))
      );
    })
    .join("");
}

/** Text as it stands after its backspaces. @param {string} text @returns {string} */
export function afterErasing(text) {
  if (!text.includes(BACKSPACE)) return text;
  const out = [];
  for (const letter of text) {
    if (letter === BACKSPACE) out.pop();
    else out.push(letter);
  }
  return out.join("");
}
