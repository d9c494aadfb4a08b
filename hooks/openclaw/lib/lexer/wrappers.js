/** Commands that run a command given in their words, their options or their input. */
import { isKnown, resolveFrom, UNKNOWN } from "./expand.js";
import { nameOf } from "./commands.js";
import { endOfRun, pathsFound } from "./find.js";
import { newWord, textOfWord } from "./word.js";

const SHELL = /^(?:ba|z|da|k|a|mk|pdk|r?ba)?sh$|^fish$|^rbash$/;
const SHELL_VALUED = /^(?:--rcfile|--init-file|[-+][A-Za-z]*[oO])$/;
const MAX_STDIN_WORDS = 64;
const ASSIGNMENT = /^[A-Za-z_][A-Za-z0-9_]*=/;

/**
 * Options that take a value: letters, and long names. `skip`: words before the command; `assigns`: `NAME=value` may come before it;
 * `verb`: the words that must come first (`uv run`); `chdir`: the options that name the folder it runs in.
 */
const PLAIN = {
  env: { letters: "uCS", longs: ["unset", "chdir", "split-string", "argv0"], assigns: true, chdir: ["-C", "--chdir"] },
  sudo: {
    letters: "ughpCTDRUrt",
    longs: ["user", "group", "host", "prompt", "chdir", "chroot", "other-user", "role", "type", "close-from", "command-timeout"],
    assigns: true,
    chdir: ["-D", "--chdir"],
  },
  doas: { letters: "uC" },
  nohup: {},
  setsid: {},
  time: { letters: "fo", longs: ["format", "output"] },
  command: {},
  builtin: {},
  exec: { letters: "a" },
  nice: { letters: "n", longs: ["adjustment"] },
  ionice: { letters: "cnpPu", longs: ["class", "classdata"] },
  chrt: { letters: "TPD", skip: 1 },
  taskset: { skip: 1 },
  stdbuf: { letters: "ioe", longs: ["input", "output", "error"] },
  timeout: { letters: "ks", longs: ["kill-after", "signal"], skip: 1 },
  gtimeout: { letters: "ks", longs: ["kill-after", "signal"], skip: 1 },
  flock: { letters: "wE", longs: ["timeout", "conflict-exit-code"], skip: 1 },
  chroot: { longs: ["userspec", "groups"], skip: 1 },
  strace: { letters: "eopsaPuEbIOSX" },
  ltrace: { letters: "eopsaulnD" },
  unbuffer: {},
  caffeinate: { letters: "tw" },
  busybox: {},
  toybox: {},
  arch: {},
  winpty: {},
  fakeroot: {},
  torsocks: {},
  proxychains: { letters: "f" },
  proxychains4: { letters: "f" },
  firejail: {},
  unshare: { letters: "SGw", longs: ["setuid", "setgid", "wd", "root"] },
  "systemd-run": { letters: "puE", longs: ["unit", "property", "setenv", "slice", "description"] },
  "xvfb-run": { letters: "aefnpsw", longs: ["server-args", "server-num", "auth-file", "error-file"] },
  "dbus-run-session": {},
  rlwrap: {},
  npx: { letters: "p", longs: ["package"] },
  bunx: {},
  uvx: { longs: ["from", "with", "python"], letters: "p" },
  uv: { verb: ["run"], letters: "p", longs: ["with", "python", "project", "directory", "extra", "group", "env-file", "index-url"], chdir: ["--directory"] },
  pipx: { verb: ["run"], longs: ["spec", "python"] },
  poetry: { verb: ["run"], letters: "CP", longs: ["directory", "project"] },
  pdm: { verb: ["run"], letters: "p", longs: ["project"] },
  hatch: { verb: ["run"], letters: "e" },
  pixi: { verb: ["run"], letters: "e" },
  conda: { verb: ["run"], letters: "np", longs: ["name", "prefix", "cwd"], chdir: ["--cwd"] },
  mise: { verb: ["exec", "x"] },
  direnv: { verb: ["exec"], skip: 1 },
  bundle: { verb: ["exec"] },
  npm: { verb: ["exec", "x"] },
  pnpm: { verb: ["exec", "dlx"] },
  yarn: { verb: ["exec", "dlx"] },
  bun: { verb: ["run", "x"] },
};

/** Commands with an option whose value is shell text. */
const TEXTUAL = {
  su: /^-[a-z]*c$|^--(?:session-)?command$/,
  script: /^-[a-z]*c$|^--command$/,
  flock: /^-[a-z]*c$|^--command$/,
  pwsh: /^-c(?:ommand)?$/i,
  powershell: /^-c(?:ommand)?$/i,
  cmd: /^\/[ck]$/i,
  npm: /^(?:-c|--call)$/,
  npx: /^(?:-c|--call)$/,
};

/**
 * What a command runs, each as words or as text to parse; null when it runs nothing that can be seen.
 * @param {string} name @param {{texts: string[], call: import("./commands.js").Call, state: object}} seen
 * @returns {object[]|null}
 */
export function innerOf(name, seen) {
  if (SHELL.test(name)) return shell(name, seen);
  if (Object.hasOwn(SPECIAL, name)) return SPECIAL[name](seen);
  const text = Object.hasOwn(TEXTUAL, name) ? textual(name, seen) : null;
  if (text) return text;
  return Object.hasOwn(PLAIN, name) ? plain(name, seen) : null;
}

/** A piece of text to parse, at the place it has in the top-level text when it is written there as it is. */
function piece(word, via, more = {}) {
  const text = textOfWord(word);
  return { text, base: textBase(word, text), via, ...more };
}

function textBase(word, text) {
  if (word.start < 0) return -1;
  if (word.literal === text) return word.start;
  const quote = word.literal[0];
  const inside = (quote === "'" || quote === '"') && word.literal === quote + text + quote;
  return inside ? word.start + 1 : -1;
}

function joinedPiece(words, via, more = {}) {
  if (words.length === 1) return piece(words[0], via, more);
  const text = words.map(textOfWord).join(" ");
  return { text, base: -1, via, ...more };
}

function shell(name, { texts, call, state }) {
  let i = 1;
  let coded = false;
  let fed = false;
  for (; i < texts.length && /^[-+]./.test(texts[i]); i += 1) {
    if (texts[i] === "--") {
      i += 1;
      break;
    }
    if (/^-[A-Za-z]*c/.test(texts[i]) || texts[i] === "--command") coded = true;
    if (/^-[A-Za-z]*s/.test(texts[i])) fed = true;
    if (SHELL_VALUED.test(texts[i])) i += 1;
  }
  if (coded && i < texts.length) {
    return [piece(call.argv[i], `${name} -c`, { args: texts.slice(i + 2), name: texts[i + 1] ?? name })];
  }
  const takesInput = fed || i >= texts.length || texts[i] === "-" || texts[i] === "/dev/stdin";
  if (!takesInput || call.stdin === null || call.stdin.text === UNKNOWN) return null;
  return [{ ...call.stdin, via: `${name} stdin`, args: texts.slice(fed ? i : i + 1), name: state.name, fed: true }];
}

function textual(name, { texts, call }) {
  const at = texts.findIndex((text, i) => i > 0 && TEXTUAL[name].test(text));
  if (at < 0 || at + 1 >= texts.length) return null;
  return [joinedPiece(name === "su" || name === "script" ? [call.argv[at + 1]] : call.argv.slice(at + 1), name)];
}

function plain(name, { texts, call }) {
  const spec = PLAIN[name];
  let from = 1;
  if (spec.verb) {
    from = texts.findIndex((text, i) => i > 0 && spec.verb.includes(text)) + 1;
    if (from === 0) return null;
  }
  const { at, values } = skipOptions(texts, from, spec);
  if (name === "command" && values.some(([flag]) => /^-[vV]/.test(flag))) return null;
  const settings = [];
  let i = at;
  for (; spec.assigns && i < texts.length && ASSIGNMENT.test(texts[i]); i += 1) settings.push(settingOf(texts[i]));
  i += spec.skip ?? 0;
  const via = spec.verb ? `${name} ${texts[from - 1]}` : name;
  const cwd = values.find(([flag]) => spec.chdir?.includes(flag))?.[1];
  const more = { via, settings, assignments: settings.map(({ name: key, value }) => ({ name: key, value: newWord(value) })), ...(cwd === undefined ? {} : { cwd }) };
  const packed = name === "env" && values.find(([flag]) => flag === "-S" || flag === "--split-string");
  if (packed) return [{ text: [packed[1], ...texts.slice(i)].join(" "), base: -1, ...more }];
  if (i >= texts.length) return null;
  // These run in the shell itself, so that `command cd x` moves it.
  return [{ argv: call.argv.slice(i), sameShell: name === "command" || name === "builtin", ...more }];
}

function settingOf(text) {
  const at = text.indexOf("=");
  return { name: text.slice(0, at), value: text.slice(at + 1), list: null };
}

/** Past the options: where the first other word is, and the options with their values. */
function skipOptions(texts, from, { letters = "", longs = [] }) {
  const values = [];
  let at = from;
  while (at < texts.length && /^-./.test(texts[at])) {
    const text = texts[at];
    at += 1;
    if (text === "--") break;
    const long = /^--([^=]+)(?:=([^]*))?$/.exec(text);
    if (long) {
      const valued = long[2] === undefined && longs.includes(long[1]);
      values.push([`--${long[1]}`, long[2] ?? (valued ? (texts[at] ?? "") : "")]);
      at += valued ? 1 : 0;
      continue;
    }
    const i = [...text].findIndex((letter, n) => n > 0 && letters.includes(letter));
    if (i < 0) values.push([text, ""]);
    else if (i + 1 < text.length) values.push([`-${text[i]}`, text.slice(i + 1)]);
    else values.push([`-${text[i]}`, texts[at++] ?? ""]);
  }
  return { at, values };
}

const SPECIAL = {
  eval: ({ call, texts }) => evaluated(call.argv.slice(texts[1] === "--" ? 2 : 1), "eval", true),
  trap: ({ call, texts }) => (texts.length > 2 && !/^-/.test(texts[1]) ? evaluated([call.argv[1]], "trap", false) : null),
  watch: ({ call, texts }) => evaluated(call.argv.slice(skipOptions(texts, 1, { letters: "n", longs: ["interval"] }).at), "watch", false),
  alias: ({ call, texts }) => call.argv.slice(1).flatMap((word, i) => aliased(texts[i + 1])),
  source: sourced,
  ".": sourced,
  xargs,
  parallel: ({ call, texts }) => xargs({ call, texts: texts.slice(0, indexOr(texts, ":::")) }),
  find,
  fd: find,
  fdfind: find,
};

const indexOr = (texts, text) => (texts.includes(text) ? texts.indexOf(text) : texts.length);

function evaluated(words, via, sameShell) {
  return words.length === 0 ? null : [joinedPiece(words, via, { sameShell })];
}

function aliased(text) {
  const at = text.indexOf("=");
  return at < 1 ? [] : [{ text: text.slice(at + 1), base: -1, via: "alias" }];
}

function sourced({ texts, call }) {
  if (texts[1] !== "/dev/stdin" || call.stdin === null) return null;
  return [{ ...call.stdin, via: "source", sameShell: true, fed: true }];
}

function xargs({ texts, call }) {
  const { at, values } = skipOptions(texts, 1, { letters: "aEIdLnPsjNS", longs: ["arg-file", "delimiter", "max-args", "max-procs", "replace", "jobs"] });
  if (at >= texts.length) return null;
  const cut = values.some(([flag]) => /^(?:-0|--null|-d|--delimiter)$/.test(flag) || /^-[a-zA-Z]*0/.test(flag)) ? /[\n\0]+/ : /[\s\0]+/;
  const found = call.stdin && call.stdin.text !== UNKNOWN ? call.stdin.text.split(cut).filter((text) => text !== "") : [UNKNOWN];
  const fed = found.length > MAX_STDIN_WORDS ? [UNKNOWN] : found.map((text) => text.replace(/^(['"])(.*)\1$/, "$2"));
  const mark = values.find(([flag]) => flag === "-I" || flag === "--replace" || flag === "-i")?.[1];
  const words = call.argv.slice(at);
  if (mark === undefined && !texts.includes("{}")) return [{ argv: [...words, ...fed.map(newWord)], via: "xargs" }];
  return fed.map((one) => ({ argv: words.map((word, i) => filled(word, texts[at + i], mark || "{}", one)), via: "xargs" }));
}

const filled = (word, text, mark, by) => (text.includes(mark) ? newWord(text.replaceAll(mark, by)) : word);

/** `find DIR… -exec command {} \;`: what it finds lies at or below one of the folders. */
function find({ texts, call, state }) {
  const inner = [];
  for (let i = 1; i < texts.length && inner.length < MAX_STDIN_WORDS; i += 1) {
    if (!/^(?:-exec|-execdir|-ok|-okdir|-x|-X|--exec|--exec-batch)$/.test(texts[i])) continue;
    const end = endOfRun(texts, i);
    const words = call.argv.slice(i + 1, end < 0 ? undefined : end);
    const within = texts[i].endsWith("dir");
    for (const found of pathsFound(texts, /^-(?:exec|ok)/.test(texts[i]) ? i : undefined)) {
      const folder = found.slice(0, found.lastIndexOf("/") + 1) + UNKNOWN;
      const by = within ? `./${found.slice(found.lastIndexOf("/") + 1)}` : found;
      // `fd -x cat` puts the path at the end by itself.
      const filledIn = words.map((word, n) => filled(word, texts[i + 1 + n], "{}", by));
      const argv = filledIn.some((word, n) => word !== words[n]) || /^-(?:exec|ok)/.test(texts[i]) ? filledIn : [...words, newWord(by)];
      inner.push({ argv, via: "find", ...(within ? { cwd: resolveFrom(state.cwd, folder) } : {}) });
    }
    if (end < 0) break;
    i = end;
  }
  return inner.length > 0 ? inner : null;
}
