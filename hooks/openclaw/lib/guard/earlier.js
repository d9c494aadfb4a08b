/**
 * What earlier commands of the same text left behind: files with known text, links, aliases.
 */
import { outputOf } from "../lexer/output.js";
import { absolute, operands, optionValues, pathsOf, patternOf } from "./words.js";

const UNKNOWN = "\uf8ff";
const MAX_FILES = 64;
const MAX_LENGTH = 256 * 1024;

/**
 * Remember what a command leaves behind.
 * @param {import("./context.js").Context} context @param {import("../lexer.js").Command} command @param {string} name
 * @returns {[string, string][]} the files it wrote, with their text as far as it is known
 */
export function record(context, command, name) {
  if (name === "alias" || name === "hash") defineAliases(context, command);
  if (/^(?:ln|cp|mv|install|link)$/.test(name)) recordCopy(context, command, name);
  const targets = command.redirects
    .filter(({ op, fd }) => op.startsWith(">") && op !== ">&" && (fd === "" || fd === "1"))
    .map(({ op, target }) => [target, op === ">>"]);
  if (name === "tee") for (const word of operands(command.argv.slice(1))) targets.push([word, command.argv.some(({ value }) => value === "-a")]);
  if (targets.length === 0) return [];
  const texts = command.argv.map((word) => word.value ?? word.pieces.map((piece) => piece ?? UNKNOWN).join(""));
  const text = outputOf(name, texts, { stdin: command.stdin, cwd: command.cwd ?? UNKNOWN });
  return targets.flatMap(([word, appends]) => write(context, command, word, { text, appends }));
}

function write(context, command, word, { text, appends }) {
  if (context.files.size >= MAX_FILES) return [];
  return pathsOf(word, command.cwd, context.home).map((file) => {
    const before = appends ? (context.files.get(file) ?? context.read(file)?.text ?? "") : "";
    context.files.set(file, (before + text).slice(0, MAX_LENGTH));
    return [file, text];
  });
}

function recordCopy(context, command, name) {
  const words = operands(command.argv.slice(1));
  const folder = optionValues(command.argv.slice(1), ["-t", "--target-directory"])[0];
  const to = folder ?? words.at(-1);
  const from = words.filter((word) => word !== to);
  if (!to || from.length === 0 || context.links.size >= MAX_FILES) return;
  const [target] = pathsOf(to, command.cwd, context.home);
  for (const word of from) {
    const base = name === "ln" && command.argv.some(({ value }) => /^-[a-zA-Z]*s/.test(value ?? "")) ? parentOf(target) : command.cwd;
    const [source] = [absolute(patternOf(word), base, context.home)];
    const last = source.split("/").at(-1);
    // Where the target is a folder the copy lies in it, else it is the target: both are remembered.
    for (const place of [target, `${target}/${last}`]) if (place !== source) context.links.set(place, source);
  }
}

const parentOf = (target) => target.replace(/\/[^/]*$/, "") || "/";

/** `alias a='b c'`, `hash -p /path a`. */
function defineAliases(context, { argv }) {
  if (context.aliases.size >= MAX_FILES) return;
  const words = argv.slice(1).map(patternOf);
  if (words[0] === "-p" && words.length > 2) context.aliases.set(words[2], words[1]);
  for (const word of words) {
    const at = word.indexOf("=");
    if (at > 0) context.aliases.set(word.slice(0, at), word.slice(at + 1));
  }
}
