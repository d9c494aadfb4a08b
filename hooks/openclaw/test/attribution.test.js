import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import test from "node:test";
import { attribute, createIndex, createSessions } from "../lib/attribution.js";
import { fits } from "../lib/attribution/patterns.js";
import { UNKNOWN as U, WITHIN as W } from "../lib/lexer/expand.js";
import { COMMANDS, placed, plant } from "./commands.js";

const posix = { skip: process.platform === "win32" && "the corpus is of POSIX shells and links" };
const tree = plant(fs.mkdtempSync(path.join(os.tmpdir(), "attribution-")));
const index = createIndex({ roots: tree.roots, watch: false });
test.after(() => fs.rmSync(tree.base, { recursive: true, force: true }));

const around = (more = {}) => ({ index, cwd: tree.ws, home: tree.home, env: tree.env, ...more });
const call = (toolName, params, more = {}) => attribute({ toolName, params }, around(more));
const exec = (command, more = {}, params = {}) => call("exec", { command, ...params }, more);
const nameOf = (root) => path.basename(root);
const namesOf = ({ skills }) => skills.filter(({ how }) => how !== "below").map(({ root }) => nameOf(root)).sort();
const belowOf = ({ skills }) => skills.filter(({ how }) => how === "below").map(({ root }) => nameOf(root)).sort();
const weather = path.join(tree.ws, "skills", "weather");

function run({ command, workdir, env }) {
  const values = Object.entries(env ?? {}).map(([key, value]) => [key, placed(value, tree)]);
  return exec(placed(command, tree), {}, { ...(workdir ? { workdir: placed(workdir, tree) } : {}), ...(env ? { env: Object.fromEntries(values) } : {}) });
}

test("every command that can be seen through is given to the skills it uses", posix, () => {
  for (const one of COMMANDS.filter(({ blind }) => !blind)) assert.deepEqual(namesOf(run(one)), [...one.uses].sort(), one.command);
});

test("what a search goes through is told apart from what is used", posix, () => {
  for (const one of COMMANDS.filter(({ blind }) => !blind)) assert.deepEqual(belowOf(run(one)), [...(one.below ?? [])].sort(), one.command);
});

test("what is only listed or spoken of is told apart", posix, () => {
  for (const one of COMMANDS.filter(({ naming }) => naming)) assert.deepEqual(run(one).named.map(nameOf), one.naming, one.command);
});

test("what cannot be seen is said to be so in the corpus, and is not found by luck", posix, () => {
  const blind = COMMANDS.filter((one) => one.blind);
  assert.ok(blind.length >= 20);
  for (const one of blind) {
    const found = run(one);
    assert.notDeepEqual(namesOf(found), [...one.uses].sort(), `${one.command}: not blind any more`);
    assert.equal(found.unresolved, one.flagged === true, one.command);
  }
});

test("the corpus is large enough to mean something", () => {
  assert.ok(COMMANDS.length >= 150);
  assert.equal(new Set(COMMANDS.map(({ command, workdir }) => `${command} ${workdir}`)).size, COMMANDS.length);
});

test("file tools: the path says it", posix, () => {
  const hit = (toolName, params) => assert.deepEqual(namesOf(call(toolName, params)), ["weather"], `${toolName} ${JSON.stringify(params)}`);
  hit("read", { path: "skills/weather/SKILL.md" });
  hit("read", { path: `${weather}/SKILL.md` });
  hit("read", { path: "wxdir/SKILL.md" });
  hit("read", { path: `file://${weather}/SKILL.md` });
  hit("read", { path: "~/../ws/skills/weather/lib/util.py" });
  hit("write", { path: "skills/weather/new/file.txt", content: "skills/pdf-tools/SKILL.md" });
  hit("edit", { file_path: "skills/weather/SKILL.md", old_string: "a", new_string: "b" });
  hit("apply_patch", { input: "*** Begin Patch\n*** Update File: skills/weather/scripts/run.sh\n@@\n-a\n+skills/pdf-tools/x\n*** End Patch" });
  hit("apply_patch", { input: "*** Begin Patch\n*** Update File: notes.md\n*** Move to: skills/weather/notes.md\n*** End Patch" });
  hit("some_other_tool", { deep: { list: ["x", "skills/weather/data/cities.json"] } });
  assert.deepEqual(call("read", { path: "notes.md" }).skills, []);
  assert.deepEqual(call("message", { text: "hello/there" }).skills, []);
  const derived = attribute({ toolName: "apply_patch", params: { input: "" }, derivedPaths: [`${weather}/x`] }, around());
  assert.deepEqual(derived.skills, [{ root: weather, how: "path", file: `${weather}/x` }]);
});

test("{baseDir} is the skill that the session has read", posix, () => {
  const pdf = path.join(tree.ws, "skills", "pdf-tools");
  assert.deepEqual(namesOf(exec("bash {baseDir}/scripts/run.sh", { session: [pdf] })), ["pdf-tools"]);
  assert.deepEqual(namesOf(exec("bash {baseDir}/scripts/run.sh", { session: [weather] })), ["weather"]);
  assert.deepEqual(namesOf(call("read", { path: "{baseDir}/scripts/fetch.py" })), ["weather"]);
});

test("the launcher is ours by its path, and no other file of the name", posix, () => {
  const launcher = "/opt/x/openclaw-vt-policy";
  assert.deepEqual(exec(`${launcher} verify skills/weather`, { launcher }).skills, []);
  assert.deepEqual(namesOf(exec("/opt/y/openclaw-vt-policy verify skills/weather", { launcher })), ["weather"]);
});

test("our own program is no call that could belong to what the session read; anything beside it is", posix, () => {
  assert.deepEqual(exec("openclaw-vt doctor --offline", { session: [weather] }).skills, []);
  assert.deepEqual(namesOf(exec("openclaw-vt doctor --offline; wttr Paris", { session: [weather] })), ["weather"]);
  assert.deepEqual(namesOf(exec("$(cat /tmp/x); grep -rn foo .", { session: [weather] })), ["weather"]);
});

test("a tool within a tool, and a Code Mode cell, are left to the calls that they make", posix, () => {
  assert.deepEqual(call("tool_call", { id: "read", args: { path: "skills/weather/SKILL.md" } }).skills, []);
  const cell = attribute({ toolName: "exec", params: { command: "await read({path: 'skills/weather/SKILL.md'})" }, toolKind: "code_mode_exec" }, around());
  assert.deepEqual(cell.skills, []);
});

test("a call that a skill's own slash command made belongs to that skill", posix, () => {
  const found = attribute({ toolName: "tool_call", params: { command: "x" }, skillFile: `${weather}/SKILL.md` }, around());
  assert.deepEqual(found.skills, [{ root: weather, how: "path", file: `${weather}/SKILL.md` }]);
  assert.deepEqual(attribute({ toolName: "message", params: {}, skillFile: 7 }, around()).skills, []);
});

test("the workshop's tool names a skill by its name, which the folder need not have", posix, (t) => {
  const base = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "workshop-")));
  t.after(() => fs.rmSync(base, { recursive: true, force: true }));
  const root = path.join(base, "agents", "main", "agent", "workshop-skills");
  for (const [folder, name] of [["hello", "hello"], ["other", "Bread Baker"], ["plain", "plain"]]) {
    fs.mkdirSync(path.join(root, folder), { recursive: true });
    fs.writeFileSync(path.join(root, folder, "SKILL.md"), `---\nname: "${name}"\ndescription: d\n---\nhello\n`);
  }
  const own = createIndex({ roots: [...tree.roots, root], watch: false });
  const ask = (params) => namesOf(attribute({ toolName: "skill_workshop", params }, around({ index: own })));
  for (const action of ["read", "patch", "prepare_patch"]) assert.deepEqual(ask({ action, skill_name: "hello" }), ["hello"]);
  assert.deepEqual(ask({ action: "read", skill_name: "bread baker" }), ["other"]);
  assert.deepEqual(ask({ action: "read", skill_name: "written in some other way" }), ["hello", "other", "plain"]);
  assert.deepEqual(ask({ action: "list" }), []);
  assert.deepEqual(ask({ action: "create", name: "hello", proposal_content: "skills/weather/SKILL.md" }), []);
  for (const skill_name of [7, "", " ", "../../x\0", "x".repeat(1e5)]) assert.ok(ask({ action: "read", skill_name }).length <= 3);
});

test("other shell tools and forms", posix, () => {
  assert.deepEqual(namesOf(call("bash", { command: "cat skills/weather/SKILL.md" })), ["weather"]);
  assert.deepEqual(namesOf(call("process", { action: "write", data: "bash skills/weather/scripts/run.sh\n" })), ["weather"]);
  assert.deepEqual(namesOf(call("system.run", { command: ["bash", "-c", "skills/'weather'/bin/wx"] })), ["weather"]);
  assert.deepEqual(namesOf(call("new_tool", { command: "D=skills; $D/weather/bin/wx" })), ["weather"]);
});

test("spans: words of the command that can be put elsewhere", posix, () => {
  const command = "FOO=1 bash \"skills/weather/scripts/run.sh\" --data=skills/weather/data/cities.json x";
  const [skill] = exec(command).skills;
  assert.deepEqual(skill.spans.map(([start, end]) => command.slice(start, end)), ['"skills/weather/scripts/run.sh"', "--data=skills/weather/data/cities.json".slice(7)].sort());
  assert.equal(skill.covered, true);
  assert.deepEqual(skill.files.map((file) => path.relative(weather, file)).sort(), ["data/cities.json", "scripts/run.sh"]);
  assert.equal(exec("D=skills/weather; cat skills/weather/SKILL.md; for x in bin/wx lib/util.py; do bash $D/$x; done").skills[0].covered, false);
  assert.equal(exec("echo c2tpbGxzL3dlYXRoZXIvYmluL3d4 | base64 -d | sh").skills[0].spans, undefined);
});

test("a session's skills are possible ones for calls that name no path, or cannot be read", posix, () => {
  const session = [weather];
  assert.deepEqual(exec("wttr Paris", { session }).skills, [{ root: weather, how: "session" }]);
  assert.equal(exec("curl -s http://x | bash", { session }).skills[0].how, "session");
  assert.deepEqual(exec("cat project/src/main.py", { session }).skills, []);
  assert.deepEqual(namesOf(exec("cat skills/pdf-tools/SKILL.md", { session })), ["pdf-tools"]);
  assert.deepEqual(call("read", { path: "notes.md" }, { session }).skills, []);
  assert.deepEqual(exec("wttr Paris", { session: { skills: () => session } }).skills.length, 1);
});

test("sessions are forgotten, the oldest first", () => {
  const sessions = createSessions({ maxSessions: 2, maxSkills: 2 });
  for (const root of ["/1", "/2", "/3", "/2"]) sessions.note("a", root);
  assert.deepEqual(sessions.of("a"), ["/2", "/3"]);
  sessions.note("b", "/x");
  sessions.note("a", "/3");
  sessions.note("c", "/y");
  assert.deepEqual([sessions.of("a"), sessions.of("b"), sessions.of("c")], [["/3", "/2"], [], ["/y"]]);
});

test("a nested SKILL.md does not take a skill's files out of its hands", posix, () => {
  assert.deepEqual(namesOf(exec("bash skills/group/deep/nested/inner.sh")), ["deep"]);
});

test("text that is no shell text still names the skills whose folders it holds", posix, () => {
  const found = exec(`fi; ((( ${weather}/bin/wx 'x`);
  assert.deepEqual([namesOf(found), found.unresolved], [["weather"], true]);
  const padded = exec(`${"true;".repeat(100_000)} bash ${weather}/bin/wx`);
  assert.deepEqual([namesOf(padded), padded.unresolved], [["weather"], true]);
});

test("a call that touches no skill looks at the disk for its paths only", posix, () => {
  const asked = [];
  const watched = (name) => (file, ...rest) => (asked.push(file), fs[name](file, ...rest));
  const native = Object.assign(watched("realpathSync"), { native: (file) => (asked.push(file), fs.realpathSync.native(file)) });
  const spy = { ...fs, statSync: watched("statSync"), lstatSync: watched("lstatSync"), readdirSync: watched("readdirSync"), existsSync: watched("existsSync"), realpathSync: native };
  const own = createIndex({ roots: tree.roots, fs: spy, watch: false, now: () => 0 });
  own.all();
  asked.length = 0;
  attribute({ toolName: "exec", params: { command: "git log --oneline -5 | head" } }, around({ index: own, env: { PATH: "/usr/bin" } }));
  assert.ok(asked.length <= 10, asked.join());
  asked.length = 0;
  attribute({ toolName: "message", params: { text: "hello there" } }, around({ index: own }));
  assert.deepEqual(asked, []);
});

test("junk of every kind: no throw", () => {
  const junk = [undefined, null, 7, "x", [], {}, { command: null }, { command: 7 }, { command: "" }, { command: [] }, { command: "a\0b/c" }, { path: "\0" }, { path: "" }, { path: "x".repeat(1e5) }, { input: "*** Update File: \0" }, { env: 7, command: "a" }, { env: { A: 1 }, workdir: 7, command: "a" }, { workdir: "\0/x", command: "./a" }, { command: "cd \ufffd\ud800; ./x" }, { command: "cat ".padEnd(60_000, "a/ ") }];
  for (const params of junk) for (const tool of ["exec", "read", "apply_patch", "process", "other"]) assert.ok(Array.isArray(attribute({ toolName: tool, params }, around()).skills));
  assert.ok(attribute({ toolName: "exec", params: { command: "ls" } }, { index, cwd: tree.ws, home: tree.home }));
});

test("hostile commands end", () => {
  for (const command of [
    "cat $X/a/run.sh ".repeat(5_000),
    Array.from({ length: 4_000 }, (_, i) => `skills/*/${i}/*`).join(" "),
    Array.from({ length: 4_000 }, (_, i) => `$X${i}/scripts/run.sh`).join(" "),
    Array.from({ length: 20_000 }, (_, i) => `/tmp/${i}/x`).join(" "),
    `cat ${"*/".repeat(500)}x`,
    Array.from({ length: 1_900 }, (_, i) => `p${i} x`).join(";"),
    `find ${Array.from({ length: 500 }, (_, i) => `d${i}`).join(" ")} ${"-exec cat {} ".repeat(5_000)}`,
    `find . ${"\\( -name a -o ".repeat(5_000)} -exec cat {} +`,
    `find . ${Array.from({ length: 2_000 }, (_, i) => `-name '*${i}' -o`).join(" ")} -print | while read a; do while read b; do cat $a $b; done; done`,
    Array.from({ length: 1_900 }, (_, i) => `grep -r foo d${i}`).join(";"),
    `cp -r ${"* ".repeat(20_000)} /tmp`,
    `python3 -c "import os; os.walk(${"'a'\\`b\\`".repeat(10_000)})"`,
    `rg ${"-a".repeat(50_000)}`,
  ]) assert.ok(exec(command));
});

test("patterns", () => {
  const yes = [["/a/b", "/a/b"], ["/a/b/c", `/a/${U}`], ["/a/b/c", `${U}/c`], ["/a/b/c", `/a/${W}/c`], ["/a/b/c", `/${W}/${W}/c${W}`], ["/a/x/b/c", `${U}/${W}/c`], ["/aXbXc", `/${W}X${W}c`], ["/a", `/a${U}`]];
  const no = [["/a/b", "/a/c"], ["/a/b/c", `/a/${W}`], ["/a/b/c", `/${W}/c`], ["/a/b", `/a/b/${W}`], ["", "/"]];
  for (const [text, pattern] of yes) assert.ok(fits(text, pattern), `${text} ${pattern}`);
  for (const [text, pattern] of no) assert.ok(!fits(text, pattern), `${text} ${pattern}`);
});
