/**
 * Skills that a command reaches through a folder above them: `cp -r skills /tmp/x`, `rg foo` in the workspace.
 *
 * Agents search their workspace all day, and skills lie in it. A question for every `rg foo` as long as one skill waits for review would
 * teach people to say yes. So there are two kinds:
 *  - What copies, packs or prints whole files (`cp -r`, `tar c`, `find … -exec cat`, `grep -r '' .`) uses every skill below, with all that
 *    follows. After it their bytes lie where nothing asks again, or the model has read them.
 *  - What searches (`grep -r TODO .`, `rg foo`, `git grep`), counts or goes through folders by other means gives the skills below as
 *    "below": a skill that is known to be bad stops the call, one that only waits for review does not. What gets out is a few lines of it.
 * What shows names alone (`ls`, `find`, `grep -rl`, `git status`) uses nothing.
 */
import { isKnown, resolveFrom, UNKNOWN } from "../lexer/expand.js";
import { nameOf } from "../lexer/commands.js";
import { searchGives, treeOf } from "../lexer/trees.js";
import { textOfWord } from "../lexer/word.js";
import { belowMatching, fits } from "./patterns.js";
import { folderOf, isListing, runsCode } from "./words.js";

const COUNTING = /^(?:wc|cksum|sum|md5|md5sum|sha\d*sum|shasum|b2sum|xxhsum)$/;
const MAX_CODE = 1 << 16;
const MAX_PATH = 4096;
const MAX_LITERALS = 64;
const LITERAL = /(['"`])((?:(?!\1)[^\\\n]){1,256})\1/g;
const BEFORE = 24;
const NOTHING = { gives: "names", folders: [], names: [], skips: [] };
const WALKS = /walk|glob|\bfind\s*\(|listdir|scandir|iterdir|readdir|opendir|Dir\b|File::Find|recursive|copytree|copy_tree|make_archive|cpSync|\bcp_r\b|\bfs\.cp\b/;
const COPIES = /copytree|copy_tree|make_archive|cpSync|\bcp_r\b|\bfs\.cp\b|\b(?:move|rename\w*|symlink\w*)\s*\(/;
const CALLED = /(?:walk|path|dir|glob|find|cp\w*|copy\w*|tree|archive|move|rename\w*)\s*\(\s*[rbf]{0,2}$/i;
const HERE = /getcwd|Path\.cwd|process\.cwd|Dir\.pwd|Path\(\)|(?:listdir|scandir)\(\)/;

/**
 * @typedef {{root: string, how: "suffix"|"below"}} Reached
 * @param {import("../lexer.js").Command} command
 * @param {{index: import("../skillindex.js").Index, home: string|null, budget: {files: number, folders: number}, unresolved: boolean,
 *   known: Map<string, any>}} around   `budget` is used up, and `unresolved` set when it is
 * @returns {Reached[]}
 */
export function reachedBy(command, around) {
  if (command.argv.length === 0) return [];
  const texts = command.argv.map(textOfWord);
  const name = nameOf(texts[0]);
  const tree = treeOf(name, texts, { fed: command.input !== null });
  if (tree !== null && tree.gives !== "names") return ofTree(tree, command, around);
  return runsCode(name) ? ofCode(codeIn(command, texts), command, around) : [];
}

/**
 * What a skill is to a command that reaches it through a pattern that may mean much else: used, "below", or only named.
 * @param {import("../lexer.js").Command} command @returns {"suffix"|"below"|"named"}
 */
export function wideHow({ argv }) {
  const texts = argv.map(textOfWord);
  const name = nameOf(texts[0] ?? "");
  if (isListing(name)) return "named";
  const gives = searchGives(name, texts);
  if (gives === null) return COUNTING.test(name) ? "below" : "suffix";
  return gives === "content" ? "suffix" : gives === "names" ? "named" : "below";
}

function ofTree({ gives, folders, names, skips }, command, around) {
  const how = gives === "search" ? "below" : "suffix";
  return folders.flatMap((folder) => below(folder, command, around).filter((skill) => isMeant(skill, { names, skips }, around)).map(({ root }) => ({ root, how })));
}

function below(folder, command, around) {
  const { index, home, known, budget } = around;
  const file = resolveFrom(folderOf(command), home ? folder.replace(/^~(?=$|\/)/, () => home) : folder);
  const key = `below\0${file}`;
  if (known.has(key)) return known.get(key);
  if (file.includes("\0") || file.length > MAX_PATH) return [];
  if (budget.folders <= 0) {
    around.unresolved = true;
    return [];
  }
  budget.folders -= 1;
  known.set(key, isKnown(file) ? index.below(file) : belowMatching(file, { index }));
  return known.get(key);
}

/** Is a skill left over by what a command leaves out and keeps to? */
function isMeant({ root, ways }, { names, skips }, { index, budget }) {
  if (ways.every((way) => isSkipped(way.replace(/^\/+/, ""), skips))) return false;
  if (names.length === 0 || budget.files <= 0) return true;
  const files = index.filesOf(root);
  budget.files -= files?.length ?? budget.files;
  return files === null || files.some((file) => names.some((name) => fits(file.slice(file.lastIndexOf("/") + 1), name)));
}

const isSkipped = (way, skips) => skips.some((skip) => (skip.startsWith("/") ? `/${way}/`.startsWith(`${skip}/`) : way.split("/").includes(skip)));

/** Code on the command line or fed to an interpreter, but not a script's name. */
function codeIn({ heredocs, stdin }, texts) {
  const inline = texts.filter((text, i) => i > 0 && /[\s('"]/.test(text));
  return [...inline, ...heredocs, stdin ?? ""].map((text) => text.slice(0, MAX_CODE));
}

function ofCode(codes, command, around) {
  const found = [];
  for (const code of codes) {
    for (const words of commandsIn(code)) found.push(...ofTree(treeOf(nameOf(words[0]), words) ?? NOTHING, command, around));
    if (!WALKS.test(code) && !COPIES.test(code)) continue;
    for (const folder of foldersIn(code)) {
      const file = resolveFrom(folderOf(command), folder);
      // The code's own folder names are no accident where they are those of skills.
      const how = COPIES.test(code) || around.index.mayHold(file) ? "suffix" : "below";
      for (const { root } of below(folder, command, around)) found.push({ root, how });
    }
  }
  return found;
}

/** Texts of the code that may be a command: `os.system("cp -r skills /tmp")`. */
function commandsIn(code) {
  const texts = [...code.matchAll(LITERAL)].slice(0, MAX_LITERALS).map(([, , text]) => text);
  return texts.filter((text) => /\S\s/.test(text)).map((text) => text.trim().split(/\s+/));
}

/** Texts of the code that may be folders. `.` and `/` are as often something else: they count as what a call is given. */
function foldersIn(code) {
  const found = HERE.test(code) ? ["."] : [];
  for (const { index: at, 2: text } of code.matchAll(LITERAL)) {
    if (found.length >= MAX_LITERALS) break;
    const before = code.slice(Math.max(0, at - BEFORE), at);
    if (!/[*?\s]/.test(text) && !text.includes(UNKNOWN) && (!/^[./]+$/.test(text) || CALLED.test(before))) found.push(text);
  }
  return found;
}
