/**
 * Where the daemon listens, and whether that place can be trusted: the file, the socket's folder and the socket must
 * be ours alone. Another user's socket in the same place is refused before a byte is sent; a program of the same user
 * is outside the promise.
 */
import { constants, promises as fs } from "node:fs";
import path from "node:path";
import { gateError } from "./errors.js";

/** @typedef {{socket: string, token: Buffer, pid: number|null, version: string}} Rendezvous */

const FILE = "daemon.json";
const MAX_BYTES = 4096;
const PROTOCOL = 1;
const FOREIGN_BITS = 0o077;

/**
 * Read `<stateDir>/daemon.json` and check the owner and mode of everything on the way to the socket.
 * @param {string} stateDir absolute path
 * @param {{uid?: number}} [who] the user that must own everything, in tests
 * @returns {Promise<Rendezvous>}
 * @throws gateError "absent" when no daemon has announced itself, "untrusted" when somebody else could have
 */
export async function readRendezvous(stateDir, { uid = process.getuid?.() } = {}) {
  await requireOwn(stateDir, uid, (stat) => stat.isDirectory(), "the state folder");
  const announced = parse(await readOwn(path.join(stateDir, FILE), uid));
  await requireOwn(path.dirname(announced.socket), uid, (stat) => stat.isDirectory(), "the socket's folder");
  await requireOwn(announced.socket, uid, (stat) => stat.isSocket(), "the socket");
  return announced;
}

async function requireOwn(place, uid, isKind, what) {
  let stat;
  try {
    stat = await fs.lstat(place);
  } catch (error) {
    throw missing(error, what);
  }
  check(stat, uid, isKind, what);
}

function check(stat, uid, isKind, what) {
  if (!isKind(stat)) throw gateError("untrusted", `${what} is not what it should be`);
  if (uid !== undefined && stat.uid !== uid) throw gateError("untrusted", `${what} belongs to another user`);
  if (stat.mode & FOREIGN_BITS) throw gateError("untrusted", `${what} is open to other users`);
}

async function readOwn(file, uid) {
  let handle;
  try {
    // NONBLOCK: a FIFO in this place must not hang the Gateway. NOFOLLOW: a link could lead out of our folder.
    handle = await fs.open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    throw missing(error, "the rendezvous file");
  }
  try {
    check(await handle.stat(), uid, (stat) => stat.isFile(), "the rendezvous file");
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(MAX_BYTES + 1), 0, MAX_BYTES + 1, 0);
    if (bytesRead > MAX_BYTES) throw gateError("untrusted", "the rendezvous file is too large");
    return buffer.toString("utf8", 0, bytesRead);
  } finally {
    await handle.close().catch(() => {});
  }
}

function missing(error, what) {
  if (error?.code === "ENOENT" || error?.code === "ENOTDIR") return gateError("absent", `${what} is not there`);
  return gateError("untrusted", `${what} cannot be read (${error?.code ?? "unknown"})`);
}

function parse(text) {
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    // A daemon that is just starting writes the file in one rename; anything unreadable is not from it.
    throw gateError("untrusted", "the rendezvous file is not JSON");
  }
  const { protocol, socket, token, pid, version } = value ?? {};
  if (protocol !== PROTOCOL) throw gateError("untrusted", "the daemon speaks another protocol");
  if (typeof socket !== "string" || !path.isAbsolute(socket) || socket.includes("\0")) {
    throw gateError("untrusted", "the rendezvous file names no socket");
  }
  if (typeof token !== "string" || !/^[0-9a-f]{64}$/.test(token)) throw gateError("untrusted", "the rendezvous file holds no token");
  return {
    socket,
    token: Buffer.from(token, "hex"),
    pid: Number.isSafeInteger(pid) ? pid : null,
    version: typeof version === "string" ? version : "",
  };
}
