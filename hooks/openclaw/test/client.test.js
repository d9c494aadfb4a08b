import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { createClient } from "../lib/client.js";
import { createLauncher } from "../lib/launch.js";
import { readRendezvous } from "../lib/rendezvous.js";
import { privateFolder, startDaemon } from "./fake-daemon.js";

const SHORT = { timeoutMs: 1_500 };
const HERE = path.dirname(fileURLToPath(import.meta.url));
const posix = { skip: process.platform === "win32" && "Windows has no Unix sockets" };

function clientOf(t, stateDir, options = {}) {
  const client = createClient({ stateDir, launcher: null, version: "0.1.0", ...options });
  t.after(() => client.close());
  return client;
}

async function refused(promise, code) {
  await assert.rejects(promise, (error) => {
    assert.equal(error.code, code, error.message);
    return true;
  });
}

test("the right daemon is asked and answers", posix, async (t) => {
  const daemon = await startDaemon(t);
  const client = clientOf(t, daemon.stateDir);
  assert.equal((await client.request("use", { path: "/x" }, SHORT)).answer, "pass");
  assert.match(daemon.greetings[0].nonce, /^[0-9a-f]{32}$/);
  assert.deepEqual(daemon.requests.map(({ op, path: where }) => [op, where]), [["use", "/x"]]);
});

test("the greeting is the first request of every connection, and its reply is handed on", posix, async (t) => {
  const daemon = await startDaemon(t, { answers: { start: () => ({ runFrom: "snapshot" }) } });
  const heard = [];
  const client = clientOf(t, daemon.stateDir, { greeting: () => ({ config: "/c" }), onGreeting: (reply) => heard.push(reply.runFrom) });
  await Promise.all([client.request("use", {}, SHORT), client.request("use", {}, SHORT)]);
  daemon.drop();
  await client.request("use", {}, SHORT);
  assert.deepEqual(daemon.requests.map(({ op }) => op), ["start", "use", "use", "start", "use"]);
  assert.deepEqual(heard, ["snapshot", "snapshot"]);
  assert.equal(daemon.connections, 2);
});

test("many questions are open at once, and answers come in any order", posix, async (t) => {
  const waiting = [];
  const daemon = await startDaemon(t, { fault: (request, { reply }) => {
    waiting.push(() => reply({ id: request.id, ok: true, said: request.n }));
    if (waiting.length === 20) waiting.reverse().forEach((say) => say());
    return true;
  } });
  const client = clientOf(t, daemon.stateDir);
  const replies = await Promise.all(Array.from({ length: 20 }, (_, n) => client.request("use", { n }, SHORT)));
  assert.deepEqual(replies.map(({ said }) => said), Array.from({ length: 20 }, (_, n) => n));
  assert.equal(daemon.connections, 1);
});

test("a request cannot carry another number or op than its own", posix, async (t) => {
  const daemon = await startDaemon(t);
  await clientOf(t, daemon.stateDir).request("use", { id: 99, op: "stop" }, SHORT);
  assert.equal(daemon.requests[0].op, "use");
  assert.equal(daemon.requests[0].id, 1);
});

for (const [name, spoil] of Object.entries({
  "rendezvous file readable by others": ({ file }) => chmodSync(file, 0o644),
  "state folder open to others": ({ stateDir }) => chmodSync(stateDir, 0o755),
  "socket writable by others": ({ socket }) => chmodSync(socket, 0o666),
  "socket folder open to others": ({ folder }) => chmodSync(folder, 0o750),
  "rendezvous file is a link": ({ stateDir, file }) => {
    const aside = path.join(stateDir, "aside.json");
    writeFileSync(aside, readFileSync(file), { mode: 0o600 });
    rmSync(file);
    symlinkSync(aside, file);
  },
  "rendezvous file is garbage": ({ file }) => writeFileSync(file, "\u0000{", { mode: 0o600 }),
  "rendezvous file is huge": ({ file }) => writeFileSync(file, " ".repeat(5_000), { mode: 0o600 }),
  "rendezvous file names another protocol": ({ file }) => writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file)), protocol: 2 })),
  "rendezvous file names a relative socket": ({ file }) => writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file)), socket: "gate.sock" })),
  "rendezvous file holds a short token": ({ file }) => writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file)), token: "ab" })),
  "socket is a plain file": ({ socket }) => {
    rmSync(socket);
    writeFileSync(socket, "", { mode: 0o600 });
  },
})) {
  test(`not trusted, and nothing is started: ${name}`, posix, async (t) => {
    const daemon = await startDaemon(t);
    spoil(daemon);
    let started = 0;
    const starter = { start: async () => void (started += 1), succeeded() {}, child() {} };
    await refused(clientOf(t, daemon.stateDir, { starter }).request("use", {}, SHORT), "untrusted");
    assert.equal(daemon.connections, 0);
    assert.equal(started, 0);
  });
}

test("not trusted: everything belongs to another user", posix, async (t) => {
  const daemon = await startDaemon(t);
  await refused(readRendezvous(daemon.stateDir, { uid: process.getuid() + 1 }), "untrusted");
  assert.equal((await readRendezvous(daemon.stateDir)).socket, daemon.socket);
});

test("an impostor that does not know the token gets no question", posix, async (t) => {
  const daemon = await startDaemon(t, { proveWith: "11".repeat(32) });
  await refused(clientOf(t, daemon.stateDir).request("use", {}, SHORT), "impostor");
  assert.equal(daemon.requests.length, 0);
});

for (const [name, hello] of Object.entries({
  "no proof": (message) => ({ hello: 1, nonce: "0".repeat(32), version: message.nonce }),
  "our own nonce played back": (message) => ({ hello: 1, nonce: message.nonce, proof: message.nonce.repeat(2) }),
  "a proof that is a number": () => ({ hello: 1, nonce: "0".repeat(32), proof: 7 }),
  "a nonce with a text in it": () => ({ hello: 1, nonce: "server ", proof: "0".repeat(64) }),
})) {
  test(`an impostor is refused: ${name}`, posix, async (t) => {
    const { createWire, shakeHands } = await import("../lib/wire.js");
    const { PassThrough } = await import("node:stream");
    const [input, output] = [new PassThrough(), new PassThrough()];
    output.on("data", (line) => input.write(`${JSON.stringify(hello(JSON.parse(line)))}\n`));
    const wire = createWire(input, output, () => {});
    await refused(shakeHands(wire, Buffer.alloc(32), "test"), "impostor");
  });
}

test("no daemon and no launcher: refused at once", posix, async (t) => {
  await refused(clientOf(t, privateFolder(t)).request("use", {}, SHORT), "launch");
});

test("a socket that nobody serves any more is as good as none", posix, async (t) => {
  const daemon = await startDaemon(t);
  const stale = readFileSync(daemon.file);
  await daemon.stop();
  writeFileSync(daemon.file, stale, { mode: 0o600 });
  await refused(clientOf(t, daemon.stateDir).request("use", {}, SHORT), "launch");
});

const FAULTS = {
  "garbage": [({ socket }) => socket.write("not json at all\n"), "protocol"],
  "an array": [({ socket }) => socket.write("[1,2]\n"), "protocol"],
  "null": [({ socket }) => socket.write("null\n"), "protocol"],
  "an id nobody used": [({ reply }) => reply({ id: 4242, ok: true, answer: "pass" }), "protocol"],
  "no id": [({ reply }) => reply({ ok: true, answer: "pass" }), "protocol"],
  "a string id": [({ reply }) => reply({ id: "1", ok: true, answer: "pass" }), "protocol"],
  "a line without end": [({ socket }) => socket.write("x".repeat(1_200_000)), "protocol"],
  "too long a line": [({ socket }) => socket.write(`${JSON.stringify({ id: 1, ok: true, x: "x".repeat(1_100_000) })}\n`), "protocol"],
  "half an answer, then death": [({ socket }) => socket.end('{"id":1,"ok":tr'), "closed"],
  "death": [({ socket }) => socket.destroy(), "closed"],
  "silence": [() => {}, "timeout"],
  "a refusal": [({ reply }, { id }) => reply({ id, ok: false, error: "no" }), "daemon"],
  "ok that is not true": [({ reply }, { id }) => reply({ id, ok: "true", answer: "pass" }), "daemon"],
};
for (const [name, [misbehave, code]] of Object.entries(FAULTS)) {
  test(`a daemon that answers with ${name}`, posix, async (t) => {
    const daemon = await startDaemon(t, { fault: (request, connection) => {
      if (request.op !== "use") return false;
      misbehave(connection, request);
      return true;
    } });
    const client = clientOf(t, daemon.stateDir);
    await refused(client.request("use", {}, { timeoutMs: 400 }), code);
    // The next question finds a working connection again.
    assert.equal((await client.request("writing", {}, SHORT)).answer, "pass");
  });
}

test("an answer to a question that was given up harms nobody", posix, async (t) => {
  const late = [];
  const daemon = await startDaemon(t, { fault: (request, { reply }) => request.op === "use" && late.push(() => reply({ id: request.id, ok: true, answer: "pass" })) > 0 });
  const client = clientOf(t, daemon.stateDir);
  await refused(client.request("use", {}, { timeoutMs: 50 }), "timeout");
  late.forEach((say) => say());
  assert.equal((await client.request("writing", {}, SHORT)).answer, "pass");
  assert.equal(daemon.connections, 1);
});

test("a daemon that never answers is hung up on, and the next one is asked", posix, async (t) => {
  const daemon = await startDaemon(t, { fault: ({ op }) => op === "use" });
  const client = clientOf(t, daemon.stateDir);
  for (let n = 0; n < 3; n += 1) await refused(client.request("use", {}, { timeoutMs: 30 }), "timeout");
  await client.request("writing", {}, SHORT);
  assert.equal(daemon.connections, 2);
});

test("a request longer than a line is not sent", posix, async (t) => {
  const daemon = await startDaemon(t);
  const client = clientOf(t, daemon.stateDir);
  await refused(client.request("proposal", { files: "x".repeat(9 << 20) }, SHORT), "too-large");
  assert.equal(daemon.requests.length, 0);
});

test("more open questions than can be held are refused", posix, async (t) => {
  const daemon = await startDaemon(t, { answers: { use: () => null } });
  const client = clientOf(t, daemon.stateDir);
  await client.connect();
  const asked = await Promise.allSettled(Array.from({ length: 300 }, () => client.request("use", {}, { timeoutMs: 100 })));
  assert.ok(asked.every(({ status }) => status === "rejected"));
  assert.ok(asked.some(({ reason }) => reason.code === "busy"));
});

test("an idle connection is closed, and opened again when it is needed", posix, async (t) => {
  const daemon = await startDaemon(t);
  const client = clientOf(t, daemon.stateDir, { idleMs: 20 });
  await client.request("use", {}, SHORT);
  while (daemon.open() > 0) await new Promise((resolve) => setImmediate(resolve));
  await client.request("use", {}, SHORT);
  assert.equal(daemon.connections, 2);
});

test("the daemon is started once when many ask at a time", posix, async (t) => {
  const stateDir = privateFolder(t);
  let starts = 0;
  let going = null;
  const starter = {
    start: () => (going ??= (async () => {
      starts += 1;
      await startDaemon(t, { stateDir });
    })()),
    succeeded() {},
  };
  const client = clientOf(t, stateDir, { starter });
  const replies = await Promise.all(Array.from({ length: 5 }, () => client.request("use", {}, SHORT)));
  assert.equal(starts, 1);
  assert.ok(replies.every(({ answer }) => answer === "pass"));
});

test("the launcher runs without a shell, with little of our environment, and is not hurried after a failure", posix, async (t) => {
  const folder = privateFolder(t);
  const program = path.join(folder, "a launcher; touch pwned");
  writeFileSync(program, `#!/bin/sh\nenv > "$OPENCLAW_VT_STATE_DIR/seen"\necho "$#$1" >> "$OPENCLAW_VT_STATE_DIR/args"\nexit 3\n`, { mode: 0o755 });
  let clock = 0;
  // A child that is being started does not keep a process alive either.
  const alive = setInterval(() => {}, 1_000);
  t.after(() => clearInterval(alive));
  const env = { ...process.env, GATEWAY_TOKEN: "secret" };
  const starter = createLauncher({ program, stateDir: folder, env, now: () => clock });
  await refused(starter.start(), "launch");
  await refused(starter.start(), "launch");
  assert.equal(readFileSync(path.join(folder, "args"), "utf8"), "1daemon\n");
  clock += 1_001;
  await refused(starter.start(), "launch");
  assert.equal(readFileSync(path.join(folder, "args"), "utf8"), "1daemon\n1daemon\n");
  assert.doesNotMatch(readFileSync(path.join(folder, "seen"), "utf8"), /secret/);
  assert.equal(existsSync(path.join(folder, "pwned")), false);
});

for (const [name, make] of Object.entries({
  "is missing": (folder) => path.join(folder, "none"),
  "is a folder": (folder) => (mkdirSync(path.join(folder, "d")), path.join(folder, "d")),
  "may not be run": (folder) => (writeFileSync(path.join(folder, "f"), "", { mode: 0o600 }), path.join(folder, "f")),
  "is a relative path": () => "openclaw-vt",
})) {
  test(`a launcher that ${name} is a refusal, not a crash`, async (t) => {
    const folder = privateFolder(t);
    for (const stdio of [false, true]) {
      const client = clientOf(t, folder, { launcher: make(path.join(folder, stdio ? "" : "")), stdio });
      await assert.rejects(client.request("use", {}, SHORT), (error) => ["launch", "closed"].includes(error.code));
      if (existsSync(path.join(folder, "d"))) rmSync(path.join(folder, "d"), { recursive: true });
    }
  });
}

test("without Unix sockets the daemon is a child that speaks over its pipes", posix, async (t) => {
  const folder = privateFolder(t);
  const program = path.join(folder, "launcher");
  const script = `let held="";process.stdin.on("data",(c)=>{held+=c;const l=held.split("\\n");held=l.pop();for(const m of l.map((x)=>JSON.parse(x)))console.log(JSON.stringify({id:m.id,ok:true,args:process.argv.slice(1)}))});process.stdin.on("end",()=>process.exit())`;
  writeFileSync(program, `#!/bin/sh\nexec "${process.execPath}" -e '${script}' -- "$@"\n`, { mode: 0o755 });
  const client = clientOf(t, folder, { launcher: program, stdio: true });
  assert.deepEqual((await client.request("use", {}, { timeoutMs: 5_000 })).args, ["daemon", "--stdio"]);
});

test("an open connection does not keep a process alive", posix, async (t) => {
  const daemon = await startDaemon(t);
  const script = `import { createClient } from ${JSON.stringify(path.join(HERE, "../lib/client.js"))};
    const client = createClient({ stateDir: ${JSON.stringify(daemon.stateDir)}, launcher: null, version: "0.1.0" });
    console.log((await client.request("use", {}, { timeoutMs: 5000 })).answer);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  child.stdout.on("data", (chunk) => (said += chunk));
  assert.equal(await new Promise((resolve) => child.on("exit", resolve)), 0);
  assert.equal(said, "pass\n");
});
