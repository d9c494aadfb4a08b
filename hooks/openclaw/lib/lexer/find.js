/** `find` and `fd`: the paths that they may name, as text with UNKNOWN for what lies between. */
import { UNKNOWN, WITHIN } from "./expand.js";

const BEFORE_FOLDERS = /^-(?:[HLPEXdsx]+|O\d*)$/;
const EXPRESSION = /^(?:-|\(|\\\(|!|,)/;
const ACTION = /^-(?:exec|execdir|ok|okdir|print|print0|printf|fprint|fprint0|fprintf|ls|fls|delete)$/;
const RUNS = /^-(?:exec|execdir|ok|okdir)$/;
const OTHERWISE = /^(?:-o|-or|,)$/;
/** Tests that take a value of their own. */
const VALUED =
  /^-(?:i?name|i?lname|i?path|i?wholename|i?regex|regextype|type|xtype|newer\w*|anewer|cnewer|[acm]min|[acm]time|size|perm|user|group|uid|gid|links|inum|samefile|fstype|maxdepth|mindepth|used|context|printf|fprint0?|fls)$/;
const MAX_FOLDERS = 32;
const MAX_NAMES = 32;
const FD_VALUED = /^(?:-[edtESjocx]|--(?:extension|exclude|type|max-depth|min-depth|exact-depth|size|changed-within|changed-before|owner|threads|color|max-results|base-directory|search-path|format))$/;

/**
 * What one action of a `find` is given: `folder/…name` for each folder and each name that its tests let through. Only tests that
 * hold for certain narrow it: those before the action, in its own branch of `-o`, not negated.
 * @param {string[]} texts the command's words @param {number} [action] where in `texts` the action stands; without it, what is printed
 * @returns {string[]}
 */
export function pathsFound(texts, action) {
  if (/^fd(?:find)?$/.test(texts[0].slice(texts[0].lastIndexOf("/") + 1))) return fdPaths(texts);
  const { folders, at } = foldersOf(texts);
  const branches = branchesOf(texts, at);
  const acting = branches.filter(({ actions }) => actions.length > 0);
  const meant = action !== undefined ? branches.filter(({ from, to }) => from <= action && action < to) : acting.length > 0 ? acting.filter(prints(texts)) : branches;
  const names = meant.flatMap((branch) => namesOf(texts.slice(branch.from, action ?? branch.actions[0] ?? branch.to), folders));
  const all = names.length > MAX_NAMES ? [UNKNOWN] : names;
  return folders.flatMap((folder) => [...new Set(all)].map((name) => joined(folder, name)));
}

const prints = (texts) => ({ actions }) => actions.some((i) => /^-(?:f?print|f?ls)/.test(texts[i]));
const joined = (folder, name) => `${folder.replace(/(?<=[^/])\/+$/, "")}${folder.endsWith("/") && !/[^/]/.test(folder) ? "" : "/"}${name}`;

/** The folders it begins at. @param {string[]} texts @returns {{folders: string[], at: number}} `at`: where the tests begin */
export function foldersOf(texts) {
  let at = 1;
  while (at < texts.length && BEFORE_FOLDERS.test(texts[at])) at += 1;
  const first = at;
  while (at < texts.length && !EXPRESSION.test(texts[at])) at += 1;
  const folders = texts.slice(first, at).filter((text) => text !== "");
  return { folders: folders.length === 0 ? ["."] : folders.slice(0, MAX_FOLDERS), at };
}

/** Where an `-exec` ends: at its `;`, or at `{} +`. @param {string[]} texts @param {number} i @returns {number} -1 without an end */
export function endOfRun(texts, i) {
  for (let n = i + 1; n < texts.length; n += 1) if (texts[n] === ";" || (texts[n] === "+" && texts[n - 1] === "{}")) return n;
  return -1;
}

function branchesOf(texts, at) {
  const branches = [{ from: at, to: texts.length, actions: [] }];
  for (let i = at, depth = 0; i < texts.length; i += 1) {
    const text = texts[i];
    if (text === "(") depth += 1;
    else if (text === ")") depth -= 1;
    else if (OTHERWISE.test(text) && depth === 0) {
      branches.at(-1).to = i;
      branches.push({ from: i + 1, to: texts.length, actions: [] });
    } else if (ACTION.test(text)) branches.at(-1).actions.push(i);
    if (VALUED.test(text)) i += 1;
    if (!RUNS.test(text)) continue;
    const end = endOfRun(texts, i);
    if (end < 0) break;
    i = end;
  }
  return branches;
}

/** The names of a branch: of all its tests the one that says most. */
function namesOf(tests, folders) {
  let best = [UNKNOWN];
  for (let i = 0, negated = false; i < tests.length; i += 1) {
    const text = tests[i];
    if (text === "!" || text === "-not") {
      negated = !negated;
      continue;
    }
    if (RUNS.test(text)) {
      i = endOfRun(tests, i) < 0 ? tests.length : endOfRun(tests, i);
      continue;
    }
    const end = text === "(" ? closing(tests, i) : VALUED.test(text) ? i + 1 : i;
    // The action stands within the group: which of the group's tests let it come to that is not known.
    if (end === tests.length) return best;
    const names = negated ? null : text === "(" ? groupNames(tests.slice(i + 1, end)) : nameOf(text, tests[end], folders);
    if (names !== null && said(names) > said(best)) best = names;
    negated = false;
    i = end;
  }
  return best;
}

const said = (names) => Math.min(...names.map((name) => name.replace(/[\uf8fe\uf8ff]/g, "").length));

function closing(tests, from) {
  for (let i = from, depth = 0; i < tests.length; i += 1) {
    if (tests[i] === "(") depth += 1;
    if (tests[i] === ")") depth -= 1;
    if (depth === 0) return i;
  }
  return tests.length;
}

/** `( -name A -o -name B )`, and nothing else in it. */
function groupNames(tests) {
  const names = [];
  for (let i = 0; i < tests.length; i += 3) {
    const one = nameOf(tests[i], tests[i + 1], []);
    if (one === null || (i + 2 < tests.length && !/^-or?$/.test(tests[i + 2]))) return null;
    names.push(...one);
  }
  return names.length > 0 ? names : null;
}

function nameOf(test, value, folders) {
  if (value === undefined) return null;
  if (test === "-name") return [UNKNOWN + marked(value, WITHIN)];
  // In whatever case: then no letter is certain.
  if (test === "-iname") return [UNKNOWN + marked(value, WITHIN).replace(/\p{L}+/gu, WITHIN)];
  return test === "-path" && folders.length > 0 ? pathNames(value, folders) : null;
}

/** `-path '*x*'` is about the whole path; it says nothing below the folder where its text could begin in the folder's own. */
function pathNames(value, folders) {
  const inner = /^\*\/?([^*?[\\/][^*?[\\]*)/.exec(value)?.[1];
  if (inner === undefined) return null;
  const overlaps = (folder) => `${folder}/`.includes(inner) || [...inner].some((_, i) => i > 0 && `${folder}/`.endsWith(inner.slice(0, i)));
  return folders.some(overlaps) ? null : [marked(value, UNKNOWN).replace(`${UNKNOWN}/`, UNKNOWN)];
}

/** A glob with marks for what it leaves open. @param {string} glob @param {string} mark */
export const marked = (glob, mark) => glob.replace(/\\[^]|\[[^\]]*\]|[*?[]/g, mark);

function fdPaths(texts) {
  const operands = [];
  const names = [];
  for (let i = 1; i < texts.length && !/^(?:-[xX]|--exec|--exec-batch)$/.test(texts[i]); i += 1) {
    if (/^(?:-e|--extension)$/.test(texts[i])) names.push(`${UNKNOWN}.${texts[i + 1] ?? ""}`);
    if (FD_VALUED.test(texts[i])) i += 1;
    else if (!texts[i].startsWith("-")) operands.push(texts[i]);
  }
  const folders = operands.slice(1, MAX_FOLDERS);
  return (folders.length === 0 ? ["."] : folders).flatMap((folder) => (names.length === 0 ? [UNKNOWN] : names).map((name) => joined(folder, name)));
}
