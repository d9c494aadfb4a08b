/** Commands that run something which their text does not show. */
import { nameOf } from "../lexer/commands.js";
import { textOfWord } from "../lexer/word.js";

const SHELL = /^(?:ba|z|da|k|a|mk)?sh$|^fish$/;
const INTERPRETER = /^(?:python|pypy|node|bun|deno|perl|ruby|php|lua|osascript|tclsh|Rscript|ts-node|tsx)[0-9.]*$/;
const SOURCING = /^(?:source|\.|eval)$/;

/**
 * Is the program, script or code that is run unknown, wholly or in part? A word whose folder or file name is known does not count:
 * it can be looked for. @param {import("../lexer.js").Command} command
 */
export function isBlind({ argv, stdin, via, redirects, heredocs, cwd }) {
  if (argv.length === 0 || via.includes("unparsed")) return via.includes("unparsed");
  const name = nameOf(textOfWord(argv[0]));
  if (name === "") return true;
  if (argv[0].value === null && !hasName(argv[0])) return true;
  if (cwd === null && argv[0].value?.includes("/") && !argv[0].value.startsWith("/")) return true;
  if (SOURCING.test(name)) return argv.slice(1, 2).some(isDark);
  if (!SHELL.test(name) && !INTERPRETER.test(name)) return false;
  const script = scriptOf(argv);
  if (script !== null) return isDark(script);
  const fed = via.includes("pipe") || redirects.some(({ op, target }) => (op === "<" || op === "<<<") && isDark(target));
  return fed && stdin === null && heredocs.length === 0;
}

/** The first word that is no option: a script, or the code after `-c`. */
function scriptOf(argv) {
  return argv.slice(1).find((word) => word.value === null || !/^-/.test(word.value)) ?? null;
}

/** Unknown in a way that leaves no folder and no name to look for. */
const isDark = (word) => word.value === null && !hasName(word) && !word.pieces[0]?.includes("/");

function hasName(word) {
  const last = word.pieces.at(-1);
  return last !== null && last.includes("/") && last.slice(last.lastIndexOf("/") + 1) !== "";
}
