import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import test from "node:test";
import { homeDir, skillRoots, stateDir } from "../lib/roots.js";
import { createIndex } from "../lib/skillindex.js";

const VECTORS = JSON.parse(fs.readFileSync(new URL("roots.vectors.json", import.meta.url), "utf8"));
const posix = { skip: process.platform === "win32" && "the cases name POSIX paths" };

for (const { name, roots, ...given } of VECTORS) {
  test(`roots: ${name}`, posix, () => {
    assert.deepEqual(skillRoots(given).map(({ kind, path: folder }) => [kind, folder]), roots);
  });
}

test("home and state folder", posix, (t) => {
  const home = folderFor(t);
  assert.equal(stateDir({}, home), path.join(home, ".openclaw"));
  assert.equal(stateDir({ OPENCLAW_STATE_DIR: "~/s p" }, home), path.join(home, "s p"));
  assert.equal(stateDir({ OPENCLAW_HOME: "~/o" }, home), path.join(home, "o", ".openclaw"));
  assert.equal(homeDir({ OPENCLAW_HOME: "undefined" }, home), home);
  fs.mkdirSync(path.join(home, ".clawdbot"));
  assert.equal(stateDir({}, home), path.join(home, ".clawdbot"));
  fs.mkdirSync(path.join(home, ".openclaw"));
  assert.equal(stateDir({}, home), path.join(home, ".openclaw"));
});

test("at most 256 roots", () => {
  const extraDirs = Array.from({ length: 500 }, (_, i) => `/x/${i}`);
  assert.equal(skillRoots({ config: { skills: { load: { extraDirs } } }, env: {}, home: "/h", stateDir: "/s" }).length, 256);
});

function folderFor(t) {
  const folder = fs.realpathSync.native(fs.mkdtempSync(path.join(os.tmpdir(), "roots-")));
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function skill(...parts) {
  const folder = path.join(...parts);
  fs.mkdirSync(path.join(folder, "scripts"), { recursive: true });
  fs.writeFileSync(path.join(folder, "SKILL.md"), "x");
  fs.writeFileSync(path.join(folder, "scripts", "run.sh"), "x");
  return folder;
}

function indexFor(t, roots, more = {}) {
  const index = createIndex({ roots, watch: false, ...more });
  t.after(() => index.close());
  return index;
}

const names = (index) => index.all().map(({ name }) => name).sort();

test("skills are found nested, not in hidden folders, not below one another, not twice", (t) => {
  const root = folderFor(t);
  skill(root, "a");
  skill(root, "g", "h", "b");
  skill(root, ".hidden", "c");
  skill(root, "node_modules", "d");
  skill(root, "a", "inner");
  skill(root, "1", "2", "3", "4", "5", "six");
  skill(root, "1", "2", "3", "4", "5", "6", "seven");
  const index = indexFor(t, [root, path.join(root, "g")]);
  assert.deepEqual(names(index), ["a", "b", "six"]);
  assert.equal(index.skillOf(path.join(root, "a", "inner", "x")), path.join(root, "a"));
  assert.equal(index.skillOf(path.join(root, "g")), null);
  assert.equal(index.skillOf(path.join(root, "g", "x.sh")), null);
  assert.equal(index.skillOf("/"), null);
  assert.equal(index.skillOf(`${root}a/x`), null);
});

test("a root that is a skill itself holds others in its folder `skills` only", (t) => {
  const root = skill(folderFor(t), "own");
  const inner = skill(root, "skills", "inner");
  skill(root, "other");
  const index = indexFor(t, [root]);
  assert.deepEqual(names(index), ["inner", "own"]);
  assert.equal(index.skillOf(path.join(root, "other", "scripts", "run.sh")), root);
  assert.equal(index.skillOf(path.join(inner, "scripts", "run.sh")), inner);
  assert.equal(index.skillOf(path.join(root, "skills", "none")), root);
});

test("links: a linked skill, a link into a skill, a linked root, a file that is not there yet", (t) => {
  const base = folderFor(t);
  const real = skill(base, "elsewhere", "tool");
  const a = skill(base, "root", "a");
  fs.symlinkSync(real, path.join(base, "root", "linked"));
  fs.symlinkSync(path.join(base, "root"), path.join(base, "root2"));
  fs.symlinkSync(path.join(a, "scripts", "run.sh"), path.join(base, "run"));
  fs.symlinkSync(a, path.join(base, "dir"));
  const index = indexFor(t, [path.join(base, "root2")]);
  assert.equal(index.skillOf(path.join(base, "root", "linked", "x")), real);
  assert.equal(index.skillOf(path.join(real, "scripts", "run.sh")), real);
  assert.equal(index.skillOf(path.join(base, "root2", "a", "x")), a);
  assert.equal(index.skillOf(path.join(base, "run")), a);
  assert.equal(index.skillOf(path.join(base, "dir", "new", "file")), a);
  assert.deepEqual(index.all().find(({ name }) => name === "linked").root, real);
});

test("a link from one skill into another touches both", (t) => {
  const root = folderFor(t);
  const [a, b] = [skill(root, "a"), skill(root, "b")];
  fs.symlinkSync(path.join(b, "scripts", "run.sh"), path.join(a, "evil.sh"));
  assert.deepEqual(indexFor(t, [root]).skillsOf(path.join(a, "evil.sh")), [b, a]);
});

test("a skill added a moment ago is found by its path, in a root that was not there either", (t) => {
  const base = folderFor(t);
  const index = indexFor(t, [path.join(base, "later")], { now: () => 0 });
  assert.deepEqual(index.all(), []);
  const added = skill(base, "later", "new");
  assert.equal(index.skillOf(path.join(added, "scripts", "run.sh")), added);
});

test("the list is made again after a short time, and at once where a watcher speaks", async (t) => {
  const root = folderFor(t);
  let time = 0;
  const slow = indexFor(t, [root], { now: () => time });
  assert.deepEqual(names(slow), []);
  let changed = null;
  const watching = { ...fs, watch: (_folder, _options, listener) => ((changed = listener), { on() {}, close() {} }) };
  const watched = indexFor(t, [root], { fs: watching, watch: true, now: () => time });
  assert.deepEqual(names(watched), []);
  skill(root, "a");
  assert.deepEqual(names(slow), []);
  time += 2_001;
  assert.deepEqual(names(slow), ["a"]);
  assert.deepEqual(names(watched), []);
  changed();
  assert.deepEqual(names(watched), ["a"]);
});

test("watchers that fail only make it list more often, and closing closes them", (t) => {
  const root = folderFor(t);
  let time = 0;
  const broken = { ...fs, watch: () => assert.fail("ENOSPC") };
  const index = indexFor(t, [root], { fs: broken, watch: true, now: () => time });
  assert.deepEqual(names(index), []);
  skill(root, "a");
  time += 2_001;
  assert.deepEqual(names(index), ["a"]);
  const closed = [];
  const fake = { ...fs, watch: (folder) => ({ on() {}, close: () => closed.push(folder) }) };
  const other = createIndex({ roots: [root], fs: fake });
  other.all();
  other.close();
  assert.deepEqual(closed, [root]);
});

test("names that no path can have", (t) => {
  const index = indexFor(t, [folderFor(t)]);
  for (const name of ["/a\0b", `/${"x".repeat(5_000)}`, "/a/".repeat(400), "//", "/.."]) assert.deepEqual(index.skillsOf(name), []);
});
