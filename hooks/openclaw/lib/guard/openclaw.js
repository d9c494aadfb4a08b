/**
 * Command lines of OpenClaw's own program (2026.9.6): those that answer for the person or weaken the gate.
 *
 * @typedef {import("../lexer.js").Word} Word
 * @typedef {{rule: string|null, texts: string[], argv: string[][], words: string[], files: string[]}} Judged
 *   `texts`: shell text that OpenClaw would run; `argv`: command lines that it would run; `words`: messages that it would read;
 *   `files`: a plugin source or a message file, for the caller to look into
 */
import { anyOf, fold, isOurs, mentionsUs } from "./names.js";

const ROOT_VALUED = new Set(["--container", "--log-level", "--profile"]);
const ACKNOWLEDGE = "--acknowledge-install-policy-warning";
/** Top-level keys of openclaw.json on which the gate stands. */
export const GATE_KEYS = Object.freeze(["security", "plugins", "hooks", "secrets", "$include"]);
const STEERING_ENV = /^(?:openclaw_|python|node_|ld_|dyld_|path$|home$|xdg_|bash_env$|shell$)/;
const SET_VALUED = new Set(
  (
    "--batch-file --batch-json --expect-current-json --provider-allowlist --provider-arg --provider-command --provider-env --provider- " +
    "max-bytes --provider-max-output-bytes --provider-mode --provider-no-output-timeout-ms --provider-pass-env --provider-path " +
    "--provider-source --provider-timeout-ms --provider-trusted-dir --ref-id --ref-provider --ref-source --section --replace-path " +
    "--file --agent"
  ).split(" "),
);
const RISKY_METHOD = anyOf([
  /^config\.(?!get$|schema)/,
  /^plugin\.approval\.(?!list$|get$)/,
  /^exec\.approvals?\.(?!get$|list$|grants\.list$|waitdecision$)/,
  /^approval\.(?!get$|history$|list$)/,
  /^skills\.(?:install|update|upload)/,
  /^plugins\.(?:install|uninstall|setenabled|reload|refresh)/,
  /^wizard\./,
  /^secrets\.(?:store\.(?:set|delete)|reload|apply)/,
  /^openclaw\.chat/,
  /^update\.run/,
  /^device\.pair\.approve/,
  /^node\.pair\.approve/,
]);
const SLASH = /(?:^|\n)[^\S\n]{0,200}\/(?:approve|config\s+(?:set|unset)|plugins?\s+(?:install|enable|disable|uninstall)|elevated|elev|exec)\b/i;

/** Whether a message would be taken for a command that a person gives. @param {string} text @returns {boolean} */
export function isPersonsCommand(text) {
  return SLASH.test(fold(text));
}

/** The first part of a configuration path, in dot or bracket notation. @param {string} path @returns {string} */
function firstKey(path) {
  return fold(path)
    .replace(/\\/g, "")
    .replace(/^[\s."'[\]]+/, "")
    .split(/[."'[\]\s]/, 1)[0];
}

/** Whether a setting at this path is one that the gate stands on. @param {string} path @param {string} [value] @returns {boolean} */
export function isGateSetting(path, value = "") {
  const key = firstKey(path);
  if (key === "" || GATE_KEYS.includes(key)) return true;
  if (key === "env")
    return (
      STEERING_ENV.test(
        fold(path)
          .split(/[."'[\]]/)
          .filter(Boolean)
          .at(-1) ?? "",
      ) || /openclaw_vt|bash_env|node_options|pythonpath|ld_preload/.test(fold(value))
    );
  return mentionsUs(path);
}

/**
 * Judge what follows `openclaw`.
 * @param {Word[]} args
 * @returns {Judged}
 */
export function judgeOpenclaw(args) {
  const texts = args.map((word) => (word.value === null ? null : fold(word.value)));
  const none = { rule: null, texts: [], argv: [], words: [], files: [] };
  if (texts.includes(ACKNOWLEDGE)) return { ...none, rule: "guard.openclaw-acknowledge" };
  const start = firstWord(texts);
  if (texts.some((text) => text === "--help" || text === "-h")) return none;
  if (start >= texts.length) return none;
  const command = texts[start];
  if (command === null) return { ...none, rule: "guard.unclear" };
  const judge = Object.hasOwn(COMMANDS, command) ? COMMANDS[command] : null;
  const found = judge?.(texts.slice(start + 1), args.slice(start + 1)) ?? null;
  return typeof found === "string" ? { ...none, rule: found } : { ...none, ...found };
}

function firstWord(texts) {
  let at = 0;
  while (at < texts.length && texts[at]?.startsWith("-")) at += ROOT_VALUED.has(texts[at]) ? 2 : 1;
  return at;
}

/** The words that are neither options nor their values. */
function positionals(texts, valued = SET_VALUED) {
  const found = [];
  for (let at = 0; at < texts.length; at += 1) {
    if (texts[at] !== null && valued.has(texts[at])) at += 1;
    else if (texts[at] === null || !texts[at].startsWith("-") || texts[at] === "-") found.push(texts[at]);
  }
  return found;
}

const value = (texts, words, name) => {
  const at = texts.findIndex((text) => text === name || text?.startsWith(`${name}=`));
  if (at < 0) return null;
  const text = words[at].value;
  return text.includes("=") ? text.slice(text.indexOf("=") + 1) : (words[at + 1]?.value ?? null);
};

function config(texts) {
  const [action, path, given] = positionals(texts);
  if (action === undefined) return "guard.openclaw-setup";
  if (["get", "file", "schema", "validate"].includes(action)) return null;
  const dry = texts.includes("--dry-run") && !texts.includes("--allow-exec");
  if (dry) return null;
  if (action !== "set" && action !== "unset") return "guard.openclaw-config";
  if (texts.some((text) => text?.startsWith("--batch") || text?.startsWith("--provider-command"))) return "guard.openclaw-config";
  if (typeof path !== "string") return "guard.openclaw-config";
  return isGateSetting(path, given ?? "") ? "guard.openclaw-config" : null;
}

const PLUGIN_CHANGES = new Set(["disable", "uninstall", "install", "reload", "update", "remove", "marketplace"]);

function plugins(texts, words) {
  const [action, ...ids] = positionals(texts);
  if (!PLUGIN_CHANGES.has(action)) return null;
  if (texts.some((text) => text !== null && (isOurs(text) || mentionsUs(text)))) return "guard.openclaw-plugin";
  if (ids.includes(null)) return action === "install" ? "guard.unclear" : "guard.openclaw-plugin";
  return action === "install" ? { files: words.map((word) => word.value).filter((text) => text && !text.startsWith("-")) } : null;
}

function skills(texts, words) {
  const [action] = positionals(texts);
  if (action !== "install" && action !== "update") return null;
  // An unquoted word that is not known may hold the option that acknowledges a warning.
  return words.some((word) => word.value === null && !word.literal.startsWith('"')) ? "guard.unclear" : null;
}

function approvals(texts) {
  const [action, sub] = positionals(texts, new Set(["--timeout", "--token", "--url", "--node", "--agent", "--file"]));
  if (action === null || action === "resolve" || action === "set" || /^(?:allow|approve|deny)$/.test(action ?? "")) return "guard.openclaw-approval";
  return action === "allowlist" && sub !== "remove" && sub !== "help" ? "guard.openclaw-approval" : null;
}

function gateway(texts, words) {
  const [action, method] = positionals(texts, new Set(["--params", "--password", "--port", "--timeout", "--token", "--url", "--expect-url"]));
  if (action === "uninstall") return "guard.openclaw-setup";
  if (action !== "call") return null;
  if (typeof method !== "string" || RISKY_METHOD.test(method)) return "guard.openclaw-gateway";
  const params = value(texts, words, "--params");
  return params === null ? null : { ...carried(params), words: [params.replace(/\\n/g, "\n").replace(/":\s*"/g, '":\n')] };
}

/** Command lines inside JSON: arrays of words, and strings in members that hold a command. */
export function carried(json) {
  const found = { texts: [], argv: [] };
  try {
    collect(JSON.parse(json), "", found, 0);
  } catch {
    found.texts.push(json);
  }
  return found;
}

function collect(node, key, found, depth) {
  if (depth > 6 || found.texts.length + found.argv.length > 64) return;
  if (typeof node === "string") {
    if (/^(?:command|cmd|script|shell|rawcommand|input|code)$/i.test(key)) found.texts.push(node);
  } else if (Array.isArray(node)) {
    if (node.length > 0 && node.every((entry) => typeof entry === "string")) found.argv.push(node);
    else for (const entry of node) collect(entry, key, found, depth + 1);
  } else if (node && typeof node === "object") {
    for (const [name, entry] of Object.entries(node)) collect(entry, name, found, depth + 1);
  }
}

function agent(texts, words) {
  const said = [value(texts, words, "--message"), value(texts, words, "-m")].filter((text) => text !== null);
  const file = value(texts, words, "--message-file");
  return { words: said, files: file === null ? [] : [file] };
}

function cron(texts, words) {
  const text = value(texts, words, "--command");
  const argv = value(texts, words, "--command-argv");
  const input = value(texts, words, "--command-input");
  const inside = argv === null ? { texts: [], argv: [] } : carried(argv);
  const message = value(texts, words, "--message");
  return { texts: [text, input, ...inside.texts].filter((one) => one !== null), argv: inside.argv, words: message === null ? [] : [message] };
}

function nodes(texts, words) {
  const [action] = positionals(texts);
  if (action === "approve") return "guard.openclaw-policy";
  const params = action === "invoke" ? value(texts, words, "--params") : null;
  return params === null ? null : carried(params);
}

function mcp(texts, words) {
  const [action] = positionals(texts);
  if (action === "serve") return "guard.openclaw-policy";
  if (action !== "add" && action !== "set") return null;
  const found = { texts: [], argv: [words.map((word) => word.value ?? "")] };
  for (const word of words) if (word.value?.trimStart().startsWith("{")) found.argv.push(...serverCommands(word.value));
  return found;
}

function serverCommands(json) {
  try {
    const { command, args } = JSON.parse(json);
    return typeof command === "string" ? [[command, ...(Array.isArray(args) ? args.map(String) : [])]] : [];
  } catch {
    return [[json]];
  }
}

const always = (rule) => () => rule;
const when = (actions, rule) => (texts) => (actions.includes(positionals(texts)[0]) ? rule : null);
const unless = (actions, rule) => (texts) => (actions.includes(positionals(texts)[0]) || texts.includes("--dry-run") ? null : rule);

/** @type {Record<string, (texts: (string|null)[], words: Word[]) => string|null|Partial<Judged>>} */
const COMMANDS = {
  config,
  plugins,
  plugin: plugins,
  skills,
  approvals,
  "exec-approvals": approvals,
  gateway,
  agent,
  cron,
  automations: cron,
  nodes,
  mcp,
  reset: always("guard.openclaw-setup"),
  uninstall: always("guard.openclaw-setup"),
  setup: always("guard.openclaw-setup"),
  onboard: always("guard.openclaw-setup"),
  configure: always("guard.openclaw-setup"),
  // The terminal interface shows approvals and takes keys for answers.
  tui: always("guard.openclaw-approval"),
  chat: always("guard.openclaw-approval"),
  terminal: always("guard.openclaw-approval"),
  resume: always("guard.openclaw-approval"),
  secrets: when(["apply", "configure"], "guard.openclaw-config"),
  "exec-policy": when(["preset", "set"], "guard.openclaw-policy"),
  migrate: unless(["list", "plan", "help"], "guard.openclaw-policy"),
  devices: when(["approve", "join-code", "rotate"], "guard.openclaw-policy"),
  pairing: when(["approve"], "guard.openclaw-policy"),
  acp: always("guard.openclaw-policy"),
  attach: always("guard.openclaw-policy"),
};
/** Commands that install or start something, and so must not be given another configuration through the environment. */
export const READS_CONFIGURATION = /^(?:skills|plugins?|agent|gateway|cron|automations|acp|node)$/;
