/**
 * The agent must not answer for the person. This finds the calls by which it would: running us with anything but a read-only command,
 * changing our files or the settings the gate stands on, giving an approval, stopping the daemon, each also through a shell, a script,
 * another interpreter or an encoding, as far as reading alone can tell.
 *
 * What it cannot see is listed in CANNOT_SEE; the daemon's own checks (a controlling terminal, signed records, hashes at every use) stand behind it.
 */
import path from "node:path";
import { createContext } from "./guard/context.js";
import { fold, mentionsUs } from "./guard/names.js";
import { RULES, verdict } from "./guard/rules.js";
import { judgeTool } from "./guard/tools.js";

export { createGuardMemory } from "./guard/memory.js";
export { RULES };

/**
 * @typedef {object} GuardOptions
 * @property {{all?: () => Iterable<{root: string}|string>}} [index] known skills
 * @property {Partial<import("./guard/places.js").Places>} places absolute paths that are protected
 * @property {string} cwd the folder the call runs in
 * @property {string} [home]
 * @property {Record<string, string>} [env] the environment a command inherits
 * @property {(path: string) => string|{text: string, whole: boolean}|null} [readFile] instead of the disk
 * @property {import("./guard/memory.js").GuardMemory} [memory] of the plugin, so that what a session wrote and typed a moment ago is known
 * @property {string} [session]
 */

/**
 * Whether a tool call may go on. Never throws and waits for nothing.
 * @param {{toolName: string, params: Record<string, any>, derivedPaths?: readonly string[], toolKind?: string}} event
 * @param {GuardOptions} options
 * @returns {import("./guard/rules.js").Verdict|null} null: the guard has nothing against it
 */
export function protect(event, options) {
  try {
    const context = createContext(options);
    context.skillNames = () => skillNames(options.index);
    const found = judgeTool(context, event);
    // More scripts in scripts than anyone writes: what was left unread may be what matters.
    if (!found) return context.budget.spent ? verdict("guard.unclear") : null;
    return typeof found === "string" ? verdict(found) : found;
  } catch {
    // Whatever went wrong in here must not let a call pass that names what is protected.
    return concerns(event, options) ? verdict("guard.failed") : null;
  }
}

function skillNames(index) {
  const names = new Set();
  for (const skill of index?.all?.() ?? []) {
    const root = typeof skill === "string" ? skill : skill?.root;
    if (typeof root === "string") names.add(fold(path.basename(root)));
    if (names.size > 4096) break;
  }
  return names;
}

/** Whether a call names us or a protected place, told without anything that could fail again. */
function concerns(event, options) {
  try {
    const said = JSON.stringify(event?.params ?? "").slice(0, 4 * 1024 * 1024);
    const files = Object.values(options?.places ?? {})
      .flat()
      .filter((one) => typeof one === "string" && one.length > 3);
    return mentionsUs(said) || /openclaw\.json/i.test(said) || files.some((one) => said.includes(path.basename(one)));
  } catch {
    return true;
  }
}

/** What reading a call cannot show, for the threat model. @type {readonly {what: string, why: string}[]} */
export const CANNOT_SEE = Object.freeze([
  { what: "text fetched at run time (curl … | sh, a downloaded script run in the same call)", why: "it does not exist yet when the call is judged" },
  {
    what: "names put together from what only running tells (a file's content, a clock, the environment of another process, arithmetic)",
    why: "the guard runs nothing",
  },
  {
    what: "compiled programs, and interpreted ones behind further files they import or source through computed names",
    why: "one script is read, bounded, not everything it loads",
  },
  {
    what: "encryption, compression and encodings other than Base64, Base32, hexadecimal, escapes, character codes, reversal and ROT13",
    why: "there is no end to them",
  },
  {
    what: "a command kept in an alias, a function, a history or a key binding of the person's own shell start-up files",
    why: "the shell has it, the call does not",
  },
  {
    what: "clicks and keys in a browser, a desktop or a phone (browser, computer and screen tools), for example on the Control UI's approval button",
    why: "the call holds coordinates, not meaning",
  },
  {
    what: "requests to the Gateway's WebSocket or HTTP interface with its token, made by code that does not name the method",
    why: "they look like any other connection",
  },
  {
    what: "another agent or program outside OpenClaw's hooks (coding agents, MCP servers, remote nodes, jobs set up earlier)",
    why: "no tool call of theirs comes by",
  },
  {
    what: "signals to the daemon by its number alone, or ending every Python process",
    why: "a number says nothing; a missing daemon makes the gate ask or close",
  },
  { what: "archives and folders unpacked or synchronised over a parent folder of a protected place", why: "what lies in them is not read" },
  { what: "a file exchanged between the judgement and the run", why: "the guard judges what is there when the call is made" },
  { what: "the same user's own debugger, ptrace, /proc/<pid>/mem or root", why: "they are outside what one user's plugin can keep out" },
]);
