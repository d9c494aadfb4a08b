/**
 * A daemon for the tests: the real protocol over a real Unix socket, with answers and faults to order.
 */
import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { proofOf } from "../lib/wire.js";

/** What a daemon says that has nothing against anything. */
export const CONTENT = Object.freeze({
  start: () => ({ modes: {}, fail: {}, runFrom: "original", places: null }),
  use: () => ({ answer: "pass", mode: "enforce", copy: null }),
  writing: () => ({ answer: "pass" }),
  answer: () => ({ kept: true }),
  install: () => ({ answer: "allow", reason: "" }),
  proposal: () => ({ decision: "pass", summary: "nothing found", metrics: {}, findings: [] }),
  findings: () => ({ findings: [] }),
});

/** A new folder that only we may enter, short enough for a socket's path. @param {import("node:test").TestContext} t */
export function privateFolder(t) {
  const folder = mkdtempSync(path.join(os.tmpdir(), "ocvt-"));
  chmodSync(folder, 0o700);
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/**
 * Start a daemon in `stateDir` and announce it.
 * @param {import("node:test").TestContext} t
 * @param {object} [options]
 * @param {string} [options.stateDir]
 * @param {Record<string, (request: any) => any>} [options.answers] by op; a function may return a promise, or null for silence
 * @param {(request: any, connection: {socket: net.Socket, reply: (message: object) => void}) => boolean} [options.fault]
 *   called before each answer; true when it has taken the request over
 * @param {string} [options.proveWith] another token than the announced one, as an impostor has
 * @param {string} [options.announce] another token than the daemon's own
 */
export async function startDaemon(t, { stateDir = privateFolder(t), answers = {}, fault, proveWith, announce } = {}) {
  const token = randomBytes(32).toString("hex");
  const folder = path.join(stateDir, "run");
  mkdirSync(folder, { mode: 0o700, recursive: true });
  const place = path.join(folder, "gate.sock");
  const daemon = { stateDir, folder, socket: place, file: path.join(stateDir, "daemon.json"), requests: [], connections: 0, greetings: [] };
  const open = new Set();
  const server = net.createServer((socket) => {
    daemon.connections += 1;
    open.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => open.delete(socket));
    serve(socket, Buffer.from(proveWith ?? token, "hex"), daemon, { ...CONTENT, ...answers }, fault);
  });
  await new Promise((resolve) => server.listen(place, resolve));
  chmodSync(place, 0o600);
  writeFileSync(daemon.file, JSON.stringify({ protocol: 1, socket: place, token: announce ?? token, pid: process.pid, version: "0.1.0" }), { mode: 0o600 });
  daemon.asked = (op) => daemon.requests.filter((request) => request.op === op);
  daemon.open = () => open.size;
  daemon.drop = () => open.forEach((socket) => socket.destroy());
  daemon.stop = () => {
    daemon.drop();
    return new Promise((resolve) => server.close(resolve));
  };
  t.after(daemon.stop);
  return daemon;
}

function serve(socket, token, daemon, answers, fault) {
  const nonce = randomBytes(16).toString("hex");
  const reply = (message) => socket.writable && socket.write(`${JSON.stringify(message)}\n`);
  let greeted = false;
  let proven = false;
  let held = "";
  socket.on("data", (chunk) => {
    held += chunk;
    const lines = held.split("\n");
    held = lines.pop();
    for (const message of lines.map((line) => JSON.parse(line))) {
      if (!greeted) {
        greeted = true;
        daemon.greetings.push(message);
        reply({ hello: 1, version: "0.1.0", proof: proofOf(token, `server ${message.nonce}`), nonce });
      } else if (!proven) {
        proven = message.proof === proofOf(token, `client ${nonce}`);
        if (!proven) socket.destroy();
      } else {
        daemon.requests.push(message);
        if (!fault?.(message, { socket, reply })) void answer(message, answers, reply);
      }
    }
  });
}

async function answer(request, answers, reply) {
  const said = await (answers[request.op] ?? (() => ({})))(request);
  if (said !== null) reply({ ok: true, ...said, id: request.id });
}
