/**
 * OpenClaw's tools (2026.9.6) and those that look like them: which part of a call runs, writes, types or speaks for the person.
 *
 * @typedef {import("./context.js").Context} Context
 * @typedef {string|import("./rules.js").Verdict|null} Found
 */
import { showsSecret } from "./context.js";
import { changesOfEdit, changesOfPatch, changesOfWrite, judgeChanges, pathOf } from "./files.js";
import { fold, isOurs, mentionsUs } from "./names.js";
import { carried, isGateSetting, isPersonsCommand } from "./openclaw.js";
import { judgeOpaque } from "./run.js";
import { judgeShell } from "./shell.js";
import { steers } from "./system.js";
import { afterErasing, typedText } from "./typed.js";
import { known } from "./words.js";

const COMMAND_KEYS = ["command", "cmd", "script", "shell", "argv", "args", "commands"];
const MAX_VALUES = 64;

/** @type {Record<string, (context: Context, params: Record<string, any>, event: any) => Found>} */
const TOOLS = {
  exec,
  bash: exec,
  shell: exec,
  write: (context, params) => judgeChanges(context, changesOfWrite(params)),
  edit: (context, params) => judgeChanges(context, changesOfEdit(params)),
  apply_patch: patch,
  read: (context, params) => {
    const file = pathOf(params);
    return file !== null && showsSecret(context, known(file), context.cwd) ? "guard.secret" : null;
  },
  process: typing,
  terminal: typing,
  plugins,
  gateway,
  openclaw: systemAgent,
  nodes: (context, params) => (params.action === "approve" ? "guard.openclaw-policy" : inJson(context, params.invokeParamsJson)),
  automations: jobs,
  cron: jobs,
  message: speaking,
  sessions_send: speaking,
  sessions_spawn: speaking,
  conversations_send: speaking,
  conversations_turn: speaking,
};

// What these are given is shown or stored, and their own calls come through here again.
const HARMLESS = new Set(
  (
    "web_search web_fetch memory_search memory_get session_status sessions_list sessions_history sessions_search image_generate " +
    "view_image tts show_widget progress_card update_goal create_goal get_goal suggest_task dismiss_task ask_user wait tool_search " +
    "tool_describe ls find grep secrets skill_workshop"
  ).split(" "),
);

/** @param {Context} context @param {any} event @returns {Found} */
export function judgeTool(context, event) {
  const name = fold(String(event?.toolName ?? ""));
  const params = event?.params !== null && typeof event?.params === "object" ? event.params : {};
  const derived = judgeDerived(context, event, name);
  if (derived) return derived;
  if (Object.hasOwn(TOOLS, name)) return TOOLS[name](context, params, event);
  return HARMLESS.has(name) ? null : unknownTool(context, name, params);
}

/** Paths that the host itself found in a call that writes. */
function judgeDerived(context, event, name) {
  if (name === "read" || name === "apply_patch" || !Array.isArray(event?.derivedPaths)) return null;
  const paths = event.derivedPaths.filter((one) => typeof one === "string").slice(0, 256);
  return name === "write" || name === "edit"
    ? null
    : judgeChanges(
        context,
        paths.map((one) => ({ path: one, after: () => null, text: "", removed: false })),
      );
}

function exec(context, params, event) {
  // A Code Mode cell is JavaScript without modules, and each tool it calls comes through here by itself. Only the host says
  // that it is one: a member that the model can add must not turn a command into something else.
  if (event?.toolKind === "code_mode_exec") return null;
  const steered = judgeEnv(context, params.env);
  const command = Array.isArray(params.command) ? quotedLine(params.command) : params.command;
  if (typeof command !== "string") return null;
  return (
    judgeShell(context, command) ??
    (steered && mentionsUs(command) ? "guard.environment" : steered === "own" ? "guard.environment" : hostSteered(command, steered))
  );
}

function hostSteered(command, steered) {
  return steered === "host" && /\bopenclaw\b[^\n;|&]*\b(?:skills?|plugins?|agent|gateway|cron|automations)\b/.test(fold(command))
    ? "guard.environment"
    : null;
}

const quotedLine = (words) => words.map((word) => `'${String(word).replaceAll("'", `'\\''`)}'`).join(" ");

/** @returns {"own"|"host"|"interpreter"|null} the worst of what the variables of a call steer */
function judgeEnv(context, env) {
  if (env === null || typeof env !== "object") return null;
  const kinds = Object.keys(env).slice(0, 256).map(steers);
  for (const [name, value] of Object.entries(env))
    if (/^[A-Za-z_]\w*$/.test(name) && typeof value === "string") context.env = { ...context.env, [name]: value };
  return ["own", "host", "interpreter"].find((kind) => kinds.includes(kind)) ?? null;
}

function patch(context, params, event) {
  const input = [params.input, params.patch, params.diff].find((one) => typeof one === "string") ?? "";
  const changes = changesOfPatch(input);
  const seen = new Set(changes.map(({ path }) => path));
  // The host may have read a path in the patch that this reader did not.
  const missed = (event?.derivedPaths ?? []).filter(
    (one) => typeof one === "string" && ![...seen].some((path) => one.endsWith(path.replace(/^[./~]+/, ""))),
  );
  return judgeChanges(context, [...changes, ...missed.map((one) => ({ path: one, after: () => null, text: input, removed: false }))]);
}

function typing(context, params) {
  const text = typedText(params);
  if (text === null || text === "") return null;
  const terminal = String(params.sessionId ?? "");
  const all = afterErasing(context.memory ? context.memory.typed(context.session, terminal, text) : text);
  if (judgeShell(context, all) || judgeOpaque(context, all) || (isPersonsCommand(all) && mentionsUs(all))) return "guard.typed";
  const last = all.replace(/\n+$/, "").split("\n").at(-1).trim();
  return last !== "" && context.skillNames().has(fold(last)) ? "guard.typed-name" : null;
}

function plugins(context, params) {
  const action = fold(String(params.action ?? ""));
  if (params.acknowledgeInstallPolicyWarning === true) return "guard.openclaw-acknowledge";
  if (/^(?:list|inspect|search)$/.test(action)) return null;
  const names = [params.pluginId, params.packageName, ...(Array.isArray(params.pluginIds) ? params.pluginIds : [])];
  return names.some((one) => typeof one === "string" && (isOurs(one) || mentionsUs(one))) ? "guard.openclaw-plugin" : null;
}

function gateway(context, params) {
  const action = fold(String(params.action ?? ""));
  if (/^(?:config\.get|config\.schema.*|update\.run|update\.status|restart|status|health|)$/.test(action)) return null;
  if (/approval/.test(action)) return "guard.openclaw-approval";
  const touched = `${typeof params.path === "string" ? params.path : ""}\n${text(params.raw)}\n${text(params.patch)}\n${text(params.config)}\n${text(params.value)}`;
  if (action === "config.apply") return "guard.openclaw-config";
  return /^config\./.test(action) &&
    (isGateSetting(params.path ?? "x") || /security|plugins|hooks|secrets|\$include|openclaw[-_]vt/.test(fold(unescape8(touched))))
    ? "guard.openclaw-config"
    : null;
}

const text = (value) => (typeof value === "string" ? value : value === undefined ? "" : JSON.stringify(value));
const unescape8 = (value) => value.replace(/\\u([0-9a-fA-F]{4})/g, (_, code) => String.fromCharCode(Number.parseInt(code, 16)));

const TALKS_OF_GATE =
  /openclaw[-_ ]?vt|install[-_ ]?policy|security\.|\bplugins?\.(?:entries|allow|deny|load)|approv(?:e|al)s?\b.*\b(?:allow|resolve|yes)|(?:resolve|allow)\b.*\bapproval/;

/** The system agent: with full permission it applies what it is asked without asking anybody. */
function systemAgent(context, params) {
  const action = fold(String(params.action ?? ""));
  if (/^config_set/.test(action)) return isGateSetting(String(params.path ?? ""), text(params.value)) ? "guard.openclaw-config" : null;
  if (/^plugin_/.test(action) && !/^plugin_(?:list|search)$/.test(action) && mentionsUs(JSON.stringify(params))) return "guard.openclaw-plugin";
  if (action === "setup") return "guard.openclaw-setup";
  const message = fold(text(params.message));
  if (isPersonsCommand(message)) return "guard.openclaw-approval";
  return TALKS_OF_GATE.test(message) || /\b(?:disable|remove|uninstall|switch off|turn off|deactivate)\b.*\b(?:plugins?|security)\b/.test(message)
    ? "guard.openclaw-config"
    : null;
}

function jobs(context, params) {
  if (isPersonsCommand(text(params.message)) || isPersonsCommand(text(params.payload?.message))) return "guard.openclaw-approval";
  return inJson(context, JSON.stringify(params)) ? "guard.scheduled" : null;
}

function inJson(context, json) {
  if (typeof json !== "string") return null;
  const found = carried(json);
  for (const one of found.texts) {
    const inner = judgeShell(context, one) ?? judgeOpaque(context, one);
    if (inner) return inner;
  }
  for (const argv of found.argv) {
    const inner = judgeShell(context, quotedLine(argv));
    if (inner) return inner;
  }
  return null;
}

function speaking(context, params) {
  const said = [params.message, params.text, params.body, params.content, params.task].filter((one) => typeof one === "string");
  return said.some(isPersonsCommand) ? "guard.openclaw-approval" : null;
}

const CHANGES =
  /(?:^|[_.:-])(?:write|edit|create|save|append|update|modify|insert|replace|patch|move|rename|delete|remove|put|multiedit|str_replace)/;
const DELETES = /(?:^|[_.:-])(?:delete|remove|move|rename|unlink|rm)/;

/** A tool that is not known: whatever in it looks like a command, a file to change or one to read. */
function unknownTool(context, name, params) {
  for (const key of COMMAND_KEYS) {
    const value = params[key];
    const found =
      typeof value === "string"
        ? judgeShell(context, value)
        : Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === "string")
          ? judgeShell(context, quotedLine(value))
          : null;
    if (found) return found;
  }
  if (typeof params.code === "string") {
    const found = judgeOpaque(context, params.code);
    if (found) return found;
  }
  const paths = pathValues(params);
  if (CHANGES.test(name)) {
    const whole = changesOfEdit(params).some(({ text: put }) => put !== "") ? changesOfEdit(params) : changesOfWrite(params);
    const others = paths.map((one) => ({ path: one, after: () => null, text: "", removed: DELETES.test(name) }));
    return (
      judgeChanges(context, whole) ??
      judgeChanges(
        context,
        others.filter(({ path }) => path !== whole[0]?.path || DELETES.test(name)),
      )
    );
  }
  return paths.some((one) => showsSecret(context, known(one), context.cwd)) ? "guard.secret" : null;
}

function pathValues(params) {
  const values = Object.entries(params).flatMap(([key, value]) => (/path|file|source|destination|target|uri|dir/i.test(key) ? [value].flat() : []));
  return values.filter((one) => typeof one === "string" && one.length < 4096 && !one.includes("\n")).slice(0, MAX_VALUES);
}
