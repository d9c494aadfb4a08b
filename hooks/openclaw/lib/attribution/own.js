/** Our own program, asked about a skill: that is no use of it, or the skills that need an explanation most would have none. */
import { judgeProgram } from "../guard/program.js";

const PYTHON = /^(?:python[0-9.]*|py)$/;
/** What could make another program of the name: said anywhere in the text, none of it is taken for ours. */
const STEERING = /\b(?:PATH|PYTHON\w*|LD_\w+|DYLD_\w+|BASH_ENV|alias|function|hash|enable)\b|openclaw-vt['"\\]*\s*\(/;

/**
 * Can the program's name be trusted in this text? Not where the call brings its own environment, or the text a path to programs.
 * @param {string} text @param {Record<string, any>|undefined} env
 */
export const isSteered = (text, env) => STEERING.test(text) || Object.keys(env ?? {}).length > 0;

/**
 * Is the command, as a whole, our program with words that only read? By its bare name, by the launcher's path, or as Python's module;
 * any other file of that name could be anything. What a skill puts in the module's place is found as a module, not here.
 * @param {import("../lexer.js").Command} command @param {string|null|undefined} launcher absolute
 */
export function isOwnReading({ argv, assignments }, launcher) {
  if (argv.length === 0 || assignments.length > 0) return false;
  const args = argsOf(argv, launcher);
  if (args === null) return false;
  const { allowed, outputs } = judgeProgram(args);
  return allowed && outputs.length === 0;
}

function argsOf(argv, launcher) {
  const name = argv[0].value;
  if (name === "openclaw-vt" || (name !== null && name === launcher)) return argv.slice(1);
  if (name === null || !PYTHON.test(name)) return null;
  const at = argv.findIndex(({ value }, i) => i > 0 && !/^-[IsEuB]+$/.test(value ?? ""));
  return argv[at]?.value === "-m" && argv[at + 1]?.value === "openclaw_vt" ? argv.slice(at + 2) : null;
}
