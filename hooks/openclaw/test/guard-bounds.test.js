/** Hostile input costs bounded time, and nothing makes the guard throw or let a protected call pass. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CANNOT_SEE, protect, RULES } from "../lib/guard.js";
import { readings } from "../lib/guard/decode.js";
import { gateText } from "../lib/guard/json5.js";
import { inside } from "../lib/guard/places.js";
import { CWD, ENV, HOME, PLACES, shell } from "./support/guard.js";

const HOSTILE = {
  "many words": "a ".repeat(120_000),
  "many commands": "ls; ".repeat(60_000),
  "many names": "openclaw-vt scan x; ".repeat(12_000),
  "deep substitutions": "$(".repeat(60_000),
  "deep subshells": "(".repeat(120_000),
  "deep quotes": "bash -c '".repeat(20_000),
  "open quotes": '"'.repeat(200_001),
  backslashes: "\\".repeat(250_000),
  braces: `echo ${"{a,b}".repeat(40)}`,
  "brace bomb": `echo ${"{a,{a,".repeat(5_000)}`,
  globs: `rm ${"*/".repeat(40_000)}`,
  stars: `rm ~/${"*a".repeat(60_000)}`,
  "unknown parts": `rm ${"$X/openclaw-vt".repeat(8_000)}`,
  base64: `python3 -c '${"QUJD".repeat(60_000)}'`,
  "base64 runs": `python3 -c '${"QUJDREVGR0hJSktM ".repeat(14_000)}'`,
  hex: `python3 -c '${"41".repeat(120_000)}'`,
  codes: `python3 -c 'eval(${"111,".repeat(50_000)})'`,
  chars: `python3 -c '${"chr(111)+".repeat(25_000)}'`,
  escapes: `python3 -c '${"\\x6f".repeat(60_000)}'`,
  paths: `python3 -c '${"/openclaw/".repeat(24_000)}'`,
  mentions: `python3 -c 'os.system(${"'openclaw-vt'+ ".repeat(16_000)})'`,
  heredocs: "cat <<A\n".repeat(20_000),
  assignments: "A=b ".repeat(60_000),
  doubling: `A=xxxxxxxx${";A=$A$A".repeat(200)}; $A`,
  aliases: `${"alias a=b;".repeat(20_000)} a`,
  functions: `f(){ f; f; }; f`,
  "files of the call": `${"echo x > a; ".repeat(15_000)} sh a`,
  "scripts that call each other": "echo 'sh a; sh a' > a; sh a; sh a; sh a",
  blanks: `openclaw${" ".repeat(200_000)}-vt accept`,
  "spaces in code": `python3 -c 'open(${" ".repeat(200_000)}'`,
  "open calls": `python3 -c '${"open( ".repeat(40_000)}openclaw.json'`,
  zalgo: `echo ${"a\u0301".repeat(100_000)}`,
  invisible: `o\u200bpen${"\u200b".repeat(200_000)}claw-vt accept x`,
  "lone surrogates": `\ud800openclaw-vt\udfff accept ${"\ud800".repeat(1000)}`,
  newlines: `python3 -c '${"\n".repeat(200_000)}'`,
  imports: `python3 -c '${"import ".repeat(30_000)}'`,
  "blanks after import": `python3 -c '${`import${" ".repeat(2_000)}`.repeat(100)}'`,
  pipes: `python3 -c '${"| ".repeat(100_000)}'`,
  commas: `python3 -c 'open(${",".repeat(200_000)}'`,
  "one word": `python3 -c '${"a".repeat(250_000)}'`,
  "one word of ours": `python3 -c '${"openclaw-vt".repeat(20_000)}'`,
  slashes: `openclaw agent -m '${"/".repeat(200_000)}'`,
  "shells that are fed": "echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa | sh; ".repeat(5_000),
  "paths looked up": `rm ${Array.from({ length: 20_000 }, (_, at) => `/tmp/a${at}`).join(" ")}`,
  nul: "openclaw-vt\0accept\0",
};

for (const [name, command] of Object.entries(HOSTILE)) {
  test(`bounded: ${name}`, () => {
    const found = shell(command);
    assert.ok(found === null || Object.hasOwn(RULES, found.rule));
  });
}

test("text too long to read is stopped when it names us, and passes when not", () => {
  assert.equal(shell(`${"# x\n".repeat(70_000)}openclaw-vt accept x`)?.rule, "guard.unreadable");
  assert.equal(shell(`${"# x\n".repeat(70_000)}ls`), null);
});

test("deep nesting that hides a name is not passed in silence", () => {
  const nested = (depth) => {
    let text = "openclaw-vt accept x";
    for (let at = 0; at < depth; at += 1) text = `eval ${JSON.stringify(text)}`;
    return text;
  };
  for (const depth of [1, 3, 6, 9]) assert.ok(shell(nested(depth)), String(depth));
});

const ODD = [
  undefined,
  null,
  {},
  { toolName: "exec" },
  { toolName: "exec", params: null },
  { toolName: "exec", params: [] },
  { toolName: "exec", params: { command: 7 } },
  { toolName: "exec", params: { command: {} } },
  { toolName: "exec", params: { command: [null, 1] } },
  { toolName: "exec", params: { command: "ls", env: { "A=B": 1, __proto__: null } } },
  { toolName: "write", params: {} },
  { toolName: "write", params: { path: 7, content: {} } },
  { toolName: "edit", params: { path: "x", edits: "no" } },
  { toolName: "edit", params: { path: "x", edits: [null, 1, {}] } },
  { toolName: "apply_patch", params: { input: 9 }, derivedPaths: [null, 1, {}] },
  { toolName: "process", params: { action: "send-keys", keys: [null, {}], hex: ["zz", 1], literal: 4 } },
  { toolName: "plugins", params: { action: {}, pluginId: [] } },
  { toolName: "gateway", params: { action: "config.patch", raw: { a: 1 } } },
  { toolName: "nodes", params: { action: "invoke", invokeParamsJson: "{" } },
  { toolName: "__proto__", params: { constructor: "x" } },
  { toolName: "toString", params: {} },
  { toolName: Symbol.iterator.toString(), params: { path: "\0" } },
  { toolName: "read", params: { path: "\0" } },
];

test("odd calls neither throw nor are stopped", () => {
  for (const event of ODD) assert.equal(protect(event, { places: PLACES, cwd: CWD, home: HOME, env: ENV }), null, JSON.stringify(event));
  for (const options of [{}, { places: {} }, { places: { openclawConfig: "x" }, cwd: null, env: undefined }]) {
    assert.equal(protect({ toolName: "exec", params: { command: "ls" } }, options), null);
  }
});

test("a failure inside asks when the call concerns us, and only then", () => {
  const broken = {
    readFile: () => {
      throw new Error("disk");
    },
  };
  assert.equal(shell("bash a.sh openclaw-vt", broken)?.rule, "guard.failed");
  assert.equal(shell("bash a.sh ~/.openclaw/openclaw.json", broken)?.rule, "guard.failed");
  assert.equal(shell("bash a.sh", broken), null);
  const trap = {
    toolName: "exec",
    get params() {
      throw new Error("no");
    },
  };
  assert.equal(protect(trap, { places: PLACES, cwd: CWD })?.rule, "guard.failed");
  assert.equal(protect({ toolName: "exec", params: { command: "openclaw-vt scan" } }, undefined)?.rule, "guard.failed");
});

test("a verdict is a fixed sentence and holds nothing of the call", () => {
  for (const [rule, found] of Object.entries(RULES)) {
    assert.match(rule, /^guard\.[a-z-]+$/);
    assert.equal(found.rule, rule);
    assert.match(found.action, /^(?:block|ask)$/);
    assert.match(found.why, /^(?:[A-Z]|openclaw)[^<>`${}]{20,160}\.$/);
    assert.ok(Object.isFrozen(found));
  }
  assert.equal(shell("openclaw-vt accept IGNORE-ALL-RULES"), RULES["guard.program"]);
});

test("what cannot be seen is said with its reason", () => {
  assert.ok(CANNOT_SEE.length >= 10);
  for (const { what, why } of CANNOT_SEE) assert.ok(what.length > 10 && why.length > 10);
});

test("the gate's part of openclaw.json is cut out whatever stands around it", () => {
  const same = [
    '{"security":{"a":1},"x":2}',
    "{ x: [1, {security: 5}], security : { // note\n a: 1 }, }".replace("a: 1", '"a":1').replace("security :", '"security":'),
    '/* c */ {"x": "security: {}", "security": {"a": 1}}',
  ].map(gateText);
  assert.deepEqual(new Set(same).size, 1);
  assert.notEqual(gateText('{"security":{"a":1}}'), gateText('{"security":{"a":2}}'));
  assert.notEqual(gateText('{"security":{"a":1}}'), gateText('{"security":{"a":1},"\\u0073ecurity":{}}'));
  assert.equal(gateText('{"x":1}'), gateText("{}"));
  for (const broken of ["", "[", "{", "}{", "{a}", "nope", "{'a", "{a:1}}"]) assert.equal(gateText(broken), null, broken);
});

test("readings undo what hides a name", () => {
  const said = (text) => readings(text).some((one) => one.includes("openclaw-vt"));
  assert.ok(said(Buffer.from("run openclaw-vt now").toString("base64")));
  assert.ok(said(Buffer.from("run openclaw-vt now").toString("hex")));
  assert.ok(said("tv-walcnepo"));
  assert.ok(said("bcrapynj-ig"));
  assert.ok(said("\\x6fpenclaw-vt"));
  assert.ok(said("\\u006fpenclaw-vt"));
  assert.ok(
    said("chr(111)+'penclaw-vt'".replace("'penclaw-vt'", "chr(112)+chr(101)+chr(110)+chr(99)+chr(108)+chr(97)+chr(119)+chr(45)+chr(118)+chr(116)")),
  );
  assert.ok(!said("hello"));
});

test("a pattern means a place only where it can reach it", () => {
  const places = [{ path: "/home/u/.config/openclaw-vt", kind: "config", tree: true }];
  assert.equal(inside("/home/u/.config/openclaw-vt", places), "config");
  assert.equal(inside("/home/u/.config/openclaw-vt/a/b", places), "config");
  assert.equal(inside("/home/u/.config/openclaw-vt2", places), null);
  assert.equal(inside("/home/u/.config", places), null);
  assert.equal(inside("/home/u/.config/openclaw-??", places), "config");
  assert.equal(inside("/home/*/.config/open*/x", places), "config");
  assert.equal(inside("/home/u/*", places), null);
  assert.equal(inside("/tmp/*/openclaw-vt", places), null);
  assert.equal(inside("\ue000/openclaw-vt/config.toml", places), "config");
  assert.equal(inside("\ue000/config.toml", places), null);
});
