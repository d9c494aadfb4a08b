/**
 * The ways in which the daemon cannot answer. None of them is a reason to let a skill through.
 * @typedef {"absent"|"untrusted"|"impostor"|"timeout"|"closed"|"protocol"|"busy"|"too-large"|"daemon"|"launch"} GateCode
 */

/**
 * Make an error that says which way it was.
 * @param {GateCode} code
 * @param {string} message plain words for the log
 * @returns {Error & {code: GateCode}}
 */
export function gateError(code, message) {
  return Object.assign(new Error(message), { code });
}
