/**
 * Commands that go through whole folders: which folders, and what comes out. The options that decide it are those of GNU, BSD and the
 * common tools; one that is not known counts as taking no value.
 */
import { marked } from "./find.js";
import { UNKNOWN, WITHIN } from "./expand.js";

/**
 * @typedef {object} Tree
 * @property {"copy"|"content"|"search"|"names"} gives what comes out: the files, all that is in them, what a search finds, or names alone
 * @property {string[]} folders as written (`.` where none is named), with marks for what is not known
 * @property {string[]} names globs for the names of the files it keeps to, none for all
 * @property {string[]} skips folders it leaves out: a name, or `/` and the way to it from the top
 */
const list = (text) => text.split(" ");
const GREP_LONGS = list("regexp file max-count after-context before-context context directories devices label include exclude exclude-dir exclude-from binary-files");
const RG_LONGS = list(
  "regexp file glob iglob type type-not type-add type-clear after-context before-context context max-count max-columns max-depth max-filesize " +
    "threads replace encoding engine color colors sort sortr pre pre-glob ignore-file path-separator context-separator field-match-separator",
);
const GREP = { letters: "ABCDefmd", longs: GREP_LONGS, silent: /^(?:-[lLcq]|--files-with.*|--count|--quiet|--silent)$/, asked: /^(?:-[rR]|--(?:rec|deref).*)$/ };
const SEARCHES = {
  grep: GREP,
  egrep: GREP,
  fgrep: GREP,
  zgrep: GREP,
  ggrep: GREP,
  rgrep: { ...GREP, asked: null },
  rg: { letters: "ABCEMTdefgjmrt", longs: RG_LONGS, silent: /^(?:-[lcq]|--files.*|--count.*|--quiet|--type-list)$/, feeds: true },
  ag: { letters: "ABCGmWgp", longs: list("after before context depth file-search-regex ignore ignore-dir max-count path-to-ignore workers width"), silent: /^(?:-[lLcg]|--files-with.*|--count)$/, feeds: true },
  ack: { letters: "ABCgm", longs: list("after-context before-context context match max-count ignore-dir ignore-directory type"), silent: /^(?:-[lLcfg]|--files-with.*|--count)$/, feeds: true },
  ug: { ...GREP, asked: null, feeds: true },
  ugrep: { ...GREP, asked: /^(?:-[rR]|--(?:rec|deref).*)$/ },
};
const CP = { letters: "tS", longs: list("target-directory suffix"), asked: /^(?:-[rRa]|--(?:rec|arch).*)$/ };
const MOVES = { ...CP, asked: null };
const COPIES = {
  cp: CP,
  gcp: CP,
  scp: { letters: "cDFiJloPSX", longs: [], asked: /^-r$/ },
  mv: MOVES,
  ln: MOVES,
  ditto: { letters: "", longs: list("arch bom"), asked: null },
  rsync: {
    letters: "efTBM",
    longs: list("exclude include filter exclude-from include-from files-from rsh rsync-path log-file max-size min-size bwlimit timeout compare-dest copy-dest link-dest partial-dir backup-dir suffix temp-dir chmod chown info debug out-format port password-file"),
    asked: /^(?:-[ra]|--(?:recursive|archive))$/,
  },
};
const TAR = { letters: "fCTXbgHIKLNV", longs: list("file directory files-from exclude-from exclude transform owner group mode mtime use-compress-program format label") };
const TAKES = /^(?:-[cru]|--(?:create|append|update))$/;
const IGNORES = /^--(?:exclude-dir|exclude|ignore-dir|ignore-directory|ignore)$/;
const MANY_LINES = 50;

/**
 * @param {string} name @param {string[]} texts the words, with marks for what is not known
 * @param {{fed?: boolean}} [how] `fed`: something is piped to it
 * @returns {Tree|null} null for a command that goes through no folders
 */
export function treeOf(name, texts, { fed = false } = {}) {
  if (Object.hasOwn(SEARCHES, name)) return searchTree(SEARCHES[name], texts, fed);
  if (Object.hasOwn(COPIES, name)) return copyTree(COPIES[name], texts);
  return Object.hasOwn(OTHERS, name) ? OTHERS[name](texts) : null;
}

/**
 * What comes of a search in the files that it is given, whether or not it goes through folders.
 * @param {string} name @param {string[]} texts @returns {Tree["gives"]|null} null for a command that is no search
 */
export function searchGives(name, texts) {
  if (name === "git" && gitVerb(texts).verb === "grep") return givesOf(GREP, parsed(texts.slice(gitVerb(texts).at), GREP));
  return Object.hasOwn(SEARCHES, name) ? givesOf(SEARCHES[name], parsed(texts, SEARCHES[name])) : null;
}

/** Options with their values, and the other words, in any order as GNU takes them. */
function parsed(texts, { letters = "", longs = [] }) {
  const options = [];
  const operands = [];
  for (let i = 1; i < texts.length; i += 1) {
    const text = texts[i];
    if (text === "--") {
      operands.push(...texts.slice(i + 1));
      break;
    }
    const long = /^(--[^=]+)(?:=([^]*))?$/.exec(text);
    if (long) options.push([long[1], long[2] ?? (longs.includes(long[1].slice(2)) ? (texts[(i += 1)] ?? "") : "")]);
    else if (!/^-./.test(text)) operands.push(text);
    else {
      const valued = [...text].findIndex((letter, n) => n > 0 && letters.includes(letter));
      for (const letter of text.slice(1, valued < 0 ? undefined : valued)) options.push([`-${letter}`, ""]);
      if (valued > 0) options.push([`-${text[valued]}`, text.length > valued + 1 ? text.slice(valued + 1) : (texts[(i += 1)] ?? "")]);
    }
  }
  return { options, operands };
}

const has = (options, pattern) => options.some(([flag]) => pattern.test(flag));
const values = (options, pattern) => options.filter(([flag]) => pattern.test(flag)).map(([, value]) => value);

function searchTree(spec, texts, fed) {
  const { options, operands } = parsed(texts, spec);
  const recurses = !spec.asked || has(options, spec.asked) || values(options, /^(?:-d|--directories)$/).includes("recurse");
  if (!recurses) return null;
  const patterned = has(options, /^(?:-[ef]|--regexp|--file|--match|--files)$/) || (spec.feeds === true && has(options, /^-[gf]$/) && spec.letters.includes("G"));
  const folders = patterned ? operands : operands.slice(1);
  if (folders.length === 0 && fed && spec.feeds && !has(options, /^--files$/)) return null;
  const globs = values(options, /^(?:--include|--glob)$/).concat(spec.longs.includes("glob") ? values(options, /^-g$/) : []);
  const kept = globs.filter((glob) => !glob.startsWith("!"));
  const left = kept.length > 0 ? [] : [...globs.map((glob) => glob.slice(1)), ...values(options, IGNORES)];
  return { gives: givesOf(spec, { options, operands }), folders: orHere(folders), names: namesOf(kept), skips: skipsOf(left) };
}

function givesOf(spec, { options, operands }) {
  if (has(options, spec.silent)) return "names";
  const patterns = values(options, /^(?:-e|--regexp|--match)$/);
  const wide = values(options, /^(?:-[ABC]|--(?:after|before)(?:-context)?|--context)$/).some((count) => Number(count) >= MANY_LINES);
  const all = wide || has(options, /^(?:-v|--invert-match|--passthru)$/) || (patterns.length > 0 ? patterns : operands.slice(0, 1)).some(fitsAnything);
  return all ? "content" : "search";
}

/** A pattern that nearly every line has: a search for it is a way to read. */
const fitsAnything = (pattern) => pattern.replace(/\[[^\]]*\]|\\[sSwWdDbB]|\{[\d,]*\}|[.*+?^$|()]/g, "").length < 2 && !/[\uf8fe\uf8ff]/.test(pattern);

const orHere = (folders) => (folders.length === 0 ? ["."] : folders);

/** Globs that are about a file's name alone; one that is about folders narrows nothing. */
function namesOf(globs) {
  const names = globs.map((glob) => glob.replace(/^(?:\*\*\/)+/, ""));
  return names.some((name) => name.includes("/") || /[{}]/.test(name)) ? [] : names.map((name) => marked(name, WITHIN));
}

/** Folders that are left out, by name wherever they lie, or with a slash before them from the top alone. What says more leaves out nothing. */
function skipsOf(globs) {
  const skips = globs.map((glob) => {
    const plain = glob.replace(/^(?:\*\*\/)+/, "").replace(/\/\*{0,2}$/, "").replace(/^\.?\//, "");
    const anywhere = glob.startsWith("**/") || (!/^\.?\//.test(glob) && !/\/./.test(glob));
    return anywhere && !plain.includes("/") ? plain : `/${plain}`;
  });
  return skips.filter((skip) => /[^/]/.test(skip) && !/[{}*?[\uf8fe\uf8ff]/.test(skip));
}

function copyTree(spec, texts) {
  const { options, operands } = parsed(texts, spec);
  if (spec.asked && !has(options, spec.asked)) return null;
  const aimed = has(options, /^(?:-t|--target-directory)$/);
  const folders = aimed || operands.length === 1 ? operands : operands.slice(0, -1);
  return copied(folders, skipsOf(values(options, /^--exclude$/)));
}

const copied = (folders, skips = []) => (folders.length === 0 ? null : { gives: "copy", folders, names: [], skips });

function tarTree(texts) {
  // The old way to write it: all letters first, then their values.
  const old = /^[A-Za-z]+$/.test(texts[1] ?? "") && !/^-/.test(texts[1]);
  const skipped = old ? [...texts[1]].filter((letter) => "fCTXb".includes(letter)).length : 0;
  const words = old ? [texts[0], ...texts.slice(2 + skipped)] : texts;
  const { options, operands } = parsed(words, TAR);
  if (!(old ? /[cru]/.test(texts[1]) : has(options, TAKES))) return null;
  const bases = values(options, /^(?:-C|--directory)$/);
  // A `-C` holds for what stands behind it; one that comes first holds for all.
  const moved = bases.length > 0 && words.findIndex((text) => /^(?:-C|--directory)/.test(text)) < words.indexOf(operands[0]);
  const inBases = bases.flatMap((base) => operands.map((one) => (/^[/~]/.test(one) ? one : `${base}/${one}`)));
  return copied(moved ? inBases : [...operands, ...inBases], skipsOf(values(options, /^--exclude$/)));
}

function zipTree(texts) {
  const end = texts.findIndex((text, i) => i > 1 && /^(?:-x|-i|--exclude|--include)$/.test(text));
  const { options, operands } = parsed(texts.slice(0, end < 0 ? undefined : end), { letters: "bntO", longs: list("temp-path suffixes out") });
  return has(options, /^(?:-[rR]|--recurse-(?:paths|patterns))$/) ? copied(operands.slice(1), end < 0 ? [] : skipsOf(texts.slice(end + 1).filter(() => /^(?:-x|--exclude)$/.test(texts[end])))) : null;
}

const packTree = (texts) => (/^[au]$/.test(texts[1] ?? "") ? copied(texts.slice(3).filter((text) => !/^[-!]/.test(text))) : null);

function diffTree(texts) {
  const { options, operands } = parsed(texts, { letters: "IUCxXFSW", longs: list("exclude exclude-from ignore-matching-lines unified context label color") });
  if (!has(options, /^(?:-r|--recursive)$/)) return null;
  return { gives: has(options, /^(?:-q|--brief)$/) ? "names" : "content", folders: operands, names: [], skips: skipsOf(values(options, /^(?:-x|--exclude)$/)) };
}

/** `git [-C dir] verb`: the verb, where it stands, and the folder it works in. */
function gitVerb(texts) {
  let at = 1;
  let base = ".";
  for (; at < texts.length && texts[at].startsWith("-"); at += /^(?:-[Cc]|--git-dir|--work-tree|--namespace)$/.test(texts[at]) ? 2 : 1) if (texts[at] === "-C") base = texts[at + 1] ?? ".";
  return { verb: texts[at] ?? "", at, base };
}

function gitTree(texts) {
  const { verb, at, base } = gitVerb(texts);
  const rest = texts.slice(at);
  const from = (tree) => tree && { ...tree, folders: tree.folders.map((folder) => (folder === "." ? base : /^[/~]/.test(folder) ? folder : `${base}/${folder}`)) };
  if (verb === "grep") return from(searchTree({ ...GREP, asked: null }, rest, false));
  if (verb === "clone") return from(copied(parsed(rest, { letters: "bcjou", longs: list("branch origin config depth reference template") }).operands.slice(0, 1)));
  if (verb === "archive") return from(copied(orHere(parsed(rest, { letters: "o", longs: list("output format prefix remote") }).operands.slice(1))));
  if (verb === "diff" && rest.includes("--no-index")) return from({ gives: "content", folders: parsed(rest, {}).operands, names: [], skips: [] });
  return null;
}

/** `python3 -m zipfile -c out.zip folder` */
function pythonTree(texts) {
  const at = texts.indexOf("-m");
  const packs = at > 0 && /^(?:zipfile|tarfile|zipapp|shutil)$/.test(texts[at + 1] ?? "");
  return packs ? copied(texts.slice(at + 2).filter((text) => !text.startsWith("-"))) : null;
}

const OTHERS = {
  tar: tarTree,
  gtar: tarTree,
  bsdtar: tarTree,
  zip: zipTree,
  "7z": packTree,
  "7za": packTree,
  "7zz": packTree,
  "7zr": packTree,
  rar: packTree,
  jar: (texts) => (/c/.test(texts[1] ?? "") ? copied(texts.slice(2).filter((text) => !text.startsWith("-"))) : null),
  diff: diffTree,
  git: gitTree,
  python: pythonTree,
  python3: pythonTree,
};

/** Commands that take the names of files from what is piped to them. @param {string} name @param {string[]} texts */
export function takesList(name, texts) {
  if (name === "cpio" || name === "pax") return true;
  if (/^(?:g|bsd)?tar$/.test(name)) return /(?:^|\s)(?:-T ?-|--files-from[= ]-)(?:\s|$)/.test(texts.join(" ")) || /^-?[A-Za-z]*T/.test(texts[1] ?? "");
  return (name === "zip" && texts.includes("-@")) || (name === "rsync" && /--files-from[= ]-/.test(texts.join(" ")));
}

/** What a search that prints names alone, or `git ls-files`, may print. @param {string} name @param {string[]} texts @returns {string[]|null} */
export function namesPrinted(name, texts) {
  const git = name === "git" ? gitVerb(texts) : null;
  if (git?.verb === "ls-files") {
    const paths = parsed(texts.slice(git.at), { letters: "xX" }).operands;
    return orHere(paths).map((one) => `./${one === "." ? "" : marked(one, UNKNOWN)}${UNKNOWN}`);
  }
  const tree = treeOf(name, texts);
  return tree?.gives === "names" ? tree.folders.flatMap((folder) => (tree.names.length === 0 ? [""] : tree.names).map((one) => `${folder}/${UNKNOWN}${one}`)) : null;
}
