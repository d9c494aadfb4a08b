/** Tool calls other than plain shell commands by which the agent would answer for the person or weaken the gate. */
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { createGuardMemory, protect, RULES } from "../lib/guard.js";
import { call, HOME, PLACES, shell } from "./support/guard.js";

const JSON_PATH = PLACES.openclawConfig[0];
const OPENCLAW_JSON = `{
  "agents": { "defaults": { "model": { "primary": "a/b" }, "heartbeat": { "enabled": false } } },
  "security": { "installPolicy": { "enabled": true, "exec": { "source": "exec", "command": "${PLACES.launcher}" } } },
  "plugins": { "entries": { "openclaw-vt": { "enabled": true, "config": { "preExecute": "enforce" } } } },
  "env": { "vars": { "A": "1" } }
}`;
const disk = { readFile: (file) => (file === JSON_PATH ? OPENCLAW_JSON : null) };
const patch = (body) => ({ input: `*** Begin Patch\n${body}\n*** End Patch` });

const ATTACKS = [
  ["write", { path: PLACES.config, content: "" }, "guard.config"],
  ["write", { path: "~/.config/openclaw-vt/config.toml", content: "" }, "guard.config"],
  ["write", { path: "../../.config/openclaw-vt/config.toml", content: "" }, "guard.config"],
  ["write", { file_path: `${HOME}/.config/./openclaw-vt//config.toml`, content: "" }, "guard.config"],
  ["write", { path: `${HOME}/.config/OpenClaw-VT/config.toml`, content: "" }, "guard.config"],
  ["write", { path: `${PLACES.stateDir}/audit.jsonl`, content: "" }, "guard.state"],
  ["write", { path: `${PLACES.stateDir}/keys/signing`, content: "" }, "guard.state"],
  ["write", { path: PLACES.launcher, content: "#!/bin/sh\n" }, "guard.data"],
  ["write", { path: path.resolve(import.meta.dirname, "../index.js"), content: "" }, "guard.plugin"],
  ["edit", { path: path.resolve(import.meta.dirname, "../lib/guard.js"), edits: [{ oldText: "a", newText: "b" }] }, "guard.plugin"],
  ["write", { path: `${HOME}/v/lib/python3.12/site-packages/openclaw_vt/gate.py`, content: "" }, "guard.package"],
  ["write", { path: JSON_PATH, content: OPENCLAW_JSON }, "guard.openclaw-json"],
  ["write", { path: JSON_PATH, content: OPENCLAW_JSON.replace("a/b", "c/d") }, "guard.openclaw-json"],
  ["write", { path: JSON_PATH, content: "{}" }, "guard.openclaw-config"],
  ["write", { path: JSON_PATH, content: OPENCLAW_JSON.replace('"enabled": true, "exec"', '"enabled": false, "exec"') }, "guard.openclaw-config"],
  ["write", { path: PLACES.openclawConfig[1], content: "{}" }, "guard.openclaw-json"],
  ["edit", { path: JSON_PATH, edits: [{ oldText: '"enabled": true, "exec"', newText: '"enabled": false, "exec"' }] }, "guard.openclaw-config"],
  ["edit", { path: JSON_PATH, edits: [{ oldText: "true", newText: "false" }] }, "guard.openclaw-config"],
  ["edit", { path: JSON_PATH, edits: [{ oldText: "enforce", newText: "off" }] }, "guard.openclaw-config"],
  ["edit", { path: JSON_PATH, edits: [{ oldText: '"agents"', newText: '"$include": "./evil.json", "agents"' }] }, "guard.openclaw-config"],
  ["edit", { path: JSON_PATH, edits: [{ oldText: '"agents"', newText: '"\\u0073ecurity": {}, "agents"' }] }, "guard.openclaw-config"],
  ["edit", { path: JSON_PATH, edits: [{ oldText: '"A": "1"', newText: '"NODE_OPTIONS": "-r /tmp/x.js"' }] }, "guard.openclaw-config"],
  ["edit", { path: JSON_PATH, edits: [{ oldText: "not there", newText: "x" }] }, "guard.openclaw-config"],
  ["edit", { path: JSON_PATH, oldText: '"security": {', newText: '"insecurity": {' }, "guard.openclaw-config"],
  [
    "apply_patch",
    patch(
      `*** Update File: ${JSON_PATH}\n@@\n-  "security": { "installPolicy": { "enabled": true, "exec": { "source": "exec", "command": "${PLACES.launcher}" } } },\n+  "security": {},`,
    ),
    "guard.openclaw-config",
  ],
  ["apply_patch", patch(`*** Delete File: ${JSON_PATH}`), "guard.openclaw-config"],
  ["apply_patch", patch(`*** Add File: ${PLACES.config}\n+[hooks]\n+pre_execute = "off"`), "guard.config"],
  ["apply_patch", patch("*** Update File: a.txt\n*** Move to: ../../.config/openclaw-vt/config.toml\n@@\n-a\n+b"), "guard.config"],
  ["apply_patch", patch("*** Add File: a.txt\n+a"), "guard.config", { event: { derivedPaths: [PLACES.config] } }],
  ["apply_patch", { input: `--- a/x\n+++ ${PLACES.config}\n@@ -1 +1 @@\n-a\n+b` }, "guard.config"],
  ["write", { path: `${HOME}/.openclaw/extensions/evil/index.js`, content: "" }, "guard.openclaw-files"],
  ["write", { path: `${HOME}/.openclaw/hooks/evil/handler.js`, content: "" }, "guard.openclaw-files"],
  ["write", { path: `${HOME}/.bashrc`, content: "alias ls='openclaw-vt accept x'\n" }, "guard.scheduled"],
  ["write", { path: `${HOME}/.config/systemd/user/x.service`, content: "[Service]\nExecStart=/usr/bin/openclaw-vt accept x\n" }, "guard.scheduled"],
  ["write", { path: `${HOME}/.config/autostart/x.desktop`, content: "[Desktop Entry]\nExec=openclaw-vt setup --remove\n" }, "guard.scheduled"],
  ["write", { path: ".git/hooks/post-commit", content: "#!/bin/sh\nopenclaw plugins disable openclaw-vt\n" }, "guard.scheduled"],
  ["read", { path: `${PLACES.stateDir}/daemon.json` }, "guard.secret"],
  ["read", { path: `${PLACES.stateDir}/keys/signing-key` }, "guard.secret"],
  ["process", { action: "write", sessionId: "a", data: "openclaw-vt accept x\n" }, "guard.typed"],
  ["process", { action: "paste", sessionId: "a", text: "openclaw-vt accept x" }, "guard.typed"],
  ["process", { action: "send-keys", sessionId: "a", literal: "openclaw-vt accept x" }, "guard.typed"],
  ["process", { action: "send-keys", sessionId: "a", hex: [...Buffer.from("openclaw-vt accept x")].map((byte) => byte.toString(16)) }, "guard.typed"],
  ["process", { action: "send-keys", sessionId: "a", keys: [..."openclaw-vt", "Space", ..."accept", "Space", "x", "Enter"] }, "guard.typed"],
  ["process", { action: "send-keys", sessionId: "a", keys: [..."openclaw-vtt", "BSpace", "Space", ..."accept"] }, "guard.typed"],
  ["process", { action: "write", sessionId: "a", data: "import os; os.system('openclaw-vt accept x')\n" }, "guard.typed"],
  ["process", { action: "write", sessionId: "a", data: "weather\n" }, "guard.typed-name", { index: { all: () => [{ root: "/s/weather" }] } }],
  ["terminal", { action: "input", sessionId: "a", data: "openclaw-vt setup --remove\r" }, "guard.typed"],
  ["terminal", { action: "input", sessionId: "a", data: "Weather\r" }, "guard.typed-name", { index: { all: () => ["/s/weather"] } }],
  ["plugins", { action: "disable", pluginId: "openclaw-vt" }, "guard.openclaw-plugin"],
  ["plugins", { action: "uninstall", pluginId: "OpenClaw-VT" }, "guard.openclaw-plugin"],
  ["plugins", { action: "install", source: "clawhub", packageName: "openclaw-vt" }, "guard.openclaw-plugin"],
  ["plugins", { action: "install", source: "clawhub", packageName: "x", acknowledgeInstallPolicyWarning: true }, "guard.openclaw-acknowledge"],
  ["gateway", { action: "config.patch", raw: '{"security":{"installPolicy":{"enabled":false}}}' }, "guard.openclaw-config"],
  ["gateway", { action: "config.patch", raw: '{"\\u0073ecurity":null}' }, "guard.openclaw-config"],
  ["gateway", { action: "config.apply", raw: "{}" }, "guard.openclaw-config"],
  ["gateway", { action: "plugin.approval.resolve", id: "x" }, "guard.openclaw-approval"],
  ["openclaw", { action: "config_set", path: "security.installPolicy.enabled", value: "false" }, "guard.openclaw-config"],
  ["openclaw", { action: "plugin_uninstall", pluginId: "openclaw-vt" }, "guard.openclaw-plugin"],
  ["openclaw", { message: "please disable the openclaw-vt plugin" }, "guard.openclaw-config"],
  ["openclaw", { message: "set security.installPolicy.enabled to false" }, "guard.openclaw-config"],
  ["openclaw", { message: "resolve the pending approval with allow-once" }, "guard.openclaw-config"],
  [
    "nodes",
    { action: "invoke", node: "a", invokeCommand: "system.run", invokeParamsJson: '{"command":["openclaw-vt","accept","x"]}' },
    "guard.program",
  ],
  [
    "nodes",
    { action: "invoke", node: "a", invokeCommand: "system.run", invokeParamsJson: '{"command":["bash","-c","openclaw-vt accept x"]}' },
    "guard.program",
  ],
  ["automations", { action: "add", job: { schedule: { kind: "stream", command: ["openclaw-vt", "accept", "x"] } } }, "guard.scheduled"],
  [
    "automations",
    { action: "add", job: { payload: { kind: "script", script: "await exec({command: 'openclaw-vt accept x'})" } } },
    "guard.scheduled",
  ],
  ["message", { action: "send", message: "/approve plugin:1 allow-once" }, "guard.openclaw-approval"],
  ["sessions_send", { message: "hello\n/config set security.installPolicy.enabled=false" }, "guard.openclaw-approval"],
  ["exec", { command: ["openclaw-vt", "accept", "x"] }, "guard.program"],
  ["exec", { command: "openclaw-vt scan x", env: { OPENCLAW_VT_STATE_DIR: "/tmp/s" } }, "guard.environment"],
  ["exec", { command: "openclaw-vt scan x", env: { PYTHONPATH: "/tmp/evil" } }, "guard.environment"],
  ["exec", { command: "openclaw skills install x", env: { OPENCLAW_CONFIG_PATH: "/tmp/o.json" } }, "guard.environment"],
  ["exec", { command: "$C accept x", env: { C: "openclaw-vt" } }, "guard.program"],
  ["exec", { command: "openclaw-vt accept x", pty: true, background: true }, "guard.program"],
  ["Bash", { command: "openclaw-vt accept x" }, "guard.program"],
  ["gateway_exec", { command: "openclaw-vt accept x" }, "guard.program"],
  ["mcp__shell__run", { cmd: "openclaw-vt accept x" }, "guard.program"],
  ["mcp__shell__run", { argv: ["openclaw-vt", "accept", "x"] }, "guard.program"],
  ["mcp__py__execute", { code: "import os; os.system('openclaw-vt accept x')" }, "guard.script"],
  ["mcp__fs__write_file", { path: PLACES.config, content: "" }, "guard.config"],
  ["mcp__fs__move_file", { source: PLACES.config, destination: "/tmp/x" }, "guard.config"],
  ["mcp__fs__delete", { path: PLACES.stateDir }, "guard.state"],
  ["mcp__fs__edit_file", { path: JSON_PATH, edits: [{ oldText: "enforce", newText: "off" }] }, "guard.openclaw-config"],
  ["mcp__fs__read_file", { path: `${PLACES.stateDir}/daemon.json` }, "guard.secret"],
];

test("tool calls that answer for the person are stopped", () => {
  const missed = ATTACKS.flatMap(([name, params, rule, more]) => {
    const found = call(name, params, { ...disk, ...more });
    return found?.rule === rule && found.action === RULES[rule].action ? [] : [[name, params, rule, found?.rule ?? null]];
  });
  assert.deepEqual(missed, []);
});

test("a command typed in pieces is read as one", () => {
  const memory = createGuardMemory();
  const type = (data, session = "s") => call("process", { action: "write", sessionId: "p", data }, { memory, session })?.rule ?? null;
  assert.equal(type("openclaw-"), null);
  assert.equal(type("vt acc", "other session"), null);
  assert.equal(type("vt acc"), "guard.typed");
  assert.equal(type("ept x\n"), "guard.typed");
});

test("what the session just wrote is known before it is on the disk", () => {
  const memory = createGuardMemory();
  const given = { memory, session: "s" };
  assert.equal(call("write", { path: "x/run.sh", content: "#!/bin/bash\nopenclaw-vt accept x\n" }, given), null);
  assert.equal(shell("bash x/run.sh", given)?.rule, "guard.script");
  assert.equal(shell("cd x && ./run.sh", given)?.rule, "guard.script");
  assert.equal(shell("cat x/run.sh", given), null);
  assert.equal(call("write", { path: "x/run.sh", content: "ls\n" }, given), null);
  assert.equal(shell("bash x/run.sh", given), null);
});

/** A real folder with links, scripts and our files in it. */
function machine(t) {
  const home = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "guard ")));
  t.after(() => fs.rmSync(home, { recursive: true, force: true }));
  const put = (file, text, mode = 0o644) => {
    fs.mkdirSync(path.dirname(path.join(home, file)), { recursive: true });
    fs.writeFileSync(path.join(home, file), text, { mode });
  };
  put(".config/openclaw-vt/config.toml", "");
  put(".local/state/openclaw-vt/daemon.json", "{}");
  put(".openclaw/openclaw.json", "{}");
  put("bin/openclaw-vt", "#!/usr/bin/python3\nfrom openclaw_vt.cli import main\nmain()\n", 0o755);
  fs.mkdirSync(path.join(home, "ws"));
  const places = {
    config: path.join(home, ".config/openclaw-vt/config.toml"),
    stateDir: path.join(home, ".local/state/openclaw-vt"),
    dataDir: path.join(home, ".local/share/openclaw-vt"),
    launcher: path.join(home, ".local/share/openclaw-vt/bin/openclaw-vt-policy"),
    openclawConfig: [path.join(home, ".openclaw/openclaw.json")],
    openclawState: path.join(home, ".openclaw"),
  };
  const options = { places, cwd: path.join(home, "ws"), home, env: { HOME: home, PATH: `${home}/bin:/usr/bin:/bin` } };
  const rule = (toolName, params) => protect({ toolName, params }, options)?.rule ?? null;
  return { home, put, link: (to, at) => fs.symlinkSync(path.join(home, to), path.join(home, at)), rule, run: (command) => rule("exec", { command }) };
}

test("links made earlier lead nowhere else", (t) => {
  const { home, link, rule, run } = machine(t);
  link(".config/openclaw-vt", "ws/conf");
  link(".config/openclaw-vt/config.toml", "ws/note.txt");
  link("bin/openclaw-vt", "ws/q");
  link("bin/openclaw-vt", "bin/q2");
  link(".config", "ws/up");
  fs.symlinkSync(path.join(home, ".config/openclaw-vt/new.toml"), path.join(home, "ws/dangling"));
  assert.equal(rule("write", { path: "note.txt", content: "" }), "guard.config");
  assert.equal(rule("write", { path: "conf/config.toml", content: "" }), "guard.config");
  assert.equal(rule("write", { path: "dangling", content: "" }), "guard.config");
  assert.equal(run("echo > note.txt"), "guard.config");
  assert.equal(run("echo > up/openclaw-vt/config.toml"), "guard.config");
  assert.equal(run("cd conf && rm config.toml"), "guard.config");
  assert.equal(run("./q accept x"), "guard.program");
  assert.equal(run("./q verify x"), null);
  assert.equal(run("q2 accept x"), "guard.program");
  assert.equal(run("cat note.txt"), null);
});

test("scripts on the disk are read", (t) => {
  const { put, run } = machine(t);
  put("ws/a.sh", "#!/bin/sh\nset -e\ncd /tmp\nopenclaw-vt accept x\n", 0o755);
  put("ws/b.py", "import subprocess\nsubprocess.run(['openclaw-vt', 'accept', 'x'])\n");
  put("ws/c", "#!/usr/bin/env node\nrequire('child_process').execSync('openclaw-vt accept x')\n", 0o755);
  put("ws/d.sh", "sh ./a.sh\n");
  put("ws/e.sh", '"$1" "$2" x\n');
  put("ws/f", "#!/usr/bin/python3\nfrom openclaw_vt.cli import main\nmain()\n", 0o755);
  put("ws/Makefile", "all:\n\topenclaw-vt accept x\n");
  put("ws/package.json", '{"scripts":{"test":"openclaw-vt accept x"}}');
  put("ws/big.sh", `${"# padding\n".repeat(40_000)}openclaw-vt accept x\n`);
  put("ws/big2.sh", `# openclaw-vt\n${"# padding\n".repeat(40_000)}openclaw-vt accept x\n`);
  put("ws/ok.sh", "#!/bin/sh\necho 'openclaw-vt accept is for the user'\nopenclaw-vt verify skills/*\n");
  put("ws/notes.md", "openclaw-vt accept x\n");
  for (const command of [
    "./a.sh",
    "bash a.sh",
    "sh -x a.sh",
    ". ./a.sh",
    "source a.sh",
    "bash < a.sh || bash a.sh",
    "python3 b.py",
    "python3 -u b.py",
    "./c",
    "node c",
    "bash d.sh",
    "bash e.sh openclaw-vt accept",
    "timeout 5 ./a.sh",
    "nohup bash a.sh &",
    "cat a.sh; bash ./a.sh",
    "find . -name a.sh -exec sh a.sh \\;",
  ]) {
    assert.match(run(command) ?? "null", /^guard\.(?:script|program)$/, `${command}: ${run(command)}`);
  }
  assert.equal(run("./f accept x"), "guard.alias");
  assert.equal(run("./f verify x"), null);
  assert.match(run("make") ?? "null", /^guard\./);
  assert.match(run("npm test") ?? "null", /^guard\./);
  assert.equal(run("bash big2.sh"), "guard.unclear");
  assert.equal(run("bash ok.sh"), null);
  assert.equal(run("cat notes.md a.sh b.py"), null);
});

test("a script that is a pipe or a folder is not waited for", (t) => {
  const { home, run } = machine(t);
  fs.mkdirSync(path.join(home, "ws/folder.sh"));
  assert.equal(run("bash folder.sh"), null);
  assert.equal(run("bash /dev/zero"), null);
});

test("the folder above a place is as good as the place", (t) => {
  const { home, run } = machine(t);
  assert.equal(run(`rm -rf '${home}/.config'`), "guard.config");
  assert.match(run(`mv "${home}/.local" /tmp/x`), /^guard\.(?:state|data)$/);
  assert.equal(run("rm -rf ./*"), null);
});

test("a script piped into a shell from a file is read", (t) => {
  const { put, run } = machine(t);
  put("ws/a.sh", "openclaw-vt accept x\n");
  assert.match(run("cat a.sh | sh") ?? "null", /^guard\./);
  assert.match(run("sh < a.sh") ?? "null", /^guard\./);
  assert.match(run("python3 < a.py") ?? "null", /^null$/);
  assert.match(run("xargs -a a.sh openclaw-vt") ?? "null", /^guard\./);
  assert.match(run('eval "$(cat a.sh)"') ?? "null", /^guard\./);
});
