/** A machine on which nothing exists, so that what the guard says depends on the call alone. */
import { protect } from "../../lib/guard.js";

export const HOME = "/home/u";
export const PLACES = Object.freeze({
  config: `${HOME}/.config/openclaw-vt/config.toml`,
  stateDir: `${HOME}/.local/state/openclaw-vt`,
  dataDir: `${HOME}/.local/share/openclaw-vt`,
  launcher: `${HOME}/.local/share/openclaw-vt/bin/openclaw-vt-policy`,
  openclawConfig: [`${HOME}/.openclaw/openclaw.json`, `${HOME}/.openclaw/openclaw.json5`],
  openclawState: `${HOME}/.openclaw`,
});
export const ENV = Object.freeze({ HOME, PATH: "/usr/local/bin:/usr/bin:/bin", XDG_STATE_HOME: `${HOME}/.local/state` });
export const CWD = `${HOME}/.openclaw/workspace`;

/** What the guard says of a tool call. @param {string} toolName @param {object} params @param {object} [more] options, or `event` members */
export function call(toolName, params, { event = {}, ...more } = {}) {
  return protect({ toolName, params, ...event }, { places: PLACES, cwd: CWD, home: HOME, env: ENV, readFile: () => null, ...more });
}

/** What the guard says of a shell command. @param {string} command @param {object} [more] */
export const shell = (command, more) => call("exec", { command }, more);
