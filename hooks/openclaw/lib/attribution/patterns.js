/** Skills that a path known only in part may lie in. */
import { UNKNOWN, WITHIN } from "../lexer/expand.js";

/** A pattern that fits more skills than this by its end alone says nothing. */
const FEW = 3;
const MAX_PATTERN = 1024;

const COMMON = new Set("SKILL.md README.md package.json index.js index.ts main.py main.js main.sh app.py cli.py setup.py __init__.py __main__.py Makefile LICENSE config.json config.yaml requirements.txt pyproject.toml index.html install.sh setup.sh run.sh test.sh build.sh".split(" "));
const MARK = /[\uf8fe\uf8ff]/;

/**
 * @param {string} pattern a path with UNKNOWN for what may be anything
 * @param {{index: import("../skillindex.js").Index, session: string[], budget: {files: number}}} around
 *   `budget`: how many files may still be compared; it is used up
 * @returns {{roots: string[], many: boolean, begin: string|null}} `many`: by what is known it could be too many skills to name any;
 *   `begin`: what is known of the path's beginning, null where that is open
 */
export function matching(pattern, { index, session, budget }) {
  const text = pattern.replace(/\uf8fe+/g, WITHIN).replace(/[\uf8fe\uf8ff]*\uf8ff[\uf8fe\uf8ff]*/g, UNKNOWN);
  if (text.length > MAX_PATTERN) return { roots: [], many: true, begin: null };
  const begin = text.slice(0, text.search(MARK));
  if (begin.startsWith("/")) return { ...underPrefix(text, begin, { index, budget }), begin };
  return { ...bySuffix(text, { index, session, budget }), begin: null };
}

/**
 * Skills below the folders that a pattern fits, each with the way to it from there: `*` in the workspace fits the folder that they lie in.
 * @param {string} pattern absolute @param {{index: import("../skillindex.js").Index}} around
 */
export function belowMatching(pattern, { index }) {
  if (!pattern.startsWith("/") || pattern.length > MAX_PATTERN) return [];
  const folderPattern = pattern.replace(/(?<=[^/])\/+$/, "");
  return index.all().flatMap(({ root, paths }) => {
    const ways = paths.flatMap((folder) => headsOf(folder).filter((head) => fits(head, folderPattern)).map((head) => folder.slice(head.length)));
    return ways.length > 0 ? [{ root, ways }] : [];
  });
}

/** A folder and those above it. */
const headsOf = (folder) => [...folder.matchAll(/\/|$/g)].map(({ index: at }) => folder.slice(0, at)).filter((head) => head !== "");

/** The pattern begins as an absolute path: skills that it can reach. */
function underPrefix(text, begin, { index, budget }) {
  const roots = [];
  for (const { root, paths } of index.all()) {
    const near = paths.filter((folder) => begin.startsWith(`${folder}/`) || couldReach(text, begin, folder));
    if (near.some((folder) => begin.startsWith(`${folder}/`) || fits(folder, text))) roots.push(root);
    else if (near.length > 0 && filesOf(index, root, budget).some((file) => near.some((folder) => fits(`${folder}/${file}`, text)))) roots.push(root);
  }
  return { roots, many: budget.files <= 0 };
}

/** A glob cannot reach further down than it has slashes. */
const couldReach = (text, begin, folder) => folder.startsWith(begin) && (text.includes(UNKNOWN) || slashes(text) > slashes(folder));
const slashes = (text) => text.split("/").length;

/** The files of a skill; without a budget none are compared, and the caller says that it was too many. */
function filesOf(index, root, budget) {
  if (budget.files <= 0) return [];
  const files = index.filesOf(root);
  budget.files -= files?.length ?? budget.files;
  return files ?? [];
}

/** The pattern's beginning is unknown: skills that have such an end. A name of the common sort says nothing without its folder. */
function bySuffix(text, { index, session, budget }) {
  const end = text.slice(Math.max(text.lastIndexOf(UNKNOWN), text.lastIndexOf(WITHIN)) + 1);
  const name = end.slice(end.lastIndexOf("/") + 1);
  if (!end.includes("/") || name === "") return { roots: [], many: false };
  const weak = end.lastIndexOf("/") === 0 && COMMON.has(name);
  const fit = ({ root, paths }) => hasEnd(paths, filesOf(index, root, budget), text);
  const found = index.all().filter((skill) => (!weak || session.includes(skill.root)) && fit(skill)).map(({ root }) => root);
  const read = found.filter((root) => session.includes(root));
  if (read.length > 0) return { roots: read, many: false };
  return found.length <= FEW ? { roots: found, many: weak || budget.files <= 0 } : { roots: [], many: true };
}

const hasEnd = (paths, files, text) => paths.some((folder) => fits(folder, text) || files.some((file) => fits(`${folder}/${file}`, text)));

/** Does a text fit a pattern? UNKNOWN stands for any text, WITHIN for any without a slash. Greedy, with a step back for either. */
export function fits(text, pattern) {
  let [t, p] = [0, 0];
  let far = null;
  let near = null;
  while (t < text.length) {
    const c = pattern[p];
    if (c === UNKNOWN) [far, near, p] = [{ p, t }, null, p + 1];
    else if (c === WITHIN) [near, p] = [{ p, t }, p + 1];
    else if (c === text[t]) [t, p] = [t + 1, p + 1];
    else if (near !== null && text[near.t] !== "/") [t, p] = [(near.t += 1), near.p + 1];
    else if (far !== null) [near, t, p] = [null, (far.t += 1), far.p + 1];
    else return false;
  }
  return /^[\uf8fe\uf8ff]*$/.test(pattern.slice(p));
}
