/**
 * Promises that end in time.
 */
import { gateError } from "./errors.js";

/**
 * @template T
 * @param {Promise<T>} promise
 * @param {number} timeoutMs
 * @param {{keepsAlive?: boolean}} [options] whether the wait keeps the process alive
 * @returns {Promise<T>} rejected with gateError "timeout" when it took longer
 */
export function within(promise, timeoutMs, { keepsAlive = true } = {}) {
  let timer;
  const lateness = new Promise((_, reject) => {
    timer = setTimeout(() => reject(late()), Math.max(1, timeoutMs));
    if (!keepsAlive) timer.unref();
  });
  return Promise.race([promise, lateness]).finally(() => clearTimeout(timer));
}

/** @returns {Error & {code: string}} */
export function late() {
  return gateError("timeout", "the daemon did not answer in time");
}
