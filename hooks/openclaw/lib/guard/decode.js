/**
 * Other readings of a text: what its escapes, Base64, hexadecimal digits or reversed letters say. Bounded: each reading is taken once,
 * of texts up to a length, and what comes out is read again at most once more.
 */
const MAX_TEXT = 256 * 1024;
const MAX_PIECES = 64;
const BASE64 = /[A-Za-z0-9+/_-]{12,}={0,2}/g;
const HEX = /(?:[0-9a-fA-F]{2}[\s,:]?){8,}/g;
const BASE32 = /\b[A-Z2-7]{16,}={0,6}/g;
const ESCAPES =
  /\\x([0-9a-fA-F]{1,2})|\\u\{([0-9a-fA-F]{1,6})\}|\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})|\\0?([0-7]{2,3})|%([0-9a-fA-F]{2})|&#(\d{2,3});/g;
const CODE = /0x[0-9a-fA-F]{2}|\b\d{2,3}\b/g;
const CODE_GAP = 24;
const CALLS = /\b(?:chr|char|fromCharCode|fromCodePoint)\s{0,8}\(\s{0,8}(0x[0-9a-fA-F]{2}|\d{2,3})\s{0,8}\)[\s.+&,]{0,16}/gi;
const PRINTABLE = /^[\t\n\r\x20-\x7e]+$/;

/** @param {string} text @returns {string[]} every reading but the text itself, without those that say nothing new */
export function readings(text) {
  if (text.length > MAX_TEXT) return [];
  const first = once(text);
  const again = first
    .filter((one) => one.length < 16_384)
    .slice(0, 12)
    .flatMap(decoded);
  return [...new Set([...first, ...again])].filter((one) => one !== text).slice(0, 4 * MAX_PIECES);
}

function once(text) {
  return [unescaped(text), ...decoded(text), ...numbered(text), reversed(text), rotated(text)];
}

/** Escapes of shells and programming languages in the place where they stand. @param {string} text */
export function unescaped(text) {
  const plain = text.replace(ESCAPES, (all, ...groups) => {
    const at = groups.findIndex((group, n) => n < 7 && group !== undefined);
    return character(Number.parseInt(groups[at], [16, 16, 16, 16, 8, 16, 10][at]), all);
  });
  return plain.replace(CALLS, (all, code) => character(Number(code), all));
}

function character(code, otherwise) {
  return code >= 9 && code <= 0x10ffff ? String.fromCodePoint(code) : otherwise;
}

/** Base64, Base32 and hexadecimal runs that say printable text. */
function decoded(text) {
  return [
    ...pieces(text, BASE64, (run) => [Buffer.from(run, "base64"), "utf8"]),
    ...pieces(text, BASE64, (run) => [Buffer.from(run, "base64"), "utf16le"]),
    ...pieces(text, HEX, (run) => [Buffer.from(run.replace(/[^0-9a-fA-F]/g, ""), "hex"), "utf8"]),
    ...pieces(text, BASE32, (run) => [base32(run), "utf8"]),
  ];
}

function pieces(text, pattern, decode) {
  const found = [];
  for (const [run] of text.matchAll(pattern)) {
    if (found.length >= MAX_PIECES) break;
    const [bytes, encoding] = decode(run);
    const said = bytes.toString(encoding);
    if (said.length >= 6 && PRINTABLE.test(said)) found.push(said);
  }
  return found;
}

function base32(text) {
  const out = [];
  let [bits, value] = [0, 0];
  for (const letter of text.replace(/=+$/, "")) {
    value = ((value << 5) | "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter)) & 0xfff;
    bits += 5;
    if (bits >= 8) out.push((value >> (bits -= 8)) & 255);
  }
  return Buffer.from(out);
}

/** Lists of character codes: numbers with little between them. */
function numbered(text) {
  const found = [];
  let [run, end] = ["", 0];
  const close = () => {
    if (run.length >= 6 && found.length < MAX_PIECES) found.push(run);
    run = "";
  };
  for (const { 0: code, index } of text.matchAll(CODE)) {
    const number = Number(code);
    if (index - end > CODE_GAP || number < 9 || number > 126) close();
    if (number >= 9 && number <= 126) run += String.fromCharCode(number);
    end = index + code.length;
  }
  close();
  return found;
}

function reversed(text) {
  return text.length > 65_536 ? "" : [...text].reverse().join("");
}

function rotated(text) {
  return text.replace(/[a-zA-Z]/g, (letter) => {
    const base = letter <= "Z" ? 65 : 97;
    return String.fromCharCode(((letter.charCodeAt(0) - base + 13) % 26) + base);
  });
}
