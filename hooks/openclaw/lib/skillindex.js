/**
 * The skills below OpenClaw's skill roots, and which of them a path belongs to.
 *
 * A path is looked up by walking down to it from its root, so a skill that was added a moment ago is found; the list of all skills
 * serves words that are known only in part, and skills that lie elsewhere behind a link. It is made when first asked for, again when
 * a watched folder changes, and after a short time where folders cannot be watched.
 */
import nodeFs from "node:fs";
import path from "node:path";

const MANIFEST = "SKILL.md";
const MAX_DEPTH = 6;
const MAX_FOLDERS = 20_000;
const MAX_SKILLS = 5_000;
const MAX_WATCHED = 256;
const MAX_FILES = 20_000;
const MAX_FILES_OF_ONE = 2_000;
const MAX_STEPS = 64;
const MAX_HEAD = 64 * 1024;
const WORKSHOP = "workshop-skills";
/** How long a list holds where changes cannot be watched, in milliseconds. */
const TTL_MS = 2_000;
/** How long a list holds where they can: a watcher may lose events. */
const WATCHED_TTL_MS = 60_000;

/**
 * @typedef {{root: string, name: string, paths: string[]}} Skill   `root` is the real path, `paths` every way it was reached
 * @typedef {ReturnType<typeof createIndex>} Index
 * @param {{roots: (string|{path: string})[], fs?: typeof nodeFs, watch?: boolean, now?: () => number}} given   `now` in milliseconds
 */
export function createIndex({ roots, fs = nodeFs, watch = true, now = () => performance.now() }) {
  const index = { fs, watch, now, roots: roots.map((root) => (typeof root === "string" ? root : root.path)), watchers: new Map(), dirty: true, closed: false };
  index.list = emptyList(index.roots);
  const fresh = () => freshList(index);
  return {
    /** The skill that a path belongs to, by the folder its bytes are really in; null when it is none. @param {string} file absolute */
    skillOf: (file) => skillsOf(index, fresh(), file)[0] ?? null,
    /** Every skill that a path touches: where it leads, and where it lies when that is a link in another skill. */
    skillsOf: (file) => skillsOf(index, fresh(), file),
    /** Can the path, as written, lie in a skill? Only compares text. @param {string} file absolute */
    mayHold: (file) => fresh().heads.some((head) => isWithin(file, head)),
    /** Skills that lie below a folder, each with the way to it from there; none for a folder in a skill. @param {string} folder absolute */
    below: (folder) => skillsBelow(index, fresh(), folder),
    /** Skills that OpenClaw's Workshop made and knows by this name. @param {string} name @returns {string[]} real folders */
    madeAs: (name) => madeAs(index, fresh(), name),
    /** Is there a link at the path itself? @param {string} file */
    isLink: (file) => quietly(() => fs.lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink()) ?? false,
    /** @param {string} file */
    isFolder: (file) => quietly(() => fs.statSync(file, { throwIfNoEntry: false })?.isDirectory()) ?? false,
    /** @returns {Skill[]} */
    all: () => fresh().skills,
    /** Whether `all` is everything; false when a limit ended the search. */
    complete: () => fresh().complete,
    /** The files of a skill, relative with `/`; null when there are too many to list. @param {string} root */
    filesOf: (root) => filesOf(index, fresh(), root),
    /** Stops watching. */
    close: () => close(index),
  };
}

/** @param {string} file @param {string} folder */
export function isWithin(file, folder) {
  return file.startsWith(folder) && (file.length === folder.length || folder.endsWith(path.sep) || file[folder.length] === path.sep);
}

function emptyList(roots) {
  return { skills: [], byRoot: new Map(), linked: new Set(), heads: [...roots], forms: [...roots], complete: true, at: -Infinity, files: new Map(), filesLeft: MAX_FILES, watched: false, missing: [] };
}

function freshList(index) {
  const { list } = index;
  const age = index.now() - list.at;
  if (!index.dirty && age < (list.watched ? WATCHED_TTL_MS : TTL_MS) && (age < TTL_MS || !list.missing.some((root) => index.fs.existsSync(root)))) return list;
  index.dirty = false;
  index.list = makeList(index);
  return index.list;
}

function makeList(index) {
  const list = { ...emptyList(index.roots), at: index.now(), files: new Map(), foldersLeft: MAX_FOLDERS, folders: [] };
  for (const root of index.roots) listRoot(index, list, root);
  const reals = index.roots.map((root) => realPath(index.fs, root)).filter((real) => real !== null);
  list.forms = [...new Set([...index.roots, ...reals])];
  list.missing = index.roots.filter((root) => !index.fs.existsSync(root));
  for (const { root } of list.skills) if (!list.forms.some((form) => isWithin(root, form))) list.linked.add(root);
  list.heads = [...list.forms, ...list.linked];
  if (index.watch && !index.closed) list.watched = watchAll(index, list.folders);
  return list;
}

function listRoot(index, list, root) {
  if (!isSkill(index.fs, root)) return listFolder(index, list, root, 1);
  addSkill(index, list, root);
  list.folders.push(root);
  listFolder(index, list, path.join(root, "skills"), 1);
}

function listFolder(index, list, folder, depth) {
  for (const { child, linked } of childrenOf(index, list, folder)) {
    if (isSkill(index.fs, child)) addSkill(index, list, child);
    // OpenClaw starts the count again in a folder called `skills` at the top.
    else if (!linked && depth < MAX_DEPTH) listFolder(index, list, child, depth === 1 && path.basename(child) === "skills" ? 1 : depth + 1);
  }
}

function childrenOf(index, list, folder) {
  if (list.foldersLeft <= 0) {
    list.complete = false;
    return [];
  }
  list.foldersLeft -= 1;
  let entries = [];
  try {
    entries = index.fs.readdirSync(folder, { withFileTypes: true });
  } catch {
    // A root need not exist, and a folder that cannot be read holds no skill for OpenClaw either.
    return [];
  }
  list.folders.push(folder);
  return entries
    .filter((entry) => !entry.name.startsWith(".") && entry.name !== "node_modules" && (entry.isDirectory() || entry.isSymbolicLink()))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((entry) => ({ child: path.join(folder, entry.name), linked: entry.isSymbolicLink() }));
}

function addSkill(index, list, folder) {
  const root = realPath(index.fs, folder);
  if (root === null) return;
  const known = list.byRoot.get(root);
  if (known) known.paths.push(folder);
  else if (list.skills.length >= MAX_SKILLS) list.complete = false;
  else {
    const skill = { root, name: path.basename(folder), paths: [...new Set([root, folder])] };
    list.byRoot.set(root, skill);
    list.skills.push(skill);
  }
}

const isSkill = (fs, folder) => quietly(() => fs.statSync(path.join(folder, MANIFEST), { throwIfNoEntry: false })?.isFile()) ?? false;
const realPath = (fs, file) => quietly(() => fs.realpathSync.native(file));

/** What the disk says, or null where it says nothing: no such file, no leave, a path that is none. */
function quietly(ask) {
  try {
    return ask() ?? null;
  } catch {
    return null;
  }
}

/** Where a path leads, as far as it exists. @param {typeof nodeFs} fs @param {string} file absolute and normal */
export function leadsTo(fs, file) {
  const rest = [];
  let head = file;
  for (let i = 0; i < MAX_STEPS; i += 1) {
    const real = realPath(fs, head);
    if (real !== null) return path.join(real, ...rest.reverse());
    const parent = path.dirname(head);
    if (parent === head) break;
    rest.push(path.basename(head));
    head = parent;
  }
  return file;
}

function skillsOf(index, list, file) {
  const normal = path.normalize(file);
  const real = leadsTo(index.fs, normal);
  const found = [holder(index, list, real), real === normal ? null : holder(index, list, normal)];
  return [...new Set(found.filter((root) => root !== null))];
}

function skillsBelow(index, list, folder) {
  if (list.skills.length === 0) return [];
  const normal = path.normalize(folder);
  const heads = [...new Set([normal, leadsTo(index.fs, normal)])];
  return list.skills.flatMap(({ root, paths }) => {
    const ways = heads.flatMap((head) => paths.filter((one) => isWithin(one, head)).map((one) => one.slice(head.length)));
    return ways.length > 0 ? [{ root, ways }] : [];
  });
}

/**
 * The Workshop goes by the name in the SKILL.md, which need not be the folder's. Where nothing has the name as it is written, any could
 * be meant.
 */
function madeAs(index, list, name) {
  const made = list.skills.filter(({ paths }) => paths.some((one) => path.basename(path.dirname(one)) === WORKSHOP));
  const wanted = name.trim().toLowerCase();
  const called = made.filter(({ root, paths }) => paths.some((one) => path.basename(one).toLowerCase() === wanted) || headOf(index.fs, root).includes(wanted));
  return (called.length > 0 ? called : made).map(({ root }) => root);
}

function headOf(fs, root) {
  const text = quietly(() => fs.readFileSync(path.join(root, MANIFEST), "utf8")) ?? "";
  return text.slice(0, Math.min(MAX_HEAD, text.indexOf("\n---", 3) + 1 || MAX_HEAD)).toLowerCase();
}

/** The skill of a path as written: for each root the first folder below it that is a skill, as OpenClaw takes it, then the longest. */
function holder(index, list, file) {
  let best = null;
  for (const form of list.forms) {
    const found = isWithin(file, form) ? firstSkill(index.fs, form, file) : null;
    if (found !== null && (best === null || found.length > best.length)) best = found;
  }
  if (best !== null) return realPath(index.fs, best);
  if (list.linked.size === 0) return null;
  for (let folder = file; ; folder = path.dirname(folder)) {
    if (list.linked.has(folder)) return folder;
    if (path.dirname(folder) === folder) return null;
  }
}

function firstSkill(fs, root, file) {
  const steps = file.slice(root.length).split(path.sep).filter((step) => step !== "");
  const whole = isSkill(fs, root) ? root : null;
  // A root that is a skill itself has others in its folder `skills` only.
  if (whole !== null && steps[0] !== "skills") return whole;
  let folder = root;
  for (const step of steps.slice(0, MAX_STEPS)) {
    folder = path.join(folder, step);
    if (isSkill(fs, folder)) return folder;
  }
  return whole;
}

function filesOf(index, list, root) {
  const known = list.files.get(root);
  if (known !== undefined && index.now() - known.at < TTL_MS) return known.files;
  const files = list.filesLeft > 0 ? listFiles(index.fs, root, Math.min(MAX_FILES_OF_ONE, list.filesLeft)) : null;
  if (known === undefined) list.filesLeft -= files?.length ?? MAX_FILES_OF_ONE;
  list.files.set(root, { files, at: index.now() });
  return files;
}

function listFiles(fs, root, most) {
  const files = [];
  const folders = [""];
  while (folders.length > 0) {
    const folder = folders.pop();
    let entries = [];
    try {
      entries = fs.readdirSync(path.join(root, folder), { withFileTypes: true });
    } catch {
      continue;
    }
    for (const entry of entries) {
      const name = folder === "" ? entry.name : `${folder}/${entry.name}`;
      files.push(name);
      if (entry.isDirectory()) folders.push(name);
      if (files.length > most) return null;
    }
  }
  return files;
}

/** Watches the folders that skills lie in. True when every one of them is. */
function watchAll(index, folders) {
  const wanted = new Set(folders.slice(0, MAX_WATCHED));
  for (const [folder, watcher] of index.watchers) {
    if (wanted.has(folder)) continue;
    watcher.close();
    index.watchers.delete(folder);
  }
  for (const folder of wanted) if (!index.watchers.has(folder)) watchOne(index, folder);
  return index.watchers.size === folders.length;
}

function watchOne(index, folder) {
  const stop = () => {
    index.dirty = true;
    index.watchers.get(folder)?.close();
    index.watchers.delete(folder);
  };
  try {
    const watcher = index.fs.watch(folder, { persistent: false }, () => {
      index.dirty = true;
    });
    watcher.on("error", stop);
    index.watchers.set(folder, watcher);
  } catch {
    // No watching here (network folder, too many watchers): the list is made again after a short time instead.
  }
}

function close(index) {
  index.closed = true;
  for (const watcher of index.watchers.values()) watcher.close();
  index.watchers.clear();
}
