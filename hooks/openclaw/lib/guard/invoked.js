/**
 * Our program and OpenClaw's, under whatever name and through whatever interpreter they are called.
 *
 * @typedef {import("../lexer.js").Word} Word
 * @typedef {{ours: boolean, openclaw: boolean, args: Word[]}} Program
 */
import { follow, writeTo } from "./context.js";
import { runsOf } from "./interpreters.js";
import { fold, isOpenclaw, isOurs, mentionsUs, programName } from "./names.js";
import { isPersonsCommand, judgeOpenclaw } from "./openclaw.js";
import { judgeProgram } from "./program.js";
import { absolute, known, pathsOf, patternOf } from "./words.js";
import { judgeShell } from "./shell.js";

const OUR_VERBS = new Set(["accept", "suppress", "setup", "install-policy", "quarantine", "cache", "key", "daemon", "attest", "simulator"]);

/**
 * Which of the two programs a command is, or null.
 * @param {import("./context.js").Context} context @param {Word} first @param {Word[]} words
 * @returns {Program|null}
 */
export function programOf(context, first, words) {
  const direct = named(context, first, words);
  if (direct) return direct;
  for (const run of runsOf(programName(patternOf(first)), words)) {
    if (!run.word || (run.kind !== "module" && run.kind !== "file" && run.kind !== "shell")) continue;
    const text = patternOf(run.word);
    if (run.kind === "module" && /^openclaw_vt(?:\.|$)/.test(fold(text)))
      return { ours: true, openclaw: false, args: /^openclaw_vt(?:\.__main__|\.cli)?$/.test(fold(text)) ? run.args : [known("?")] };
    if (run.kind !== "module" && isOurs(text)) return { ours: true, openclaw: false, args: run.args };
    if (run.kind !== "module" && isOpenclaw(text)) return { ours: false, openclaw: true, args: run.args };
  }
  return null;
}

function named(context, first, words) {
  const text = patternOf(first);
  // `$(which openclaw-vt)`: its output is not known, but where it comes from is.
  if (first.value === null && /^"?(?:\$\(|`)/.test(first.literal) && mentionsUs(first.literal)) return { ours: true, openclaw: false, args: words };
  for (const one of new Set([text, linked(context, text, words)])) {
    if (isOurs(one)) return { ours: true, openclaw: false, args: words };
    if (isOpenclaw(one)) return { ours: false, openclaw: true, args: words };
  }
  return null;
}

/** Where a path leads; a bare name is looked up on the PATH only when the words after it are like ours. */
function linked(context, text, words) {
  const alias = context.aliases.get(text);
  if (alias !== undefined && !/\s/.test(alias)) return alias;
  if (/[\\/]/.test(text)) return follow(context, absolute(text, context.cwd, context.home));
  if (!OUR_VERBS.has(words[0]?.value)) return text;
  for (const folder of (context.env.PATH ?? "").split(":").slice(0, 64)) {
    if (!folder.startsWith("/")) continue;
    const found = follow(context, `${folder}/${text}`);
    if (found !== `${folder}/${text}` && isOurs(found)) return found;
  }
  return text;
}

/**
 * Judge a command that may be one of the two programs.
 * @returns {string|import("./rules.js").Verdict|null}
 */
export function judgeInvocation(context, { command, first, words }) {
  const program = programOf(context, first, words);
  if (program?.ours) return judgeOurCall(context, program.args, command);
  return program?.openclaw ? judgeOpenclawCall(context, program.args, command) : null;
}

/** @returns {string|null} */
export function judgeOurCall(context, args, command) {
  const { allowed, outputs } = judgeProgram(args.flatMap(resplit));
  if (!allowed) return "guard.program";
  for (const file of outputs) {
    const rule = file === "-" ? null : writeTo(context, known(file), command.cwd);
    if (rule) return rule;
  }
  return null;
}

/** A word that an unquoted variable filled with several. */
function resplit(word) {
  return word.value !== null && /^\$[\w{(]|^`/.test(word.literal) && /\s/.test(word.value) ? word.value.trim().split(/\s+/).map(known) : [word];
}

/** @returns {string|import("./rules.js").Verdict|null} */
export function judgeOpenclawCall(context, args, command) {
  const found = judgeOpenclaw(args.flatMap(resplit));
  if (found.rule) return found.rule;
  if (context.steered && ["skills", "plugins", "agent", "gateway"].includes(args[0]?.value)) return "guard.environment";
  if (found.words.some(isPersonsCommand)) return "guard.openclaw-approval";
  for (const text of found.texts) {
    const inner = judgeShell(context, text, { cwd: command.cwd ?? undefined });
    if (inner) return inner;
  }
  for (const argv of found.argv) {
    const inner = judgeShell(context, argv.map((text) => `'${text.replaceAll("'", `'\\''`)}'`).join(" "));
    if (inner) return inner;
  }
  return judgeFiles(context, args, found.files, command);
}

/** A message file that gives a person's command, or a plugin that calls itself by our name. */
function judgeFiles(context, args, files, command) {
  for (const file of files) {
    for (const target of pathsOf(known(file), command.cwd, context.home)) {
      if (args[0]?.value === "agent" && isPersonsCommand(context.read(target)?.text ?? "")) return "guard.openclaw-approval";
      const manifest = args[0]?.value === "plugins" ? context.read(`${target}/openclaw.plugin.json`) : null;
      if (manifest && /"id"\s*:\s*"openclaw-vt"/.test(manifest.text)) return "guard.openclaw-plugin";
      if (mentionsUs(target) && args[0]?.value === "plugins") return "guard.openclaw-plugin";
    }
  }
  return null;
}
