/**
 * Commands that start an interpreter: the code on their command line, the file they run, the module they run.
 *
 * @typedef {import("../lexer.js").Word} Word
 * @typedef {{kind: "shell"|"code"|"module"|"file"|"stdin", word?: Word, text?: string, args: Word[]}} Run
 */
import { isOption, known, patternOf } from "./words.js";

const SHELLS = /^(?:ba|z|da|k|a|mk|c|tc)?sh$|^fish$|^rbash$|^busybox-sh$/;

/** Options whose value is code; that take another value; that name a file which is run first. */
const INTERPRETERS = [
  { name: /^(?:python|pypy|py|pythonw)[\d.]*$/, code: ["-c"], module: ["-m"], valued: ["-W", "-X", "--check-hash-based-pycs"] },
  {
    name: /^(?:node|nodejs)$/,
    code: ["-e", "--eval", "-p", "--print", "-pe"],
    first: ["-r", "--require", "--import", "--loader", "--experimental-loader"],
    valued: ["-C", "--conditions", "--env-file"],
  },
  {
    name: /^(?:bun|deno|tsx|ts-node)$/,
    code: ["-e", "--eval", "-p", "--print"],
    first: ["-r", "--preload"],
    verbs: ["run", "eval", "x"],
    valued: [],
  },
  { name: /^perl[\d.]*$/, code: ["-e", "-E"], cluster: /^-[a-zA-Z0-9]*[eE]$/, valued: ["-I", "-F"] },
  { name: /^(?:ruby|jruby)[\d.]*$/, code: ["-e"], first: ["-r"], valued: ["-I", "-C"] },
  { name: /^php[\d.]*$/, code: ["-r", "-B", "-R", "-E"], first: ["-f"], valued: ["-d", "-c"] },
  { name: /^(?:lua|luajit|lua5\.\d|texlua)$/, code: ["-e"], valued: ["-l"] },
  { name: /^(?:tclsh|wish|expect)[\d.]*$/, code: ["-c"], valued: [] },
  {
    name: /^(?:Rscript|R|julia|elixir|erl|ghci|groovy|scala|swift|osascript|raku|guile|racket|sbcl|clisp|emacs)$/i,
    code: ["-e", "-eval", "--eval", "-l", "-r"],
    valued: [],
  },
  {
    name: /^(?:pwsh|powershell)$/,
    code: ["-c", "-command", "-encodedcommand", "-enc", "-e", "-ec"],
    first: ["-file", "-f"],
    valued: ["-executionpolicy", "-ep", "-ex", "-windowstyle", "-w", "-version"],
  },
  { name: /^(?:cscript|wscript|mshta|rundll32)$/, code: [], valued: [] },
  { name: /^(?:g|m|n)?awk$|^sed$|^gsed$/, code: ["-e", "--expression"], first: ["-f", "--file"], operandIsCode: true, valued: ["-v", "-F"] },
  { name: /^(?:gdb|lldb)$/, code: ["-ex", "-eval-command", "-o", "--one-line"], first: ["-x", "--command"], valued: [] },
  { name: /^(?:vi|vim|nvim|ex|view)$/, code: ["-c", "--cmd"], plus: true, first: ["-S", "-s"], valued: ["-u"], noOperand: true },
];

/** Whether a program is a shell that reads POSIX text. @param {string} name */
export const isShell = (name) => SHELLS.test(name);

/** Whether a program reads code from its input when nothing else is named. @param {string} name */
export const isInterpreter = (name) => isShell(name) || INTERPRETERS.some((one) => one.name.test(name));

/**
 * What a command runs.
 * @param {string} name folded, without its folder @param {Word[]} words what follows it
 * @returns {Run[]}
 */
export function runsOf(name, words) {
  if (isShell(name)) return shellRuns(words);
  const spec = INTERPRETERS.find((one) => one.name.test(name));
  return spec ? interpreterRuns(spec, words) : [];
}

function shellRuns(words) {
  const runs = [];
  let at = 0;
  for (; at < words.length && /^[-+]./.test(patternOf(words[at])); at += 1) {
    const text = patternOf(words[at]);
    if (text === "--") {
      at += 1;
      break;
    }
    // The lexer lists what `-c` runs.
    if (/^-[a-zA-Z]*c$/.test(text) || text === "--command") return runs;
    if (/^-[a-zA-Z]*s$/.test(text)) return [...runs, { kind: "stdin", args: words.slice(at + 1) }];
    if (text === "--rcfile" || text === "--init-file") runs.push({ kind: "shell", word: words[(at += 1)], args: [] });
    else if (/^[-+][a-zA-Z]*[oO]$/.test(text)) at += 1;
  }
  const file = words[at];
  if (!file || file.value === "-" || file.value === "/dev/stdin") return [...runs, { kind: "stdin", args: words.slice(at + 1) }];
  return [...runs, { kind: "shell", word: file, args: words.slice(at + 1) }];
}

function interpreterRuns(spec, words) {
  const runs = [];
  const state = { spec, words, at: 0, runs, coded: false };
  while (state.at < words.length) if (!step(state)) return runs;
  if (!state.coded && !spec.noOperand) runs.push({ kind: "stdin", args: [] });
  return runs;
}

/** One word of the command line; false when the rest belongs to what is run. */
function step(state) {
  const { spec, words, runs } = state;
  const word = words[state.at];
  const text = patternOf(word);
  const name = spec.name.test("pwsh") ? text.toLowerCase() : text;
  state.at += 1;
  if (spec.plus && text.startsWith("+")) return runs.push({ kind: "code", text: text.slice(1), args: [] });
  if (!isOption(word) && text !== "-") return operand(state, word);
  if (text === "-" || text === "--") return text === "-" ? (runs.push({ kind: "stdin", args: words.slice(state.at) }), false) : true;
  return option(state, name, text);
}

function operand(state, word) {
  const { spec, words, runs } = state;
  if (spec.verbs?.includes(word.value)) {
    if (word.value === "eval") runs.push({ kind: "code", text: words.slice(state.at).map(patternOf).join(" "), args: [] });
    return word.value !== "eval";
  }
  if (spec.noOperand) return true;
  if (spec.operandIsCode) {
    if (!state.coded) runs.push({ kind: "code", text: patternOf(word), args: [] });
  } else if (!state.coded) runs.push({ kind: "file", word, args: words.slice(state.at) });
  state.coded = true;
  return Boolean(spec.operandIsCode);
}

function option(state, name, text) {
  const { spec, words, runs } = state;
  const next = () => words[state.at++] ?? known("");
  if (spec.module?.includes(name)) {
    runs.push({ kind: "module", word: next(), args: words.slice(state.at) });
    return (state.coded = true) && false;
  }
  if (spec.code.includes(name) || spec.cluster?.test(name)) {
    runs.push({ kind: "code", text: patternOf(next()), args: words.slice(state.at) });
    state.coded = true;
  } else if (spec.first?.includes(name)) runs.push({ kind: "file", word: next(), args: [] });
  else if (spec.valued.includes(name)) state.at += 1;
  else attached(state, text);
  return true;
}

/** `-cCODE`, `-mMODULE`, `--eval=CODE`, `-pi -e` in one word. */
function attached({ spec, runs, words, at }, text) {
  const equals = /^(--[a-z-]+)=([^]*)$/.exec(text);
  if (equals && spec.code.includes(equals[1])) runs.push({ kind: "code", text: equals[2], args: [] });
  if (equals && spec.first?.includes(equals[1])) runs.push({ kind: "file", word: known(equals[2]), args: [] });
  const short = /^-[a-zA-Z]*?([cemE])(.+)$/s.exec(text);
  if (!short || text.startsWith("--")) return;
  if (spec.module?.includes(`-${short[1]}`)) runs.push({ kind: "module", word: known(short[2]), args: words.slice(at) });
  else if (spec.code.includes(`-${short[1]}`)) runs.push({ kind: "code", text: short[2], args: [] });
}
