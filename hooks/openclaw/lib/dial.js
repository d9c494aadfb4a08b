/**
 * Reach the daemon: over its socket after the challenge, or as a child over its pipes; start it when it is not there.
 */
import net from "node:net";
import { within } from "./deadline.js";
import { gateError } from "./errors.js";
import { readRendezvous } from "./rendezvous.js";
import { createWire, shakeHands } from "./wire.js";

/** A whole attempt, the daemon's start included, in milliseconds; a request has its own, shorter deadline. */
export const CONNECT_MS = 8_000;
const DIAL_MS = 2_000;
const RETRY_MS = 25;

/**
 * Dial; when nobody is there, start the daemon and dial until it answers or the time is up.
 * @param {() => Promise<void>} dial rejects with gateError
 * @param {import("./launch.js").Launcher} starter
 * @param {boolean} stdio
 * @returns {Promise<void>}
 */
export async function attempt(dial, starter, stdio) {
  const until = Date.now() + CONNECT_MS;
  try {
    await (stdio ? dial() : dialTwice(dial));
  } catch (error) {
    if (stdio || error.code !== "absent") throw error;
    await within(starter.start(), CONNECT_MS, { keepsAlive: false });
    await redial(dial, until);
  }
  starter.succeeded();
}

/** A daemon that is just being replaced hangs up, or has a new token that the file we read did not hold yet. */
async function dialTwice(dial) {
  try {
    return await dial();
  } catch (error) {
    if (error.code !== "closed" && error.code !== "impostor") throw error;
  }
  return await dial();
}

async function redial(dial, until) {
  for (;;) {
    try {
      return await dial();
    } catch (error) {
      if (error.code !== "absent" || Date.now() > until) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS).unref());
  }
}

/**
 * @param {string} stateDir
 * @param {string} version of this side
 * @param {(error: Error) => void} onClose
 * @returns {Promise<import("./wire.js").Wire>} after the challenge
 */
export async function openSocket(stateDir, version, onClose) {
  const { socket: place, token } = await readRendezvous(stateDir);
  const socket = net.createConnection({ path: place });
  // The Gateway and `openclaw agent --local` end when their own work does; see the timers of the questions.
  socket.unref();
  await dialed(socket);
  const wire = createWire(socket, socket, onClose);
  try {
    await within(shakeHands(wire, token, `openclaw-plugin/${version}`), DIAL_MS, { keepsAlive: false });
  } catch (error) {
    wire.close(error);
    throw error;
  }
  return wire;
}

function dialed(socket) {
  return new Promise((resolve, reject) => {
    const fail = (error) => {
      socket.destroy();
      reject(error);
    };
    const timer = setTimeout(() => fail(gateError("timeout", "the socket did not answer")), DIAL_MS);
    timer.unref();
    socket.once("connect", () => {
      clearTimeout(timer);
      resolve();
    });
    // Stays for the socket's life: there is no moment at which an error would have no listener.
    socket.on("error", (error) => {
      clearTimeout(timer);
      // Nobody behind the socket: what a daemon leaves that was killed.
      const stale = error.code === "ECONNREFUSED" || error.code === "ENOENT";
      fail(gateError(stale ? "absent" : "untrusted", `the socket cannot be used (${error.code ?? "unknown"})`));
    });
  });
}

/**
 * @param {import("./launch.js").Launcher} starter
 * @param {(error: Error) => void} onClose
 * @returns {import("./wire.js").Wire} to a child of ours, so without a challenge
 */
export function openChild(starter, onClose) {
  const child = starter.child();
  child.on("error", () => {}); // the first listener, for a child without pipes (no file descriptors left)
  if (!child.stdin || !child.stdout) throw gateError("launch", "the launcher cannot be run");
  const wire = createWire(child.stdout, child.stdin, (error) => {
    child.kill();
    onClose(error);
  });
  child.on("error", (error) => wire.close(gateError("launch", `the launcher cannot be run (${error.code ?? "unknown"})`)));
  child.once("exit", () => wire.close(gateError("closed", "the daemon ended")));
  for (const handle of [child, child.stdin, child.stdout]) handle.unref?.();
  return wire;
}
