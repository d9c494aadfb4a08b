/**
 * What interpreters run: code on the command line or the input, and script files.
 */
import path from "node:path";
import { codePath, once } from "./context.js";
import { runsOf, isShell } from "./interpreters.js";
import { fold, isOurs, mentionsUs, programName } from "./names.js";
import { judgeCode } from "./opaque.js";
import { verdict } from "./rules.js";
import { judgeShell } from "./shell.js";
import { judgeProgram } from "./program.js";
import { pathsOf, patternOf } from "./words.js";
import { judgeSystem } from "./system.js";

const SHELL_FILE = /\.(?:sh|bash|zsh|ksh|command|bats)$/;
const TEXT_FILE = /\.(?:md|txt|json|ya?ml|toml|csv|log|html?|xml|lock|svg|png|jpe?g|gif|pdf)$/;
const SHEBANG = /^#!\s*(\S+)(?:\s+(?:-S\s+)?(\S+))?/;
const LAUNCHES_US = /(?:from|import)\s+openclaw_vt(?:\.(?:cli|__main__))?\b/;
const MAX_ARGS = 64;

/** Code that is no shell text. @param {import("./context.js").Context} context @param {string} text @returns {import("./rules.js").Verdict|null} */
export function judgeOpaque(context, text) {
  return once(context, "code", text, () => {
    const rule = judgeCode(text, (found) => codePath(context, found));
    return rule ? verdict(rule) : null;
  });
}

/**
 * Judge what a command that starts an interpreter, or a script by its path, runs.
 * @returns {string|import("./rules.js").Verdict|null}
 */
export function judgeRuns(context, { command, first, words, name }) {
  for (const run of runsOf(name, words)) {
    const found = judgeRun(context, run, { command, name });
    if (found) return found;
  }
  if (name === "source" || name === ".") return words[0] ? judgeRuns.file(context, words[0], command.cwd, words.slice(1), { shell: true }) : null;
  return judgeOwnFile(context, { command, first, words, name });
}

function judgeRun(context, run, { command, name }) {
  if (run.kind === "code")
    return judgeOpaque(context, run.text) ?? (/^(?:pwsh|powershell)$/.test(name) ? judgeShell(context, encoded(run.text)) : null);
  if (run.kind === "stdin") return command.stdin === null || isShell(name) ? null : judgeOpaque(context, command.stdin);
  if (run.kind === "module") return judgeModule(context, run, command);
  const text = patternOf(run.word);
  if (text === "-" || text === "/dev/stdin") return command.stdin === null ? null : judgeOpaque(context, command.stdin);
  return judgeRuns.file(context, run.word, command.cwd, run.args, { shell: run.kind === "shell", missing: isShell(name) });
}

/** PowerShell takes a command line as it is, or in Base64 of UTF-16. */
function encoded(text) {
  return /^[A-Za-z0-9+/=]{16,}$/.test(text) ? Buffer.from(text, "base64").toString("utf16le") : text;
}

function judgeModule(context, { word, args }, command) {
  const name = fold(patternOf(word));
  if (name === "keyring") return args.some((arg) => mentionsUs(patternOf(arg))) ? "guard.secret" : null;
  if (/^(?:pip|pipx|uv)$/.test(name)) return judgeSystem(name, args);
  if (/^(?:pdb|cprofile|profile|trace|timeit|runpy|coverage|debugpy)$/.test(name)) {
    const at = args.findIndex((arg) => isOurs(patternOf(arg)) || patternOf(arg) === "openclaw_vt");
    if (at >= 0) return judgeProgram(args.slice(at + 1)).allowed ? null : "guard.program";
    return args[0] ? judgeRuns.file(context, args.at(-1), command.cwd, []) : null;
  }
  return null;
}

/** `./x`, `dir/x`, `/abs/x`, and a bare name that is a script in the person's own bin folders. */
function judgeOwnFile(context, { command, first, words, name }) {
  const text = patternOf(first);
  if (/[\\/]/.test(text)) return judgeRuns.file(context, first, command.cwd, words);
  if (!context.home || !/^[\w.+-]+$/.test(name) || (command.cwd !== null && command.cwd.endsWith("/bin"))) return null;
  for (const folder of [".local/bin", "bin"]) {
    const file = path.join(context.home, folder, text);
    if (context.files.has(file) || context.memory?.written(context.session, file) !== undefined)
      return judgeText(context, file, words, command.cwd, {});
  }
  return null;
}

/** Judge the file that a word names. */
judgeRuns.file = function judgeFile(context, word, cwd, args, options = {}) {
  for (const file of pathsOf(word, cwd, context.home)) {
    const found = judgeText(context, file, args, cwd, options);
    if (found) return found;
  }
  return null;
};

function judgeText(context, file, args, cwd, { shell = false }) {
  if (file.includes("\ue000") || file.includes("*")) return null;
  const script = context.read(file);
  if (!script || script.text.includes("\0")) return null;
  const [, program = "", second = ""] = SHEBANG.exec(script.text) ?? [];
  const interpreter = programName(program) === "env" ? programName(second) : programName(program);
  if (LAUNCHES_US.test(script.text.slice(0, 4096)) && script.text.length < 4096) return judgeProgram(args).allowed ? null : "guard.alias";
  if (!script.whole && mentionsUs(script.text)) return "guard.unclear";
  if (path.basename(file) === "package.json") return judgePackage(context, script.text);
  if (!interpreter && !shell && TEXT_FILE.test(file) && !/taskfile/i.test(file)) return null;
  const plain = shell || isShell(interpreter) || (interpreter === "" && (SHELL_FILE.test(file) || !/\.\w+$/.test(file)));
  return plain ? judgeShellFile(context, script.text, args, cwd) : caught(judgeOpaque(context, script.text));
}

/** The scripts of a Node package. */
function judgePackage(context, text) {
  let scripts;
  try {
    ({ scripts } = JSON.parse(text));
  } catch {
    // Not JSON: npm will refuse it, too.
    return null;
  }
  for (const one of Object.values(scripts ?? {}).slice(0, MAX_ARGS)) {
    const found = typeof one === "string" ? judgeShell(context, one) : null;
    if (found) return caught(found);
  }
  return null;
}

function judgeShellFile(context, text, args, cwd) {
  const set = args
    .slice(0, MAX_ARGS)
    .map(patternOf)
    .map((arg) => `'${arg.replaceAll("'", `'\\''`)}'`)
    .join(" ");
  return caught(judgeShell(context, args.length > 0 ? `set -- ${set}\n${text}` : text, { cwd: cwd ?? undefined }));
}

/** What a script does is told under its own rule, unless it is only a question. */
function caught(found) {
  return found?.action === "block" && found.rule === "guard.program" ? verdict("guard.script") : found;
}
