/**
 * Command lines of our own program: what only reads may be run by the agent, everything else may not.
 *
 * @typedef {import("../lexer.js").Word} Word
 */
import { fold } from "./names.js";

/** Commands that change nothing a person decides about. A list: the actions of it that only read. @type {Record<string, true|string[]>} */
const READ_ONLY = {
  scan: true,
  verify: true,
  permissions: true,
  diff: true,
  audit: true,
  badge: true,
  demo: true,
  completion: true,
  directory: true,
  "dry-run": true,
  rescan: true,
  "verify-attestation": true,
  doctor: true,
  daemon: true,
  help: true,
  cache: ["list", "show", "verify"],
  config: ["show", "path", "validate"],
  quarantine: ["list", "show"],
  key: ["status"],
};
const ONLY_THESE = { daemon: ["--status", "--json"], doctor: ["--json", "--offline", "--debug", "--openclaw-state-dir"] };
const OUTPUT = /^(?:-o|--output|--sarif|--html)(?:=(.*))?$/s;

/** Commands that say yes or weaken something; what code that builds its own command line is searched for. */
export const WRITE_WORDS = Object.freeze([
  "accept",
  "suppress",
  "setup",
  "install-policy",
  "quarantine",
  "rotate",
  "simulator",
  "attest",
  "import",
  "prune",
  "restore",
  "reinstate",
]);

/**
 * Judge what follows the program's name.
 * @param {Word[]} args
 * @returns {{allowed: boolean, outputs: string[]}} outputs: files it would write, for the caller to look at
 */
export function judgeProgram(args) {
  const end = args.findIndex((word) => word.value === "--");
  const own = end < 0 ? args : args.slice(0, end);
  const texts = own.map((word) => (word.value === null ? null : fold(word.value)));
  if (texts.includes("--no-input")) return refused();
  if (texts.some((text) => text === "--help" || text === "-h")) return { allowed: true, outputs: [] };
  if (args.length === 0 || texts[0] === "--version") return { allowed: true, outputs: [] };
  return judgeCommand(texts, own);
}

const refused = () => ({ allowed: false, outputs: [] });

function judgeCommand([command, ...rest], words) {
  const known = command !== null && Object.hasOwn(READ_ONLY, command) ? READ_ONLY[command] : null;
  if (!known) return refused();
  if (Array.isArray(known) && !known.includes(rest[0])) return refused();
  if (command === "daemon" && !rest.includes("--status")) return refused();
  if (Object.hasOwn(ONLY_THESE, command) && !onlyThese(rest, ONLY_THESE[command])) return refused();
  if (command === "scan" && uploads(rest)) return refused();
  return { allowed: true, outputs: outputs(words.slice(1)) };
}

function onlyThese(rest, allowed) {
  return rest.every((text) => text !== null && (!text.startsWith("-") || allowed.includes(text.split("=")[0])));
}

function uploads(rest) {
  return rest.some((text, at) => {
    if (text === "--upload") return rest[at + 1] !== "never";
    return text?.startsWith("--upload=") && text !== "--upload=never";
  });
}

function outputs(words) {
  const files = [];
  for (const [at, word] of words.entries()) {
    const match = word.value === null ? null : OUTPUT.exec(word.value);
    const file = match && (match[1] ?? words[at + 1]?.value);
    if (file) files.push(file);
  }
  return files;
}
