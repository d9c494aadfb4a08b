/** The paths that a command's words may mean. */
import path from "node:path";
import { resolveFrom, isKnown, UNKNOWN, WITHIN } from "../lexer/expand.js";
import { nameOf } from "../lexer/commands.js";
import { takesList } from "../lexer/trees.js";
import { textOfWord } from "../lexer/word.js";

const MAX_TOKENS = 256;
const MAX_WORD = 1 << 16;
const TOKEN = /[^\s'"`=,:;()<>|&@[\]\\]+/g;
const MANY_WORDS = /[\s'"`=,:;()<>|&@[\]\\]/;
const OPTION = /^-{1,2}[A-Za-z]?(?=.)/;
/** The running process's folder by another name. */
const OWN_FOLDER = /^\/+proc\/+(?:self|thread-self)\/+(cwd|root)(?=\/|$)/;
/** These show or change what a folder holds, but neither run a file nor give out what is in it. */
const NAMING = /^(?:ls|ll|stat|du|df|tree|test|\[|basename|dirname|realpath|readlink|mkdir|rmdir|cd|pushd|popd|chdir|pwd|file|which|type|touch|true|false|:)$/;
const SPEAKING = /^(?:echo|printf)$/;
const PYTHON = /^(?:python|pypy)[0-9.]*$/;
const CODE = /^(?:python|pypy|node|bun|deno|perl|ruby|php|lua|osascript|awk|gawk|mawk|tclsh|Rscript|jshell|ts-node|tsx|sed|sqlite3|psql|make|jq)[0-9.]*$/;
/** Of code in these a pattern may be one for files; in the others of CODE a star means something else. */
const GLOBBING = /^(?:python|pypy|node|bun|deno|perl|ruby|php|ts-node|tsx)[0-9.]*$/;
const QUIET = /^(?:cat|tee|echo|printf)$/;

/**
 * @typedef {{file: string, start: number, end: number, isPath: boolean, named: boolean, runs: boolean}} Candidate
 *   `runs`: it is what is run; `coded`: it stands in code of another language. `start`, `end` as in a Word.
 * @param {import("../lexer.js").Command} command @param {{env: object, home: string|null, own?: boolean}} around
 *   `own`: it is our own program and only reads: what it is given is spoken of, not used
 * @returns {Generator<Candidate>}
 */
export function* candidatesOf(command, { env, home, own = false }) {
  const cwd = folderOf(command);
  const name = nameOf(wordText(command.argv[0]));
  const at = { cwd, home, name, named: own || isNaming(name, command), loud: isLoud(name, command) };
  yield { file: cwd, start: -1, end: -1, isPath: false, named: at.named || command.argv.length === 0, runs: false };
  for (const [i, word] of command.argv.entries()) yield* ofWord(word, own && i === 0 ? { ...at, named: false } : at, i);
  for (const { value } of command.assignments) yield* ofWord(value, { ...at, named: command.argv.length === 0 }, 1);
  for (const { op, target } of command.redirects) if (!op.startsWith("<<")) yield* ofWord(target, { ...at, named: false }, 1);
  if (command.argv.length > 0) yield* program(wordText(command.argv[0]), { command, env });
  if (PYTHON.test(name)) yield* modules(command, cwd);
  if (at.loud) for (const text of [...command.heredocs, command.stdin ?? ""]) yield* inText(text, at);
  if (takesList(name, command.argv.map(wordText))) for (const file of (command.input ?? "").split(/[\n\0]+/, MAX_TOKENS)) if (file !== "") yield { file: resolveFrom(cwd, file), start: -1, end: -1, isPath: true, named: false, runs: false };
}

/** The folder that a command runs in, with UNKNOWN for what is not known of it. @param {import("../lexer.js").Command} command */
export const folderOf = (command) => command.cwd ?? command.cwdPieces.map((piece) => piece ?? UNKNOWN).join("");

/** Does a command only show or change what a folder holds? Its words may still be what a later one runs. @param {string} name */
export const isListing = (name) => NAMING.test(name);

/** Is this an interpreter whose code can go through folders? @param {string} name */
export const runsCode = (name) => GLOBBING.test(name);

const wordText = (word) => (word === undefined ? "" : textOfWord(word));

/** What is listed into a pipe or a file may be run from there. */
function isNaming(name, { via, redirects }) {
  const kept = !via.includes("pipe") && !redirects.some(({ op, target }) => op.includes(">") && target.value !== "/dev/null" && !/^\d$/.test(target.value ?? ""));
  return (NAMING.test(name) && kept) || (SPEAKING.test(name) && kept && !via.includes("substitution"));
}

const isLoud = (name, { redirects }) => !(QUIET.test(name) && redirects.some(({ op }) => op === ">" || op === ">>"));

function* ofWord(word, at, i) {
  const text = wordText(word);
  if (text === "" || text.length > MAX_WORD) return;
  const whole = text.startsWith("{baseDir}") ? UNKNOWN + text.slice("{baseDir}".length) : text;
  const file = resolveFrom(at.cwd, expandHome(whole, at, i).replace(OWN_FOLDER, (_, which) => (which === "cwd" ? at.cwd : "")));
  const runs = i === 0;
  const isPath = /[\\/]/.test(text) || i === 0 || /^~/.test(text);
  // A name without a slash in a command's place is looked for in PATH, not here.
  if (i > 0 || /\//.test(text)) yield { file, start: word.start, end: word.end, isPath: /[\\/]|^~/.test(text), named: at.named, runs };
  if (isPath && MANY_WORDS.test(text)) yield* inWord(word, text, at);
  else if (OPTION.test(text)) yield* optionValue(word, text, at);
}

const expandHome = (text, { home }, i) => (i > 0 && home !== null && home !== undefined ? text.replace(/^~(?=\/)/, () => home) : text);

/** `-Ipath`, `--file=path`: the path alone has a place when the word is written plainly. */
function* optionValue(word, text, at) {
  const from = OPTION.exec(text)[0].length;
  if (text[1] === "-" || !/\//.test(text)) return;
  yield part(word, text, { from, token: text.slice(from) }, at);
}

function part(word, text, { from, token }, at) {
  const plain = word.start >= 0 && word.literal === text;
  const start = plain ? word.start + from : -1;
  const named = at.named || (/\s/.test(text) && !CODE.test(at.name) && !/^(?:ssh|su|parallel|tmux|screen|at|batch|crontab|docker|podman)$/.test(at.name));
  return { file: fileOf(token, at), start, end: plain ? start + token.length : -1, isPath: true, named, runs: false, coded: GLOBBING.test(at.name) };
}

function* inWord(word, text, at) {
  yield* tokensOf(text, (from, token) => part(word, text, { from, token }, at));
}

function* inText(text, at) {
  const named = at.named || !(CODE.test(at.name) || /sh$/.test(at.name));
  yield* tokensOf(text.slice(0, MAX_WORD), (_, token) => ({ file: fileOf(token, at), start: -1, end: -1, isPath: true, named, runs: false, coded: GLOBBING.test(at.name) }));
}

/** A path in a text. In code it may be a pattern, which the language's own `glob` fills in. */
function fileOf(token, at) {
  const plain = expandHome(token, at, 1);
  if (!GLOBBING.test(at.name) || !/[*?]/.test(plain)) return resolveFrom(at.cwd, plain);
  const open = plain.replace(/\*\*+\/?/g, UNKNOWN).replace(/[*?]/g, WITHIN);
  return resolveFrom(at.cwd, open.startsWith(UNKNOWN) ? `./${open}` : open);
}

function* tokensOf(text, make) {
  let left = MAX_TOKENS;
  for (const match of text.matchAll(TOKEN)) {
    const [token] = match;
    if (!token.includes("/")) continue;
    yield make(match.index, token);
    left -= 1;
    if (left === 0) return;
  }
}

/** A program that is found through PATH may be a link into a skill, or PATH may lead into one. */
function* program(name, { command, env }) {
  if (name === "" || !isKnown(name) || /[\\/]/.test(name)) return;
  const own = command.assignments.find((one) => one.name === "PATH")?.value.value;
  const folders = (own ?? env?.PATH ?? "").split(path.delimiter).filter((folder) => folder.startsWith("/")).slice(0, 64);
  for (const folder of folders) yield { file: `${folder}/${name}`, start: -1, end: -1, isPath: false, named: false, runs: true };
}

/** `python -m skills.weather.main` */
function* modules({ argv }, cwd) {
  const at = argv.findIndex((word) => word.value === "-m");
  const module = at < 0 ? null : argv[at + 1]?.value;
  if (!module || !/^[\w.-]+$/.test(module)) return;
  yield { file: resolveFrom(cwd, module.replaceAll(".", "/")), start: -1, end: -1, isPath: true, named: false, runs: true };
}
