/**
 * Questions that wait for their answer, by number.
 */
import { gateError } from "./errors.js";
import { late } from "./deadline.js";

const MAX_PENDING = 256;

/**
 * @typedef {object} Pending
 * @property {() => number} size
 * @property {(wire: import("./wire.js").Wire|null, op: string, fields: object, timeoutMs: number, options?: {keepsAlive?: boolean}) => Promise<any>} ask
 * @property {(message: any) => boolean} settle false when the message answers nothing that was ever asked
 * @property {(error: Error) => void} failAll
 */

/** @returns {Pending} */
export function createPending() {
  /** @type {Map<number, {resolve: Function, reject: Function, timer: NodeJS.Timeout}>} */
  const waiting = new Map();
  let last = 0;
  const take = (id) => {
    const one = waiting.get(id);
    waiting.delete(id);
    clearTimeout(one?.timer);
    return one;
  };
  return {
    size: () => waiting.size,
    ask(wire, op, fields, timeoutMs, { keepsAlive = true } = {}) {
      return new Promise((resolve, reject) => {
        if (!wire?.isOpen()) throw gateError("closed", "there is no connection");
        if (waiting.size >= MAX_PENDING) throw gateError("busy", "too many questions are open");
        const id = ++last;
        wire.send({ ...fields, id, op });
        // This timer is what keeps a process alive that waits for an answer: the socket itself does not.
        const timer = setTimeout(() => take(id)?.reject(late()), Math.max(1, timeoutMs));
        if (!keepsAlive) timer.unref();
        waiting.set(id, { resolve, reject, timer });
      });
    },
    settle(message) {
      const { id } = message;
      if (!Number.isSafeInteger(id) || id < 1 || id > last) return false;
      const one = take(id);
      if (!one) return true; // the answer to a question that was given up
      if (message.ok === true) one.resolve(message);
      else one.reject(gateError("daemon", typeof message.error === "string" ? message.error.slice(0, 300) : "the daemon refused"));
      return true;
    },
    failAll(error) {
      for (const id of [...waiting.keys()]) take(id)?.reject(error);
    },
  };
}
