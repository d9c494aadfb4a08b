/**
 * Shell text -> the commands in it, each with its words as far as they can be known without running anything.
 *
 * What is read: quotes, escapes, comments, here-documents, `cd`/`pushd`, subshells, pipes, lists, loops over known words, functions,
 * variables and their common operators, brace expansion, substitutions whose output is plain (`$(pwd)`, `$(dirname x)`, `$(echo x)`),
 * and commands that run other commands (`bash -c`, `eval`, `env`, `sudo`, `xargs`, `find -exec`, …), which are listed after them.
 * Where the shell could have gone two ways (`if`, `||`), both are followed, at most four at a time.
 *
 * @typedef {{value: string|null, literal: string, start: number, end: number, pieces: (string|null)[], text: string}} Word
 *   `value`: the text, or null where some of it is unknown (a glob is unknown too); `pieces`: what is known, null for the rest;
 *   `text`: the same in one, with marks (`lexer/expand.js`) for the rest; `literal`: as written; `start`, `end`: offsets in the top-level text (UTF-16 units), -1 when the word stands for several or was
 *   decoded. A caller may put a word of plain characters in the place of a span, whatever quotes are around it.
 * @typedef {{name: string, value: Word}} Assignment
 * @typedef {{op: string, fd: string, target: Word}} Redirect   `op` as written (`>`, `>>`, `<<`, …), `fd` the number or ""
 * @typedef {{argv: Word[], assignments: Assignment[], redirects: Redirect[], heredocs: string[], cwd: string|null,
 *   cwdPieces: (string|null)[], stdin: string|null, input: string|null, via: string[]}} Command
 *   `argv` is empty for assignments or redirections alone. `cwd` is null when unknown (`cwdPieces` then says what is known of it).
 *   `stdin`: what is piped or fed to it, where known; `input`: the same with marks for what is not, null where nothing is. `via`: how it was reached, outermost first ("pipe", "subshell", "bash -c", …).
 * @typedef {{cwd: string, env?: Record<string, string>, home?: string, vars?: Record<string, string>,
 *   isFolder?: (path: string) => boolean}} Around
 *   `isFolder`: asked for the target of a `cd`; where it says no, the `cd` may fail and both ways are followed.
 */
import { Scan } from "./lexer/run.js";

/** Longest text that is read, in UTF-16 units. */
export const MAX_TEXT = 256 * 1024;
/** Most commands that are listed. */
export const MAX_COMMANDS = 2000;

/**
 * Never throws. `complete` is false when some of the text could not be read (not shell, too long, too deep, too much):
 * what could be read is listed all the same, the rest as loose words (via "unparsed").
 * @param {string} command @param {Around} around @returns {{commands: Command[], complete: boolean}}
 */
export function parse(command, around) {
  const text = String(command);
  const scan = new Scan(around, { maxCommands: MAX_COMMANDS });
  scan.start(text.slice(0, MAX_TEXT));
  return { commands: scan.commands, complete: scan.complete && text.length <= MAX_TEXT };
}
