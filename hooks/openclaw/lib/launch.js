/**
 * Start the daemon: once at a time, never through a shell, with a pause that grows after each failure.
 */
import { spawn as spawnProcess } from "node:child_process";
import path from "node:path";
import { gateError } from "./errors.js";

// What the daemon needs to find its files, the keyring and the network; the Gateway's own variables hold secrets.
const PASSED = Object.freeze([
  "HOME", "PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "USER", "LOGNAME",
  "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "DBUS_SESSION_BUS_ADDRESS",
  "CREDENTIALS_DIRECTORY", "OPENCLAW_STATE_DIR", "OPENCLAW_CONFIG_PATH", "OPENCLAW_VT_CONFIG", "OPENCLAW_VT_STATE_DIR",
  "USERPROFILE", "LOCALAPPDATA", "APPDATA", "SystemRoot", "TEMP", "TMP",
]);
const START_MS = 15_000;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;

/**
 * @typedef {object} Launcher
 * @property {() => Promise<void>} start resolves when the program has returned well; rejects with gateError "launch"
 * @property {() => import("node:child_process").ChildProcess} child start the daemon as a child that speaks over its pipes
 * @property {() => void} succeeded forget the failures
 */

/**
 * @param {object} options
 * @param {string|null} options.program absolute path
 * @param {string} options.stateDir handed on, so that both sides meet in the same folder
 * @param {NodeJS.ProcessEnv} [options.env]
 * @param {typeof spawnProcess} [options.spawn]
 * @param {() => number} [options.now] milliseconds
 * @returns {Launcher}
 */
export function createLauncher({ program, stateDir, env = process.env, spawn = spawnProcess, now = Date.now }) {
  let running = null;
  let pause = 0;
  let notBefore = 0;
  const admit = () => {
    if (!program || !path.isAbsolute(program)) throw gateError("launch", "no launcher is configured");
    if (now() < notBefore) throw gateError("launch", "the daemon failed to start a moment ago");
    pause = Math.min(pause ? pause * 2 : FIRST_PAUSE_MS, LONGEST_PAUSE_MS);
    notBefore = now() + pause;
  };
  const options = { cwd: path.dirname(program ?? "/"), env: passedOn(env, stateDir), shell: false, windowsHide: true };
  return {
    async start() {
      if (!running) {
        admit();
        running = run(spawn, program, ["daemon"], { ...options, detached: true, stdio: "ignore" }).finally(() => (running = null));
        // Whoever waits gets the failure; when nobody does, it must not end the process.
        running.catch(() => {});
      }
      return running;
    },
    child() {
      admit();
      return spawn(program, ["daemon", "--stdio"], { ...options, stdio: ["pipe", "pipe", "ignore"] });
    },
    succeeded() {
      pause = 0;
      notBefore = 0;
    },
  };
}

function passedOn(env, stateDir) {
  const passed = {};
  for (const name of PASSED) if (env[name] !== undefined) passed[name] = env[name];
  return { ...passed, OPENCLAW_VT_STATE_DIR: stateDir };
}

function run(spawn, program, args, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, options);
    const timer = setTimeout(() => {
      child.kill();
      reject(gateError("launch", "the daemon did not start in time"));
    }, START_MS);
    timer.unref();
    child.unref();
    child.once("error", (error) => {
      clearTimeout(timer);
      reject(gateError("launch", `the launcher cannot be run (${error.code ?? "unknown"})`));
    });
    child.once("exit", (code) => {
      clearTimeout(timer);
      if (code === 0) resolve();
      else reject(gateError("launch", `the launcher ended with ${code ?? "a signal"}`));
    });
  });
}
