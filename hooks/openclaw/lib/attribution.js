/**
 * Which skills a tool call belongs to. OpenClaw does not say, so it is read from the call's paths and its shell text.
 *
 * What this cannot see, because no reading of a call can:
 *  1. Text that is made while it runs: a program name or script taken from a file, the network, `date`, a decoder other than the plain
 *     ones (base64, hex, rev, tr), an encrypted or compressed text, arithmetic. Such calls are `unresolved` where something is run by
 *     an unknown name, an unknown script or an unknown text.
 *  2. Copies. `cp skill/run.sh /tmp/x` and `cp -r skills /tmp/x` belong to the skills; a later call that runs what is in /tmp/x does not,
 *     nor does a hard link, nor what an archive that was packed earlier is unpacked to. Tools that copy whole folders and that we do
 *     not know (`rclone`, `docker build`, `git worktree`) are not seen either.
 *  3. What other programs do: a Makefile, package.json script, cron entry, editor, daemon, web server, linter or test runner outside the
 *     skills that runs or shows a file of a skill; `import` of a module that is found through a path set in an earlier call or a start-up file; an alias, function
 *     or variable of an earlier call or of the shell's start-up files.
 *  4. Code of other languages is not read, only searched for paths, patterns, and folders above skills where it goes through folders:
 *     `python -c "os.path.join('skills', 'x')"` is not seen.
 *  5. Time: a link that is turned elsewhere between this reading and the run; a folder that is created within the call.
 *  6. Keys typed into a program that already runs (`process` tool) are read as shell text, though the program may be none.
 *  7. Lists of files that come from a file (`xargs -a list`, `tar -T list`), or out of a filter that makes other names of them.
 *  8. Other machines and containers: `ssh host …`, a volume mounted under another name.
 * What a search through folders shows of a skill is a few lines: such skills are named as "below" (see attribution/reach.js).
 * The skills whose SKILL.md the session read before are named for such calls as possible ones (`how: "session"`).
 */
import path from "node:path";
import { parse } from "./lexer.js";
import { candidatesOf } from "./attribution/words.js";
import { isBlind } from "./attribution/blind.js";
import { isOwnReading, isSteered } from "./attribution/own.js";
import { reachedBy, wideHow } from "./attribution/reach.js";
import { afterErasing, typedText } from "./guard/typed.js";
import { matching } from "./attribution/patterns.js";
import { isKnown, resolveFrom } from "./lexer/expand.js";

export { createIndex } from "./skillindex.js";
export { createSessions } from "./sessions.js";

const SHELL_TOOL = /^(?:exec|bash|sh|shell|zsh|terminal|command|process|run(?:_|-)?(?:command|shell|terminal)?|system[._]run|execute(?:_command)?|powershell)$/i;
const TYPING_TOOL = /^(?:process|terminal)$/i;
const FILE_TOOL = /^(?:read|write|edit|multi_?edit|apply_patch|view|str_replace_editor|notebook_edit)$/i;
const FILE_KEYS = ["path", "file_path", "filePath", "file", "notebook_path", "target_file"];
const TEXT_KEYS = ["command", "cmd", "script", "data", "text", "input", "keys"];
/** The workshop's tool takes a skill by its name: these give out its text or change it. */
const WORKSHOP_ACTION = /^(?:read|patch|prepare_patch|update)$/;
/** How much a finding says: an entry is replaced by one that says more. */
const RANK = { below: 0, session: 1, suffix: 2, word: 2, path: 2 };
const PATCHED = /^\*\*\* (?:(?:Update|Add|Delete) File|Move to): (.+)$/gm;
const MAX_STRINGS = 256;
const MAX_DEPTH = 4;
const MAX_PATH = 4096;
const MAX_LOOKUPS = 4096;
const MAX_COMPARED = 50_000;
const MAX_FOLDERS = 64;
const MAX_WORDS = 60_000;
const MAX_TEXT = 1 << 20;

/**
 * @typedef {{root: string, how: "path"|"word"|"suffix"|"session"|"below", file?: string, spans?: [number, number][], files?: string[], covered?: boolean}} Used
 *   `root`: the skill's real folder. `file`: the first file of it that was meant. `how`: by a parameter, a word of a command, a word
 *   known only in part, because the session read its SKILL.md ("possible"), or because a search goes through a folder above it ("below":
 *   bad bytes must stop it, bytes that wait for review need not). `spans`: words of `params.command` that are such a path
 *   (`files`: which), and `covered`: whether all of its mentions have a span.
 * @typedef {{skills: Used[], named: string[], unresolved: boolean}} Attribution
 *   `named`: skills that were only listed or spoken of, `unresolved`: something is run that cannot be seen from the call
 * @param {{toolName: string, params: object, derivedPaths?: readonly string[], toolKind?: string, skillFile?: string}} call
 *   `skillFile`: the SKILL.md whose slash command made the call
 * @param {{index: import("./skillindex.js").Index, cwd: string, home: string, env?: object, launcher?: string|null,
 *   session?: string[]|{skills: () => string[]}}} around
 *   `cwd`: the agent's workspace; `launcher`: our own program; `session`: real folders of skills whose SKILL.md this session read, the newest first
 * @returns {Attribution}
 */
export function attribute({ toolName, params, derivedPaths, toolKind, skillFile }, around) {
  const seen = { ...around, used: new Map(), named: new Set(), unresolved: false, lookups: MAX_LOOKUPS, budget: { files: MAX_COMPARED, folders: MAX_FOLDERS, words: MAX_WORDS }, known: new Map(), session: sessionOf(around.session) };
  const given = typeof params === "object" && params !== null ? params : {};
  if (typeof skillFile === "string") usePath(seen, skillFile, around.cwd);
  // The tools that these call come by themselves, each with its own words.
  if (toolName === "tool_call" || toolKind === "code_mode_exec") return resultOf(seen);
  for (const file of derivedPaths ?? []) if (typeof file === "string") usePath(seen, file, around.cwd);
  const texts = shellTexts(toolName, given);
  if (texts.length > 0) readShell(seen, texts, given);
  else if (FILE_TOOL.test(toolName)) readFileCall(seen, given);
  else if (toolName === "skill_workshop") readWorkshop(seen, given);
  else for (const text of stringsOf(given)) if (looksLikePath(text)) usePath(seen, withoutScheme(text), around.cwd);
  const isOpen = texts.length > 0 && (seen.unresolved || (!seen.sawPath && seen.sawOther)) && [...seen.used.values()].every(({ how }) => how === "below");
  if (isOpen) for (const root of seen.session) use(seen, root, { how: "session" });
  return resultOf(seen);
}

function resultOf(seen) {
  return { skills: [...seen.used.values()].map(plainUse), named: [...seen.named].filter((root) => !seen.used.has(root)), unresolved: seen.unresolved };
}

const sessionOf = (session) => (Array.isArray(session) ? session : (session?.skills?.() ?? []));

function plainUse({ root, how, file, spans, files, covered }) {
  return { root, how, ...(file === undefined ? {} : { file }), ...(spans.length > 0 ? { spans, files, covered } : {}) };
}

function shellTexts(toolName, params) {
  const typed = TYPING_TOOL.test(toolName) ? typedText(params) : null;
  if (typed !== null) return [{ text: afterErasing(typed), spanned: false }];
  const isShell = SHELL_TOOL.test(toolName);
  const keys = isShell ? TEXT_KEYS : ["command", "cmd"];
  return keys.filter((key) => isShell || !FILE_TOOL.test(toolName)).flatMap((key) => {
    const value = params[key];
    if (typeof value === "string") return [{ text: value, spanned: key === "command" }];
    const isArgv = Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === "string");
    return isArgv ? [{ text: value.map(quoted).join(" "), spanned: false }] : [];
  });
}

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

function readFileCall(seen, params) {
  for (const key of FILE_KEYS) if (typeof params[key] === "string") usePath(seen, withoutScheme(params[key]), seen.cwd);
  for (const key of ["input", "patch"]) {
    if (typeof params[key] === "string") for (const [, file] of params[key].slice(0, MAX_TEXT).matchAll(PATCHED)) usePath(seen, file.trim(), seen.cwd);
  }
}

function readWorkshop(seen, { action, skill_name: name }) {
  if (typeof name !== "string" || name.trim() === "" || name.length > MAX_PATH || !WORKSHOP_ACTION.test(action)) return;
  for (const root of seen.index.madeAs(name)) use(seen, root, { how: "path", file: path.join(root, "SKILL.md") });
}

/** Every string of the parameters, as far as four levels down and 256 of them. */
function* stringsOf(params) {
  const queue = [[params, 0]];
  for (let left = MAX_STRINGS; queue.length > 0 && left > 0; ) {
    const [value, depth] = queue.shift();
    if (typeof value === "string") {
      left -= 1;
      yield value;
    } else if (typeof value === "object" && value !== null && depth < MAX_DEPTH) {
      for (const inner of Object.values(value).slice(0, MAX_STRINGS)) queue.push([inner, depth + 1]);
    }
  }
}

const looksLikePath = (text) => text.length <= MAX_PATH && /[\\/]|^~|^\{baseDir\}|SKILL\.md$/i.test(text) && !/\n/.test(text);

function withoutScheme(text) {
  if (!text.startsWith("file://")) return text;
  try {
    return decodeURIComponent(text.slice("file://".length));
  } catch {
    return text.slice("file://".length);
  }
}

/** A path in a parameter: what it says is what it means. */
function usePath(seen, raw, cwd) {
  if (raw === "" || raw.length > MAX_PATH || raw.includes("\0")) return;
  if (raw.startsWith("{baseDir}")) return usePattern(seen, `\uf8ff${raw.slice("{baseDir}".length)}`, { how: "path" });
  const known = raw.replace(/^@(?=[~./])/, "").replace(/^~(?=$|[\\/])/, () => seen.home ?? "~");
  const file = resolveFrom(cwd, path.sep === "\\" ? known.replaceAll("/", "\\") : known);
  for (const root of lookUp(seen, file)) use(seen, root, { how: "path", file });
}

/** Each path is looked up once in a call, and 4,096 of them at most. */
function lookUp(seen, file, ask = () => seen.index.skillsOf(file)) {
  const known = seen.known.get(file);
  if (known !== undefined) return known;
  if (seen.lookups <= 0) {
    seen.unresolved = true;
    return [];
  }
  seen.lookups -= 1;
  const roots = ask();
  seen.known.set(file, roots);
  return roots;
}

function use(seen, root, { how, file, span = null }) {
  const known = seen.used.get(root);
  const stays = known !== undefined && RANK[known.how] >= RANK[how];
  if (stays && how === "below") return;
  const entry = stays ? known : { root, how, file, spans: [], files: [], covered: how === "word" };
  if (!stays) seen.used.set(root, entry);
  if (how !== "word") return;
  if (span === null) entry.covered = false;
  else if (!entry.spans.some(([start]) => start === span[0])) {
    entry.spans.push(span);
    entry.files.push(file);
  }
}

function readShell(seen, texts, params) {
  const env = { ...seen.env, ...(typeof params.env === "object" ? params.env : {}) };
  const workdir = [params.workdir, params.cwd].find((value) => typeof value === "string" && value !== "");
  const cwd = workdir === undefined ? seen.cwd : resolveFrom(seen.cwd, workdir.replace(/^~(?=$|\/)/, () => seen.home ?? "~"));
  if (workdir !== undefined) usePath(seen, cwd, seen.cwd);
  for (const value of Object.values(params.env ?? {})) if (typeof value === "string") for (const part of value.split(":")) if (looksLikePath(part)) usePath(seen, part, cwd);
  const isFolder = (folder) => seen.index.isFolder(folder);
  for (const { text, spanned } of texts) {
    const { commands, complete } = parse(text, { cwd, home: seen.home, env, isFolder });
    if (!complete) readLoose(seen, text);
    const isTrusted = complete && !isSteered(text, params.env);
    for (const command of commands) readCommand(seen, command, { env, spanned, isTrusted });
    if (complete && seen.budget.words <= 0) readLoose(seen, text);
  }
}

/** Text that could not be read to its end: whatever names a skill's folder in it counts. */
function readLoose(seen, text) {
  seen.unresolved = true;
  for (const skill of seen.index.all()) if (skill.paths.some((folder) => text.includes(folder))) use(seen, skill.root, { how: "suffix" });
}

function readCommand(seen, command, { env, spanned, isTrusted }) {
  if (seen.budget.words <= 0) return;
  if (isBlind(command)) seen.unresolved = true;
  const own = isTrusted && isOwnReading(command, seen.launcher);
  if (!own) seen.sawOther = true;
  const wide = wideHow(command);
  for (const candidate of candidatesOf(command, { env, home: seen.home, own })) {
    if ((seen.budget.words -= 1) <= 0) break;
    const span = spanned && candidate.start >= 0 ? [candidate.start, candidate.end] : null;
    if (candidate.isPath) seen.sawPath = true;
    if (!isKnown(candidate.file)) usePattern(seen, candidate.file, { how: "suffix", named: candidate.named, runs: candidate.runs, wide, coded: candidate.coded });
    else for (const root of lookUpWord(seen, candidate)) candidate.named ? seen.named.add(root) : use(seen, root, { how: "word", file: candidate.file, span });
  }
  for (const { root, how } of own ? [] : reachedBy(command, seen)) use(seen, root, { how });
}

/** A word that merely may be a path costs a look at the disk only where one could be there. */
function lookUpWord(seen, { file, isPath }) {
  if (file.length > MAX_PATH || file.includes("\0")) return [];
  return lookUp(seen, file, () => (isPath || seen.index.mayHold(file) || seen.index.isLink(file) ? seen.index.skillsOf(file) : []));
}

/** A path known in part. One that may mean much beside skills counts as `wide` says; in code, whose purpose is not read, as "below". */
function usePattern(seen, pattern, { how, named = false, runs = false, wide = how, coded = false }) {
  const found = seen.known.get(pattern) ?? matching(pattern, seen);
  seen.known.set(pattern, found);
  const { roots, many, begin } = found;
  if (many && runs) seen.unresolved = true;
  const isAimed = begin === null || (coded ? seen.index.mayHold(path.normalize(begin)) : seen.index.skillOf(begin) !== null);
  const meant = isAimed ? how : coded ? "below" : wide;
  for (const root of roots) named || meant === "named" ? seen.named.add(root) : use(seen, root, { how: meant });
}
