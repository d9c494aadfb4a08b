/**
 * What the person configured: the plugin's own entry in openclaw.json, tightened by what the daemon read in config.toml.
 * A value in openclaw.json can only make the gate stricter, so an agent that edits that file wins nothing.
 */
import os from "node:os";
import path from "node:path";

/** @typedef {"enforce"|"observe"|"off"} Mode */
/** @typedef {"preExecute"|"preInstall"|"postUpdate"} Stage */
/** @typedef {"closed"|"ask"|"open"} Fail */
/** @typedef {"original"|"snapshot"} RunFrom */
/**
 * @typedef {object} Places absolute paths that the agent must not touch
 * @property {string} config our config.toml
 * @property {string} stateDir our state: cache, audit log, socket
 * @property {string} dataDir the folder of the launcher
 * @property {string|null} launcher the program that OpenClaw starts
 * @property {string[]} openclawConfig openclaw.json, wherever it may be
 * @property {string} openclawState OpenClaw's state folder
 */
/**
 * @typedef {object} Settings
 * @property {string|null} launcher absolute path of our program
 * @property {string} stateDir absolute path of our state folder
 * @property {Partial<Record<Stage, Mode>>} modes only what openclaw.json names
 * @property {RunFrom|null} runFrom
 * @property {Fail|null} failInstall
 * @property {Fail|null} failExecute
 * @property {Places} places as far as they are known without the daemon
 */

/** @type {readonly Stage[]} */
export const STAGES = Object.freeze(["preExecute", "preInstall", "postUpdate"]);
// Strictest first; the order is the whole meaning of "can only tighten".
const MODES = Object.freeze(["enforce", "observe", "off"]);
const FAILS = Object.freeze(["closed", "ask", "open"]);
const SOURCES = Object.freeze(["snapshot", "original"]);
const NAME = "openclaw-vt";

/**
 * Read the plugin's configuration. Values of the wrong kind count as absent: the schema has refused them already.
 * @param {Record<string, unknown>|undefined} config `api.pluginConfig`
 * @param {{env?: NodeJS.ProcessEnv, platform?: NodeJS.Platform, home?: string}} [from]
 * @returns {Settings}
 */
export function readSettings(config, { env = process.env, platform = process.platform, home = os.homedir() } = {}) {
  const raw = config ?? {};
  const stateDir = absolute(raw.stateDir) ?? stateFolder(env, platform, home);
  const launcher = absolute(raw.launcher);
  const modes = {};
  for (const stage of STAGES) if (MODES.includes(raw[stage])) modes[stage] = raw[stage];
  return Object.freeze({
    launcher,
    stateDir,
    modes: Object.freeze(modes),
    runFrom: oneOf(SOURCES, raw.runFrom),
    failInstall: oneOf(FAILS, raw.failInstall),
    failExecute: oneOf(FAILS, raw.failExecute),
    places: Object.freeze(knownPlaces({ env, platform, home, stateDir, launcher })),
  });
}

/**
 * Hold the settings in force: openclaw.json's and, once the daemon has answered "start", config.toml's.
 * @param {Settings} settings
 */
export function createPolicy(settings) {
  let told = Object.freeze({ modes: {}, fail: {}, runFrom: null });
  let places = settings.places;
  const mode = (stage) => strictest(MODES, settings.modes[stage], oneOf(MODES, told.modes[stage]) ?? "enforce");
  return {
    settings,
    /** Take in the daemon's reply to "start"; members of the wrong kind are left out. @param {any} reply */
    absorb(reply) {
      told = Object.freeze({
        modes: reply?.modes ?? {},
        fail: reply?.fail ?? {},
        runFrom: oneOf(SOURCES, reply?.runFrom),
      });
      places = Object.freeze(mergePlaces(settings.places, reply?.places));
    },
    /** Take in the mode that a reply names: config.toml may have changed since "start". @param {Stage} stage @param {unknown} now */
    heard(stage, now) {
      if (oneOf(MODES, now)) told = Object.freeze({ ...told, modes: { ...told.modes, [stage]: now } });
    },
    /** The mode in force; "enforce" until the daemon has told otherwise. @param {Stage} stage @returns {Mode} */
    mode,
    /** The mode of the guard, which keeps every stage: the strictest of all. @returns {Mode} */
    guardMode: () => STAGES.map(mode).reduce((one, other) => strictest(MODES, one, other)),
    /** @returns {Fail} what an unanswered question about a use means */
    failExecute: () => strictest(FAILS, settings.failExecute, oneOf(FAILS, told.fail.execute) ?? "ask"),
    /** @returns {Fail} what an unanswered question about an installation means: nobody can be asked, so "ask" is "closed" */
    failInstall: () => strictest(FAILS, settings.failInstall, oneOf(FAILS, told.fail.install) ?? "closed"),
    /** @returns {RunFrom} */
    runFrom: () => strictest(SOURCES, settings.runFrom, told.runFrom ?? "original"),
    /** The same object until the daemon tells others. @returns {Places} */
    places: () => places,
    /** The modes of openclaw.json, for a request. @param {...Stage} stages @returns {Record<string, Mode|null>} */
    asked: (...stages) => Object.fromEntries(stages.map((stage) => [stage, settings.modes[stage] ?? null])),
  };
}

/**
 * Return the path of openclaw.json that this process reads.
 * @param {NodeJS.ProcessEnv} env
 * @param {string} home
 * @returns {string}
 */
export function openclawConfigPath(env, home) {
  return absolute(env.OPENCLAW_CONFIG_PATH) ?? path.join(openclawStateDir(env, home), "openclaw.json");
}

function openclawStateDir(env, home) {
  return absolute(env.OPENCLAW_STATE_DIR) ?? path.join(home, ".openclaw");
}

function knownPlaces({ env, platform, home, stateDir, launcher }) {
  const configs = new Set([openclawConfigPath(env, home), path.join(openclawStateDir(env, home), "openclaw.json")]);
  return {
    config: absolute(env.OPENCLAW_VT_CONFIG) ?? path.join(base("XDG_CONFIG_HOME", ".config", env, platform, home), "config.toml"),
    stateDir,
    dataDir: base("XDG_DATA_HOME", path.join(".local", "share"), env, platform, home),
    launcher,
    // OpenClaw puts its copies back when it takes the file for damaged, so they are as good as the file.
    openclawConfig: [...configs].flatMap((file) => [file, `${file}.last-good`, `${file}.bak`]),
    openclawState: openclawStateDir(env, home),
  };
}

function mergePlaces(known, told) {
  const merged = { ...known };
  for (const name of ["config", "stateDir", "dataDir", "openclawState"]) merged[name] = absolute(told?.[name]) ?? known[name];
  // The program that this side starts; the daemon's own lies in dataDir.
  merged.launcher = known.launcher ?? absolute(told?.launcher);
  const more = Array.isArray(told?.openclawConfig) ? told.openclawConfig.map(absolute).filter(Boolean) : [];
  merged.openclawConfig = [...new Set([...known.openclawConfig, ...more])];
  return merged;
}

function stateFolder(env, platform, home) {
  return absolute(env.OPENCLAW_VT_STATE_DIR) ?? base("XDG_STATE_HOME", path.join(".local", "state"), env, platform, home);
}

function base(variable, belowHome, env, platform, home) {
  const named = absolute(env[variable]);
  if (named) return path.join(named, NAME);
  if (platform === "win32" && env.LOCALAPPDATA) return path.join(env.LOCALAPPDATA, NAME);
  return path.join(home, belowHome, NAME);
}

function absolute(value) {
  return typeof value === "string" && path.isAbsolute(value) && !value.includes("\0") ? value : null;
}

function oneOf(allowed, value) {
  return allowed.includes(value) ? value : null;
}

function strictest(order, one, other) {
  const known = [one, other].filter((value) => order.includes(value));
  return known.reduce((best, value) => (order.indexOf(value) < order.indexOf(best) ? value : best));
}
