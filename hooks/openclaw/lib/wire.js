/**
 * Lines of JSON over a stream, within limits, and the challenge both sides answer before the first request.
 */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { gateError } from "./errors.js";

/** The longest line that is taken from the daemon, in bytes. */
export const MAX_LINE = 1 << 20;
/** The longest line that is sent, in bytes: a proposed skill travels whole. */
export const MAX_REQUEST = 8 << 20;
const NEWLINE = 0x0a;
// A daemon that does not read must not make the Gateway hold its requests for ever.
const MAX_UNSENT = 2 * MAX_REQUEST;
const HEX_NONCE = /^[0-9a-f]{32}$/;
const HEX_PROOF = /^[0-9a-f]{64}$/;

/**
 * @typedef {object} Wire
 * @property {(message: object) => void} send throws gateError "too-large", "busy" or "closed"
 * @property {(error: Error) => void} close
 * @property {() => boolean} isOpen
 * @property {(receive: (message: any) => void) => void} receive name who gets the next messages
 */

/**
 * Speak lines of JSON over a pair of streams. The first thing that goes wrong closes both.
 * @param {import("node:stream").Readable} input
 * @param {import("node:stream").Writable} output
 * @param {(error: Error) => void} onClose called once
 * @returns {Wire}
 */
export function createWire(input, output, onClose) {
  let open = true;
  let receive = (_message) => {};
  const close = (error) => {
    if (!open) return;
    open = false;
    input.destroy();
    output.destroy();
    onClose(error);
  };
  const lines = lineReader((line) => open && deliver(line, (message) => receive(message), close), close);
  input.on("data", lines);
  for (const stream of new Set([input, output])) {
    // Without an `error` listener an EPIPE would end the Gateway.
    stream.on("error", (error) => close(gateError("closed", `the connection broke (${error.code ?? "unknown"})`)));
    stream.on("close", () => close(gateError("closed", "the daemon closed the connection")));
  }
  input.on("end", () => close(gateError("closed", "the daemon closed the connection")));
  return {
    send(message) {
      if (!open) throw gateError("closed", "the connection is closed");
      const line = Buffer.from(`${JSON.stringify(message)}\n`);
      if (line.length > MAX_REQUEST) throw gateError("too-large", "the request is longer than a line may be");
      if (output.writableLength > MAX_UNSENT) throw gateError("busy", "the daemon does not read");
      output.write(line);
    },
    close,
    isOpen: () => open,
    receive: (next) => (receive = next),
  };
}

function deliver(line, receive, close) {
  let message;
  try {
    message = JSON.parse(line);
  } catch {
    return close(gateError("protocol", "the daemon sent a line that is not JSON"));
  }
  if (message === null || typeof message !== "object" || Array.isArray(message)) {
    return close(gateError("protocol", "the daemon sent a line that is no object"));
  }
  receive(message);
}

function lineReader(onLine, fail) {
  /** @type {Buffer[]} */
  let parts = [];
  let held = 0;
  return (chunk) => {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      if (held + end - start >= MAX_LINE) return fail(gateError("protocol", "the daemon sent too long a line"));
      const line = Buffer.concat([...parts, chunk.subarray(start, end)]).toString("utf8");
      parts = [];
      held = 0;
      start = end + 1;
      onLine(line);
    }
    if (start < chunk.length) parts.push(chunk.subarray(start));
    held += chunk.length - start;
    if (held >= MAX_LINE) {
      parts = [];
      fail(gateError("protocol", "the daemon sent too long a line"));
    }
  };
}

/**
 * Prove to the daemon that we know the token, and make it prove the same first.
 * @param {Wire} wire
 * @param {Buffer} token 32 bytes
 * @param {string} client name and version of this side
 * @returns {Promise<void>} rejected with gateError "impostor"; the caller owns the deadline and closes the wire
 */
export function shakeHands(wire, token, client) {
  const nonce = randomBytes(16).toString("hex");
  return new Promise((resolve, reject) => {
    wire.receive((message) => {
      const wanted = proofOf(token, `server ${nonce}`);
      if (message.hello !== 1 || !HEX_NONCE.test(message.nonce) || !sameProof(message.proof, wanted)) {
        return reject(gateError("impostor", "the daemon does not know the token"));
      }
      try {
        wire.send({ proof: proofOf(token, `client ${message.nonce}`) });
        resolve();
      } catch (error) {
        reject(error);
      }
    });
    wire.send({ hello: 1, nonce, client });
  });
}

/**
 * The answer to a challenge.
 * @param {Buffer} token
 * @param {string} text "server " or "client " and the other side's nonce
 * @returns {string} 64 hexadecimal digits
 */
export function proofOf(token, text) {
  return createHmac("sha256", token).update(text, "utf8").digest("hex");
}

function sameProof(given, wanted) {
  if (typeof given !== "string" || !HEX_PROOF.test(given)) return false;
  return timingSafeEqual(Buffer.from(given, "hex"), Buffer.from(wanted, "hex"));
}
