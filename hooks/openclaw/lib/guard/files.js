/**
 * The file tools: `write`, `edit`, `apply_patch`, `read` and tools of other servers that do the same.
 *
 * @typedef {import("./context.js").Context} Context
 * @typedef {{path: string, after: ((before: string) => string|null)|null, text: string, removed: boolean}} Change
 *   `after`: the new whole text from the old one, null when that cannot be told; `text`: everything that would be put in
 */
import { follow, kindOf } from "./context.js";
import { gateText } from "./json5.js";
import { holds, writeRule } from "./places.js";
import { judgeLater, judgeShell } from "./shell.js";
import { absolute } from "./words.js";
import { verdict } from "./rules.js";
import { runsByItself, scheduledText } from "./system.js";
import { mentionsUs } from "./names.js";

const MAX_CHANGES = 256;
const MAX_LATER = 256 * 1024;

/**
 * @param {Context} context @param {Change[]} changes
 * @returns {string|import("./rules.js").Verdict|null}
 */
export function judgeChanges(context, changes) {
  if (changes.length > MAX_CHANGES) return "guard.unclear";
  for (const change of changes) {
    const found = judgeChange(context, change);
    if (found) return found;
  }
  for (const { path, text, removed } of changes)
    if (!removed) context.memory?.wrote(context.session, follow(context, absolute(path, context.cwd, context.home)), text);
  return null;
}

function judgeChange(context, change) {
  const target = absolute(change.path.replace(/^@(?=[~/.])/, ""), context.cwd, context.home);
  const kind = kindOf(context, target) ?? (change.removed ? holds(target, context.places) : null);
  if (kind === "openclaw-json") return judgeConfigChange(context, target, change);
  if (kind) return writeRule(kind);
  if (change.removed || !runsByItself(target)) return null;
  if (change.text.length > MAX_LATER) return mentionsUs(change.text) ? "guard.unreadable" : null;
  return judgeLater(context, change.text) || judgeShell(context, scheduledText(change.text)) ? "guard.scheduled" : null;
}

/** openclaw.json: only a change that leaves the gate's part as it is may pass; a whole new file is the person's to allow. */
function judgeConfigChange(context, target, { after, removed, text }) {
  if (removed) return "guard.openclaw-config";
  const before = context.read(target)?.text ?? null;
  const whole = after === null;
  const next = whole ? text : before === null ? null : after(before);
  if (before === null) return whole ? "guard.openclaw-json" : "guard.openclaw-config";
  const [old, new_] = [gateText(before), next === null ? null : gateText(next)];
  if (old === null || new_ === null || old !== new_) return "guard.openclaw-config";
  return whole ? "guard.openclaw-json" : null;
}

/** @param {Record<string, any>} params @returns {Change[]} */
export function changesOfWrite(params) {
  const file = pathOf(params);
  return file === null ? [] : [{ path: file, after: null, text: textOf(params), removed: false }];
}

/** The path that a tool's parameters name. @param {Record<string, any>} params @returns {string|null} */
export function pathOf(params) {
  for (const name of ["path", "file_path", "filePath", "filename", "file", "target", "destination", "notebook_path", "uri"]) {
    if (typeof params[name] === "string" && params[name] !== "") return params[name];
  }
  return null;
}

function textOf(params) {
  for (const name of ["content", "contents", "text", "data", "file_text", "new_source"]) if (typeof params[name] === "string") return params[name];
  return "";
}

/** @param {Record<string, any>} params @returns {Change[]} */
export function changesOfEdit(params) {
  const file = pathOf(params);
  if (file === null) return [];
  const edits = (Array.isArray(params.edits) ? params.edits : [params]).map((edit) => [
    first(edit, ["oldText", "old_string", "old_str", "oldString"]),
    first(edit, ["newText", "new_string", "new_str", "newString", "insert_text"]) ?? "",
  ]);
  const after = (before) =>
    edits.reduce(
      (text, [from, to]) => (text === null || typeof from !== "string" || from === "" || !text.includes(from) ? null : text.split(from).join(to)),
      before,
    );
  return [{ path: file, after, text: edits.map(([, to]) => to).join("\n"), removed: false }];
}

function first(edit, names) {
  const name = names.find((one) => typeof edit?.[one] === "string");
  return name === undefined ? undefined : edit[name];
}

const HEADER = /^\*\*\* (Add|Update|Delete) File: (.*)$/;
const MOVE = /^\*\*\* Move to: (.*)$/;
const DIFF = /^(?:\+\+\+|---) (?:[ab]\/)?(\S.*?)\t?$/;

/**
 * The files of a patch, in the format of `apply_patch` or as a unified diff.
 * @param {string} input @returns {Change[]}
 */
export function changesOfPatch(input) {
  const changes = [];
  let now = null;
  for (const line of input.split("\n")) {
    const header = HEADER.exec(line.trim());
    const move = MOVE.exec(line.trim());
    if (header) changes.push((now = patched(header[2].trim(), header[1])));
    else if (move && now) changes.push({ ...now, path: move[1].trim(), after: () => null }, { ...now, removed: true });
    else if (now) hunkLine(now, line);
    else if (DIFF.test(line)) changes.push({ path: DIFF.exec(line)[1], after: () => null, text: input, removed: false });
  }
  for (const change of changes)
    if (change.lines)
      change.text = change.lines
        .filter(([sign]) => sign === "+")
        .map(([, text]) => text)
        .join("\n");
  return changes;
}

function patched(file, action) {
  const change = { path: file, text: "", removed: action === "Delete", lines: [], after: null };
  change.after = action === "Add" ? null : (before) => applied(before, change.lines);
  return change;
}

function hunkLine(change, line) {
  if (line.startsWith("@@")) change.lines.push(["@", line]);
  else if (/^[-+ ]/.test(line)) change.lines.push([line[0], line.slice(1)]);
  else if (line === "") change.lines.push([" ", ""]);
}

/** Each run of lines, up to the next header, replaced where it is found once. */
function applied(before, lines) {
  let text = before;
  for (const hunk of hunksOf(lines)) {
    const old = hunk
      .filter(([sign]) => sign !== "+")
      .map(([, line]) => line)
      .join("\n");
    const fresh = hunk
      .filter(([sign]) => sign !== "-")
      .map(([, line]) => line)
      .join("\n");
    if (old === "" || text.split(old).length !== 2) return null;
    text = text.replace(old, () => fresh);
  }
  return text;
}

function hunksOf(lines) {
  const hunks = [[]];
  for (const entry of lines) {
    if (entry[0] === "@") hunks.push([]);
    else hunks.at(-1).push(entry);
  }
  const trimmed = hunks.map((hunk) => (hunk.at(-1)?.[0] === " " && hunk.at(-1)[1] === "" ? hunk.slice(0, -1) : hunk));
  return trimmed.filter((hunk) => hunk.length > 0);
}
