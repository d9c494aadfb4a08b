/** The names we go by, read through case, Unicode and quoting tricks. */

// Letters that look like the ones in our name, in scripts that NFKC leaves alone.
const LOOKALIKES = new Map(
  Object.entries({
    а: "a",
    с: "c",
    е: "e",
    о: "o",
    р: "p",
    ѕ: "s",
    і: "i",
    х: "x",
    ν: "v",
    ο: "o",
    ρ: "p",
    α: "a",
    τ: "t",
    т: "t",
    п: "n",
    ԝ: "w",
    "‐": "-",
    "‑": "-",
    "–": "-",
    "—": "-",
    "−": "-",
  }),
);
const IGNORED =
  /[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\u{e0000}-\u{e0fff}]/gu;
const NOT_ASCII = /[^\x00-\x7f]/;
const NOT_ASCII_ALL = /[^\x00-\x7f]/gu;
const EXTENSION = /\.(?:exe|cmd|bat|com|ps1|py|pyz|pyw|mjs|cjs|js|sh)$/;
const OURS = /^openclaw[-_.]vt(?:-policy|-script|-daemon)?(?:@.*|[=<>~!].*|\[.*)?$/;
const OPENCLAW = /^openclaw(?:@.*)?$/;
const MENTION = /openclaw[-_. ]?vt/;
const SQUEEZED_OUT = /[\s'"`\\+,()[\]{}^]/g;

/** One pattern out of several; a long one is easier to read in lines. @param {RegExp[]} patterns @returns {RegExp} */
export const anyOf = (patterns) => new RegExp(patterns.map(({ source }) => source).join("|"));

/** Lower case, without invisible characters, look-alikes as what they look like. @param {string} text @returns {string} */
export function fold(text) {
  if (!NOT_ASCII.test(text)) return text.toLowerCase();
  const plain = text.normalize("NFKC").replace(IGNORED, "").toLowerCase();
  return plain.replace(NOT_ASCII_ALL, (letter) => LOOKALIKES.get(letter) ?? letter);
}

/** Folded, and without what can stand between the letters of a name in code: quotes, blanks, `+`, commas, brackets. @param {string} text */
export function squeeze(text) {
  return fold(text).replace(SQUEEZED_OUT, "");
}

/** The last part of a path of either system, folded and without the extension of a program. @param {string} path @returns {string} */
export function programName(path) {
  const trimmed = path.replace(/[\\/]+$/, "");
  const at = Math.max(trimmed.lastIndexOf("/"), trimmed.lastIndexOf("\\"));
  return fold(trimmed.slice(at + 1)).replace(EXTENSION, "");
}

/** Whether a word, as the name of a program or a package, is ours. @param {string} path @returns {boolean} */
export function isOurs(path) {
  return OURS.test(programName(path));
}

/** Whether a word names OpenClaw's own program. @param {string} path @returns {boolean} */
export function isOpenclaw(path) {
  const name = programName(path);
  return OPENCLAW.test(name) || (/^(?:index|entry|cli)$/.test(name) && /[\\/]openclaw[\\/]dist[\\/][^\\/]*$/.test(path));
}

/** Whether a text names us, however it is quoted or pieced together. @param {string} text @returns {boolean} */
export function mentionsUs(text) {
  return MENTION.test(fold(text)) || squeeze(text).includes("openclaw-vt") || squeeze(text).includes("openclaw_vt");
}
