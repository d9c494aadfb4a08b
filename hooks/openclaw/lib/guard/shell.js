/**
 * Shell text: every command in it is judged, with what it runs, writes, reads and hands on.
 *
 * @typedef {import("./context.js").Context} Context
 * @typedef {import("../lexer.js").Command} Command
 */
import { parse } from "../lexer.js";
import { carriedBy } from "./carriers.js";
import { once, showsSecret, takeAway, writeTo } from "./context.js";
import { effectsOf } from "./effects.js";
import { fits } from "./places.js";
import { record } from "./earlier.js";
import { isInterpreter } from "./interpreters.js";
import { fold, isOpenclaw, isOurs, mentionsUs, programName } from "./names.js";
import { isGateSetting } from "./openclaw.js";
import { canWrite, carriesCommand } from "./opaque.js";
import { judgeOpaque, judgeRuns } from "./run.js";
import { readings } from "./decode.js";
import { judgeInvocation, judgeOpenclawCall, programOf } from "./invoked.js";
import { verdict, stricter } from "./rules.js";
import { isData, judgeSystem, killsFound, runsByItself, scheduledText, steers } from "./system.js";
import { isOption, known, operands, optionValues, pathsOf, patternOf } from "./words.js";
import { judgeProgram, WRITE_WORDS } from "./program.js";
import { READS_CONFIGURATION } from "./openclaw.js";

/** Longest text that is read, in UTF-16 units. */
export const MAX_TEXT = 256 * 1024;
const MAX_REST = 64;
const MAX_FED = 32;

/**
 * @param {Context} context
 * @param {string} text
 * @param {{cwd?: string, args?: string[], vars?: Record<string, string>}} [around]
 * @returns {import("./rules.js").Verdict|null} the strictest of what was found
 */
export function judgeShell(context, text, around = {}) {
  if (text.length > MAX_TEXT) return mentionsUs(text) ? verdict("guard.unreadable") : null;
  return once(context, `${around.cwd ?? context.cwd}\0${context.files.size}\0${context.links.size}\0${context.aliases.size}`, text, () =>
    readShell(context, text, around),
  );
}

function readShell(context, text, around) {
  const { commands, complete } = parse(text, { cwd: around.cwd ?? context.cwd, env: context.env, home: context.home, vars: around.vars });
  const seen = commands.map(describe);
  const vias = new Set(commands.flatMap(({ via }) => via.map((one) => one.split(" ")[0])));
  let found = killsFound(seen) ? verdict("guard.daemon") : feedsRemoval(context, seen) ? verdict("guard.unclear") : null;
  for (const one of seen) {
    found = stricter(found, judgeCommand(context, one, { vias, seen }));
    if (found?.action === "block") return found;
  }
  return found ?? (complete ? null : unread(context, text)) ?? (runsUnknown(context, seen) && carriesCommand(text) ? verdict("guard.unclear") : null);
}

/** Whether something in a text runs what reading it cannot tell: a name or a line out of a variable, a file it made, an unknown input. */
function runsUnknown(context, seen) {
  const made = new Set(seen.flatMap(({ command, name, words }) => madeFiles(context, command, name, words)));
  return seen.some(({ command, first, words, name }) => {
    if (!first) return false;
    if (first.value === null || (name === "eval" && words.some(({ value }) => value === null))) return true;
    const run = /[\\/]/.test(first.value) ? [first] : name === "source" || name === "." || isInterpreter(name) || name === "make" ? words : [];
    if (run.some((word) => pathsOf(word, command.cwd, context.home).some((file) => made.has(file) || /^\/dev\/(?:fd|stdin)/.test(file)))) return true;
    const reads = isInterpreter(name) || /^(?:ssh|nc|ncat|socat|make|telnet|at|batch|crontab|source|\.)$/.test(name);
    return (
      reads &&
      (command.via.some((one) => one === "pipe" || one === "substitution") ||
        command.stdin !== null ||
        words.some(({ literal }) => /^[<>]\(/.test(literal)))
    );
  });
}

/** The files that a command makes, however. */
function madeFiles(context, command, name, words) {
  const targets = [
    ...command.redirects.filter(({ op }) => op.includes(">")).map(({ target }) => target),
    ...(isData(name) && name !== "git" ? [] : effectsOf(name, words).writes),
  ];
  return targets.slice(0, 64).flatMap((word) => pathsOf(word, command.cwd, context.home));
}

/** A command with its name, and its words split where the shell would have split an unquoted variable. */
function describe(command) {
  const [first, ...words] = command.argv;
  const name = first ? programName(patternOf(first)) : "";
  return { command, first, words, name, cwd: command.cwd ?? null };
}

/** `ls PLACE | xargs rm`: what is taken away is what another command lists, and that lies where we are. */
function feedsRemoval(context, seen) {
  const removes = seen.some(
    ({ command, name, words }) =>
      command.via.at(-1) === "xargs" &&
      words.some(({ value }) => value === null) &&
      [...effectsOf(name, words).writes, ...effectsOf(name, words).trees].length > 0,
  );
  if (!removes) return false;
  const listed = seen.filter(({ name }) => /^(?:ls|find|fd|fdfind|locate|echo|printf|grep|rg|which|realpath|readlink|cat|dir|tree)$/.test(name));
  return listed.some(({ command, words }) =>
    words.some((word) => !isOption(word) && (mentionsUs(patternOf(word)) || (/[/~]/.test(patternOf(word)) && writeTo(context, word, command.cwd)))),
  );
}

/** What the lexer could not follow is read as loosely as any other code. */
function unread(context, text) {
  const found = judgeOpaque(context, text);
  return found ? verdict("guard.unclear") : null;
}

function judgeCommand(context, one, around) {
  const ordered = [judgeAssignments, judgeRedirects, judgeProgramCall, judgeCarried, judgeEffects, judgeInput];
  let found = null;
  for (const judge of ordered) {
    const rule = judge(context, one, around);
    found = stricter(found, typeof rule === "string" ? verdict(rule) : rule);
    if (found?.action === "block") return found;
  }
  for (const [file, text] of record(context, one.command, one.name)) {
    if (runsByItself(file) && mentions(text) && (judgeLater(context, text) || judgeShell(context, scheduledText(text))))
      return verdict("guard.scheduled");
  }
  return found;
}

const mentions = (text) => mentionsUs(text) || /openclaw/i.test(text);

function judgeAssignments(context, { command, first, words, name }) {
  const declared = /^(?:export|declare|typeset|readonly|local|setx|set-item)$/.test(name)
    ? words.map(patternOf).filter((text) => text.includes("="))
    : [];
  const all = [
    ...command.assignments.map((one) => [one.name, patternOf(one.value)]),
    ...declared.map((text) => [text.slice(0, text.indexOf("=")), text.slice(text.indexOf("=") + 1)]),
  ];
  if (declared.some((text) => steers(text.slice(0, text.indexOf("="))) === "host")) context.steered = true;
  for (const [variable, value] of all) {
    const kind = steers(variable.replace(/^\$?env:/i, ""));
    if (kind === "own") return "guard.environment";
    if (kind && first && runsGuarded(context, one(first, words), kind)) return "guard.environment";
    if (kind === "host" && !first) context.steered = true;
    if (/^(?:prompt_command|bash_env|env|editor|visual|pager|git_\w+|less\w+|manpager|browser|ps[014])$/i.test(variable)) {
      const inner = judgeShell(context, value);
      if (inner) return inner;
    }
  }
  return null;
}

const one = (first, words) => ({ first, words });

/** Whether a command is ours, or one of OpenClaw's that reads its configuration to decide what it asks. */
function runsGuarded(context, { first, words }, kind) {
  const program = programOf(context, first, words);
  if (program?.ours) return kind !== "host" || words.length > 0;
  if (!program?.openclaw || kind === "interpreter") return false;
  return READS_CONFIGURATION.test(fold(program.args.find((word) => !isOption(word))?.value ?? "x"));
}

function judgeRedirects(context, { command }) {
  for (const { op, target } of command.redirects) {
    if (op.includes(">") && !op.endsWith("&")) {
      const rule = writeTo(context, target, command.cwd);
      if (rule) return rule;
    } else if (op === "<" && showsSecret(context, target, command.cwd)) return "guard.secret";
  }
  return null;
}

function judgeProgramCall(context, { command, first, words, name }) {
  if (!first) return null;
  const call = { command, first, words, name };
  const alias = context.aliases.get(first.value ?? "");
  if (alias !== undefined)
    return judgeShell(context, `${alias} ${words.map((word) => quoted(patternOf(word))).join(" ")}`, { cwd: command.cwd ?? undefined });
  // An unquoted variable that held a whole command line.
  if (/\s/.test(first.value ?? "") && !first.value.includes("/")) return judgeShell(context, [first, ...words].map(patternOf).join(" "));
  const found = judgeInvocation(context, call) ?? judgeRuns(context, call) ?? judgeSystem(name, words);
  return found ?? (first.value === null && (isOurWord(words[0]) || mayBeOurs(name, words)) ? "guard.unclear" : null);
}

/** A glob that fits our name, before something that only the person may run. */
function mayBeOurs(name, words) {
  return name.replace(/[*?\ue000]/g, "").length > 3 && fits("openclaw-vt", name) && !judgeProgram(words).allowed;
}

const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`;
const isOurWord = (word) => word?.value === "accept" || word?.value === "suppress";

/** Words and texts that a program hands on; for a program that is not known, only a plain command line of ours counts. */
function judgeCarried(context, { command, first, words, name }, { vias }) {
  if (!first || vias.has(name)) return null;
  const carried = carriedBy(name, words, command.stdin);
  const found = carried ? judgeTexts(context, carried, command) : null;
  if (found) return found;
  if (effectsOf(name, words).others.length === 0 && !carried) return null;
  if ((isData(name) || dataModule(name, words)) && !carried) return null;
  return judgeWords(context, words, command, carried !== null);
}

/** `python3 -m pytest`: what it is given is no command line. */
const dataModule = (name, words) => isInterpreter(name) && words[0]?.value === "-m" && isData(words[1]?.value ?? "");

function judgeTexts(context, { texts, later, files }, command) {
  for (const text of texts) {
    const found = judgeShell(context, text, { cwd: command.cwd ?? undefined });
    if (found) return found;
  }
  for (const text of later) if (judgeLater(context, text)) return "guard.scheduled";
  for (const file of files) {
    const found = judgeRuns.file(context, known(file), command.cwd, []);
    if (found) return found;
  }
  return null;
}

/** Text that cron, a service or a shell's start-up will run. @param {Context} context @param {string} text */
export function judgeLater(context, text) {
  return judgeShell(context, text) !== null || judgeOpaque(context, text) !== null;
}

function judgeWords(context, words, command, carrier) {
  for (const [at, word] of words.entries()) {
    const text = patternOf(word);
    if (!/openclaw/.test(fold(text))) continue;
    const rest = words.slice(at + 1, at + 1 + MAX_REST);
    if (isOurs(text) && !text.includes(" ") && saysYes(rest)) return "guard.program";
    if (isOpenclaw(text)) {
      const found = judgeOpenclawCall(context, rest, command);
      if (found && found !== "guard.unclear") return found;
    }
    if (!carrier && /^(?:[\w./~-]*\/)?openclaw/i.test(text) && /\s/.test(text) && judgeShell(context, text)) return "guard.unclear";
  }
  return null;
}

function saysYes(rest) {
  const verb = fold(rest.find((word) => !isOption(word))?.value ?? "");
  return (
    WRITE_WORDS.includes(verb) ||
    rest.some((word) => word.value === "--no-input") ||
    (verb === "key" && /^(?:set|delete|rotate)$/.test(rest[1]?.value ?? ""))
  );
}

function judgeEffects(context, { command, words, name, first }, { vias }) {
  // What a looked-through command runs is on the list by itself; only for `find` the places where it starts count besides.
  if (!first || (vias.has(name) && name !== "find")) return null;
  const { cwd } = command;
  const effects = isOpenclaw(name) || isOurs(name) ? { writes: [], trees: [], reads: words, others: [] } : effectsOf(name, words);
  for (const word of effects.writes) {
    const rule = writeTo(context, word, cwd);
    if (rule) return rule;
  }
  for (const word of effects.trees) {
    const rule = takeAway(context, word, cwd);
    if (rule) return rule;
  }
  if (!/^(?:ls|stat|test|\[|\[\[|file|du|tree|find|realpath|readlink|basename|dirname|echo|printf|cd|pushd|namei|lsof|getfacl)$/.test(name)) {
    const below = /^(?:cp|rsync|scp|tar|zip|grep|egrep|rg|ag|ditto|bsdtar|diff|find)$/.test(name);
    if ([...effects.reads, ...effects.others].some((word) => showsSecret(context, word, cwd, { below }))) return "guard.secret";
  }
  const linked = judgeLink(context, name, words, effects);
  if (linked) return linked;
  if (isData(name) || !effects.others.some((word) => isProtected(context, word, cwd))) return null;
  return isInterpreter(name) && onlyReads(command, words) ? null : "guard.unclear";
}

/** Whether an interpreter that is given a protected file runs code that is in sight and only reads. */
function onlyReads({ stdin, heredocs }, words) {
  const texts = words.map(patternOf);
  const module = texts.indexOf("-m");
  if (module >= 0) return texts[module + 1] === "json.tool" && texts.slice(module + 2).filter((text) => !text.startsWith("-")).length < 2;
  const code = texts.findIndex((text) => /^-[a-zA-Z]*[ceEp]$|^--(?:eval|print)$/.test(text));
  if (code >= 0) return !canWrite(texts[code + 1] ?? "");
  return texts.some((text) => text === "-") && (stdin !== null || heredocs.length > 0) && !canWrite(stdin ?? heredocs.join("\n"));
}

function isProtected(context, word, cwd) {
  const text = patternOf(word);
  return /[/\\~.]/.test(text) && writeTo(context, word, cwd) !== null;
}

/** Another name for our program or one of our files. */
function judgeLink(context, name, words, { reads, writes }) {
  if (!/^(?:ln|link|mklink|cp|copy|install|ditto|mount|alias)$/.test(name)) return null;
  for (const word of reads) {
    const text = patternOf(word);
    const target = writes[0] ? programName(patternOf(writes[0])) : "";
    if (
      isOurs(text) &&
      !text.endsWith("/") &&
      /(?:^|[\\/])(?:s?bin|scripts)[\\/][^\\/]*$/i.test(text) &&
      !isOurs(target) &&
      !/\/$|^(?:s?bin|\.)$/.test(patternOf(writes[0] ?? known("")))
    )
      return "guard.alias";
    if (/^(?:ln|link|mklink)$/.test(name) && writeTo(context, word, context.cwd)) return "guard.alias";
  }
  return null;
}

/** What is fed to an interpreter, a scheduler or `xargs`: as far as it is known, and else in every reading of what the text prints. */
function judgeInput(context, { command, name, words }, { seen }) {
  const takes = isInterpreter(name) || name === "eval" || /^(?:crontab|at|batch|xargs|parallel)$/.test(name);
  const fed =
    command.via.includes("pipe") ||
    command.redirects.some(({ op }) => op === "<") ||
    words.some((word) => /^[<>]\(/.test(word.literal) || (word.value === null && /\$\(|`/.test(word.literal)));
  if (!takes || !(fed || name === "xargs")) return null;
  const files = [
    command,
    ...seen.filter(({ name: other }) => /^(?:cat|head|tail|tr|sed|grep|tac|less|more|base64|rev|xxd)$/.test(other)).map((one) => one.command),
  ].flatMap((one) => fileTexts(context, one));
  const lines = name === "xargs" ? xargsLines(command, words, files) : [];
  const given = name === "xargs" ? [] : [...(seen.printed ??= seen.flatMap(printed).slice(0, MAX_FED)), ...files];
  for (const one of [...lines, ...given].slice(0, MAX_FED)) {
    for (const reading of [one, ...(name === "xargs" ? [] : readingsOf(context, one))]) {
      const found = mentions(reading) ? (judgeShell(context, scheduledText(reading)) ?? judgeOpaque(context, reading)) : null;
      if (found) return name === "xargs" ? found : isInterpreter(name) ? "guard.script" : "guard.scheduled";
    }
  }
  return null;
}

const readingsOf = (context, text) => once(context, "readings", text, () => readings(text)) ?? [];

/** The texts of the files that a command reads: its input, and its words. */
function fileTexts(context, { argv, redirects, cwd }) {
  const words = [
    ...redirects.filter(({ op }) => op === "<").map(({ target }) => target),
    ...operands(argv.slice(1)),
    ...optionValues(argv.slice(1), ["-a", "--arg-file"]),
  ];
  const files = words.slice(0, 8).flatMap((word) => (word.value === null || /\s/.test(word.value) ? [] : pathsOf(word, cwd, context.home)));
  return files.flatMap((file) => (context.read(file)?.text ?? "").slice(0, MAX_TEXT) || []);
}

/** What a command would print that only prints. */
function printed({ command, name, words }) {
  if (!/^(?:echo|printf|cat|print|base64|rev|tr|openssl|write-output)$/.test(name)) return [];
  const said = words.filter((word) => !/^-[a-zA-Z]{1,2}$/.test(patternOf(word))).map(patternOf);
  return [said.join(" "), ...command.heredocs, ...command.redirects.filter(({ op }) => op === "<<<").map(({ target }) => patternOf(target))].filter(
    (text) => text !== "",
  );
}

/** The command lines that `xargs` makes of whole lines, as with `-I`. */
function xargsLines({ stdin }, words, files) {
  const input = stdin ?? files.join("\n");
  const at = words.findIndex((word, i) => !isOption(word) && !/^-(?:[aEIdLnPs]|-\w+)$/.test(patternOf(words[i - 1] ?? known(""))));
  const command = words.slice(Math.max(0, at)).map(patternOf);
  const lines = input
    .split("\n")
    .filter((line) => line.trim() !== "")
    .slice(0, 32);
  return lines.map((line) =>
    command.some((word) => word.includes("{}")) ? command.join(" ").replaceAll("{}", line) : `${command.join(" ")} ${line}`,
  );
}

/** Whether a text would change a setting of OpenClaw's that the gate stands on. */
export const changesGate = isGateSetting;
