/** What `find` and searches may name, against what they really print. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import test from "node:test";
import { fits } from "../lib/attribution/patterns.js";
import { pathsFound } from "../lib/lexer/find.js";
import { parse } from "../lib/lexer.js";
import { treeOf } from "../lib/lexer/trees.js";
import { plant } from "./commands.js";

const tree = plant(fs.mkdtempSync(path.join(os.tmpdir(), "find-")));
test.after(() => fs.rmSync(tree.base, { recursive: true, force: true }));
const hasFind = spawnSync("find", [".", "-maxdepth", "0"]).status === 0;

const FINDS = [
  [], ["."], ["skills"], ["skills/"], ["./skills", "project"], ["-L", "skills"], ["skills", "-name", "*.md"], ["skills", "-iname", "skill.MD"],
  [".", "-type", "f", "-name", "run.sh"], [".", "(", "-name", "*.sh", "-o", "-name", "*.py", ")"], [".", "-name", "*.sh", "-o", "-name", "*.py"],
  [".", "-path", "./skills", "-prune", "-o", "-name", "*.md", "-print"], [".", "-not", "-name", "*.md"], [".", "!", "-name", "*.md", "-name", "*.sh"],
  [".", "-path", "*weather*", "-name", "*.sh"], ["skills", "-path", "*/weather/*"], ["skills", "-path", "*skills*"], ["skills/weather", "-path", "*weather/*"],
  [".", "-name", "zzz", "-o", "-print"], [".", "(", "-name", "zzz", "-o", "-print", ")"], [".", "-newer", "notes.md", "-name", "*.md"], [".", "-exec", "echo", "-name", "zzz", ";", "-print"],
  [".", "-name", "[wr]*"], [".", "-name", "zzz", ",", "-name", "*.md"], [tree.ws, "-name", "SKILL.md"], ["..", "-name", "send.js"], ["skills/weather/SKILL.md"],
];

test("all that find prints is within what it is said to print", { skip: !hasFind && "there is no find here" }, () => {
  for (const args of FINDS) {
    const { stdout, status } = spawnSync("find", args, { cwd: tree.ws, encoding: "utf8" });
    if (status !== 0) continue; // a word that this machine's find does not know
    const patterns = pathsFound(["find", ...args]);
    const folders = args.length === 0 ? ["."] : args.filter((one) => fs.existsSync(path.resolve(tree.ws, one))).map((one) => one.replace(/\/$/, ""));
    for (const line of stdout.split("\n").filter(Boolean)) {
      // What it begins at is a word of its own, and a line of an `-exec echo` is none of find's.
      if (folders.includes(line.replace(/\/$/, "")) || line.startsWith("-name")) continue;
      assert.ok(patterns.some((pattern) => fits(line, pattern)), `find ${args.join(" ")}: ${line} ${JSON.stringify(patterns)}`);
    }
  }
});

test("a test narrows only what it is certain of", () => {
  const paths = (text) => parse(text, { cwd: "/w" }).commands.at(-1).argv.slice(1).map(({ text: one }) => one.replace(/[\uf8fe\uf8ff]/g, "*"));
  assert.deepEqual(paths("find a -name '*.md' -exec cat {} +"), ["a/**.md"]);
  assert.deepEqual(paths("find a -name '*.md' -o -exec cat {} +"), ["a/*"]);
  assert.deepEqual(paths("find a \\( -name b -o -exec cat {} + \\)"), ["a/*"]);
  assert.deepEqual(paths("find a -exec cat {} \\; -name b"), ["a/*"]);
  assert.deepEqual(paths("find a -exec echo -name b \\; -exec cat {} \\;"), ["a/*"]);
  assert.deepEqual(paths("find a ! -name b -exec cat {} +"), ["a/*"]);
  assert.deepEqual(paths("cat $(find a b -name c)"), ["a/*c", "b/*c"]);
  assert.deepEqual(paths("printf 'a\\0b\\n' | xargs -0 cat"), ["a", "b"]);
});

test("which folders a command goes through", () => {
  const folders = (text) => {
    const words = text.split(" ");
    return treeOf(words[0], words)?.folders ?? null;
  };
  assert.deepEqual(folders("grep -rn -A 3 skills src"), ["src"]);
  assert.deepEqual(folders("grep -rn -e skills src lib"), ["src", "lib"]);
  assert.deepEqual(folders("grep -rnA3 skills"), ["."]);
  assert.equal(folders("grep -n r skills"), null);
  assert.deepEqual(folders("rg -e a --glob *.x src"), ["src"]);
  assert.deepEqual(folders("cp -r a b c"), ["a", "b"]);
  assert.deepEqual(folders("cp -rt c a b"), ["a", "b"]);
  assert.equal(folders("cp a b"), null);
  assert.deepEqual(folders("tar -C x -czf out.tgz a"), ["x/a"]);
  assert.deepEqual(folders("tar cfC out.tar x a"), ["a"]);
  assert.equal(folders("tar xf out.tar -C x"), null);
});
