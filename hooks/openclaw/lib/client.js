/**
 * The connection to the daemon: found through the rendezvous file, proven by a challenge, started when it is not there.
 * Whatever the daemon does (silence, noise, lies, death), a request ends within its own deadline and nothing throws
 * outside of the promise that the caller holds.
 */
import { within } from "./deadline.js";
import { attempt, CONNECT_MS, openChild, openSocket } from "./dial.js";
import { gateError } from "./errors.js";
import { createLauncher } from "./launch.js";
import { createPending } from "./pending.js";

const IDLE_MS = 300_000; // an open connection would keep an idle daemon alive for ever
const AGAIN_MS = 200; // what must be left of a deadline to ask a second time
const WEDGED_AFTER = 3; // unanswered requests in a row

/**
 * @typedef {object} Client
 * @property {(op: string, fields: object, options: {timeoutMs: number}) => Promise<any>} request
 *   the daemon's reply with `ok: true`; rejects with gateError within `timeoutMs`
 * @property {() => Promise<void>} connect
 * @property {() => void} close end the connection; a later request opens a new one
 */

/**
 * @param {object} options
 * @param {string} options.stateDir
 * @param {string|null} options.launcher absolute path of our program, or null: then nothing is started
 * @param {string} options.version
 * @param {() => object} [options.greeting] fields of the first request of a connection, op "start"
 * @param {(reply: any) => void} [options.onGreeting] receives its reply
 * @param {boolean} [options.stdio] speak over the pipes of a child: where there are no Unix sockets
 * @param {NodeJS.ProcessEnv} [options.env]
 * @param {import("./launch.js").Launcher} [options.starter]
 * @param {number} [options.idleMs]
 * @returns {Client}
 */
export function createClient({ stateDir, launcher, version, greeting, onGreeting, env = process.env, idleMs = IDLE_MS, ...rest }) {
  const starter = rest.starter ?? createLauncher({ program: launcher, stateDir, env });
  const stdio = rest.stdio ?? process.platform === "win32";
  const open = (onClose) => (stdio ? Promise.resolve(openChild(starter, onClose)) : openSocket(stateDir, version, onClose));
  const line = createLine({ open, starter, stdio, greeting, onGreeting });
  const idle = createIdleTimer(idleMs, () => line.pending.size() === 0 && line.hangUp("idle"));
  let silent = 0;
  const once = async (op, fields, until) => {
    await within(line.connect(), until - Date.now());
    idle.restart();
    const reply = await line.ask(op, fields, until - Date.now());
    silent = 0;
    return reply;
  };
  const unanswered = () => {
    silent += 1;
    if (silent < WEDGED_AFTER || line.isConnecting()) return;
    silent = 0;
    line.hangUp("the daemon does not answer");
  };
  return {
    connect: line.connect,
    close() {
      idle.stop();
      line.hangUp("the plugin was stopped");
    },
    async request(op, fields, { timeoutMs }) {
      const until = Date.now() + timeoutMs;
      try {
        return await once(op, fields, until);
      } catch (error) {
        if (error.code === "timeout") unanswered();
        // A daemon that died or was replaced between two calls is no reason to trouble the person.
        if (error.code !== "closed" || until - Date.now() < AGAIN_MS || op === "answer") throw error;
        return await once(op, fields, until);
      }
    },
  };
}

/** One connection at a time, greeted before anything else is asked on it. */
function createLine({ open, starter, stdio, greeting, onGreeting }) {
  const pending = createPending();
  let wire = null;
  let connecting = null;
  const dial = async () => {
    const opened = await open((error) => {
      if (wire === null || wire.isOpen()) return; // an older connection, or one that was never taken up
      wire = null;
      pending.failAll(error);
    });
    if (!opened.isOpen()) throw gateError("closed", "the daemon closed the connection");
    wire = opened;
    opened.receive((message) => {
      if (!pending.settle(message)) opened.close(gateError("protocol", "the daemon answered a question nobody asked"));
    });
    if (greeting) onGreeting?.(await pending.ask(opened, "start", greeting(), CONNECT_MS, { keepsAlive: false }));
  };
  const connect = () => {
    if (wire?.isOpen() && !connecting) return Promise.resolve();
    connecting ??= attempt(dial, starter, stdio)
      .catch((error) => {
        wire?.close(error);
        throw error;
      })
      .finally(() => (connecting = null));
    // Whoever waits hears of a failure; when nobody does, it must not end the process.
    connecting.catch(() => {});
    return connecting;
  };
  return {
    pending,
    connect,
    isConnecting: () => connecting !== null,
    ask: (op, fields, timeoutMs) => pending.ask(wire, op, fields, timeoutMs),
    hangUp: (why) => wire?.close(gateError("closed", why)),
  };
}

function createIdleTimer(idleMs, onIdle) {
  let timer = null;
  return {
    restart() {
      clearTimeout(timer);
      timer = setTimeout(onIdle, idleMs);
      timer.unref();
    },
    stop: () => clearTimeout(timer),
  };
}
