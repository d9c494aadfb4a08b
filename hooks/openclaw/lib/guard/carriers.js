/**
 * Commands that hand text or words on to be run elsewhere or later (tmux, at, ssh, make, git aliases, …), beyond those the lexer follows.
 *
 * @typedef {import("../lexer.js").Word} Word
 * @typedef {{texts: string[], later: string[], files: string[]}} Carried   `texts` run now, `later` by themselves, `files` are scripts
 */
import { isOption, operands, optionValues, patternOf } from "./words.js";

const nothing = () => ({ texts: [], later: [], files: [] });
const KEYS = { enter: "\n", "c-m": "\n", kpenter: "\n", space: " ", tab: "\t" };

const CARRIERS = {
  tmux: terminals,
  screen: terminals,
  byobu: terminals,
  zellij: terminals,
  ssh: everyText,
  mosh: everyText,
  script: everyText,
  su: everyText,
  runuser: everyText,
  sg: everyText,
  entr: joined,
  watchexec: joined,
  nodemon: everyText,
  hyperfine: everyText,
  concurrently: everyText,
  xterm: joined,
  konsole: joined,
  "gnome-terminal": joined,
  kitty: joined,
  alacritty: joined,
  wezterm: joined,
  foot: joined,
  "x-terminal-emulator": joined,
  tar: everyText,
  bsdtar: everyText,
  rsync: everyText,
  zip: everyText,
  git: gitText,
  vim: everyText,
  nvim: everyText,
  vi: everyText,
  ed: everyText,
  less: everyText,
  man: everyText,
  "nix-shell": everyText,
  nix: everyText,
  docker: joined,
  podman: joined,
  "flatpak-spawn": joined,
  wsl: joined,
  start: joined,
  "start-process": joined,
  cmd: joined,
  parallel: parallelText,
  expect: everyText,
  dash: nothing,
  at: scheduled,
  batch: scheduled,
  crontab: scheduled,
  systemd: joined,
  bwrap: joined,
  proot: joined,
  nsenter: joined,
  dbus: nothing,
  complete: everyText,
  bind: everyText,
  mapfile: everyText,
  readarray: everyText,
  make: made,
  gmake: made,
  just: made,
  task: made,
  npm: scripted,
  pnpm: scripted,
  yarn: scripted,
  bun: scripted,
  node: nothing,
  socat: everyText,
  nc: everyText,
  ncat: everyText,
  osascript: everyText,
};

/**
 * @param {string} name folded @param {Word[]} words @param {string|null} stdin what is fed to it, where known
 * @returns {Carried|null} null for a program that hands nothing on as far as is known
 */
export function carriedBy(name, words, stdin) {
  return Object.hasOwn(CARRIERS, name) ? { ...nothing(), ...CARRIERS[name](words, stdin) } : null;
}

/** Words that are a command line by themselves, after `-x=`, `exec=`, `!` and the like. */
function everyText(words) {
  return {
    texts: words
      .map(patternOf)
      .flatMap((text) => (/\s/.test(text) ? [text.replace(/^(?:-[a-zA-Z-]+=)?(?:checkpoint-action=)?(?:exec=|exec:|system:)?[\s:!]*/i, "")] : [])),
  };
}

function joined(words) {
  const plain = words.map(patternOf);
  const from = plain.findIndex((text) => !text.startsWith("-"));
  return { texts: [...everyText(words).texts, ...(from < 0 ? [] : [plain.slice(from).join(" ")])] };
}

/** `tmux send-keys`: keys by name, or text; everything else may be a command. */
function terminals(words) {
  const plain = words.map(patternOf);
  const keyed = plain.map((text) => KEYS[text.toLowerCase()] ?? text).map((text) => text.replace(/\\[rn]|\^M|\\0?15|\\0?12/g, "\n"));
  const from = plain.findIndex((text) => /^(?:send|send-keys|stuff)$/.test(text));
  if (from < 0) return joined(words);
  const typed = keyed.slice(from + 1).filter((text) => !/^-[a-zA-Z]$/.test(text) && !/^[%@]\d+$/.test(text));
  return { texts: [typed.join(""), typed.join(" "), ...everyText(words).texts] };
}

function gitText(words) {
  const set = operands(words);
  const values = [...optionValues(words, ["-c", "--exec", "--upload-pack", "--receive-pack", "-x", "--extcmd", "-u"])].map(patternOf);
  const configured = set[0]?.value === "config" ? set.slice(2).map(patternOf) : [];
  const chosen = ["bisect", "submodule", "rebase", "filter-branch"].includes(set[0]?.value)
    ? set
        .slice(1)
        .map(patternOf)
        .filter((text) => /\s/.test(text))
    : [];
  return { texts: [...values.map((text) => text.replace(/^[\w.-]+=!?/, "")), ...configured.map((text) => text.replace(/^!/, "")), ...chosen] };
}

function parallelText(words, stdin) {
  const plain = words.filter((word) => !isOption(word)).map(patternOf);
  const at = plain.indexOf(":::");
  const command = (at < 0 ? plain : plain.slice(0, at)).join(" ");
  const values = at < 0 ? [] : plain.slice(at + 1);
  return {
    texts: [...values.map((value) => (command.includes("{}") ? command.replaceAll("{}", value) : `${command} ${value}`)), ...(stdin ? [stdin] : [])],
  };
}

function scheduled(words, stdin) {
  const files = [...optionValues(words, ["-f"]), ...operands(words).slice(0, 1)].map(patternOf).filter((text) => text !== "-");
  return { later: stdin === null ? [] : [stdin], files };
}

function made(words) {
  const named = optionValues(words, ["-f", "--file", "--makefile", "--justfile", "-t", "--taskfile"]).map(patternOf);
  return {
    texts: words
      .map(patternOf)
      .filter((text) => /=.*\s/.test(text))
      .map((text) => text.replace(/^[^=]*=/, "")),
    files: named.length > 0 ? named : ["GNUmakefile", "makefile", "Makefile", "justfile", "Justfile", "Taskfile.yml"],
  };
}

const PACKAGE_VERBS = /^(?:run|run-script|test|start|stop|restart|install|ci|publish|pack|build|t|i)$/;

function scripted(words) {
  const verb = operands(words)[0]?.value ?? "";
  return { files: PACKAGE_VERBS.test(verb) ? ["package.json"] : [] };
}
