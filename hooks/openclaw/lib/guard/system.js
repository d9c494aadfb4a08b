/**
 * Programs of the system that can stop our daemon, read our keys, remove us or keep a command for later.
 *
 * @typedef {import("../lexer.js").Word} Word
 */
import { anyOf, fold, isOurs, mentionsUs } from "./names.js";
import { folded, operands, patternOf } from "./words.js";

const KEYRINGS = new Set(
  (
    "secret-tool security keyring kwallet-query kwalletcli kwallet cmdkey gdbus dbus-send busctl qdbus qdbus6 lssecret seahorse " +
    "systemd-creds vaultcmd"
  ).split(" "),
);
const KILLERS = new Set(["pkill", "killall", "skill", "slay", "taskkill", "stop-process", "spps", "xkill"]);
const FINDERS = new Set(["pgrep", "pidof", "ps", "lsof", "fuser", "ss", "grep", "tasklist", "get-process"]);
const SERVICES = new Set(["systemctl", "launchctl", "sc", "service", "rc-service", "brew", "supervisorctl", "pm2", "loginctl"]);
const OUR_PROCESS = "openclaw-vt daemon --foreground openclaw_vt daemon";

/**
 * The rule that a program of the system breaks, or null.
 * @param {string} name folded @param {Word[]} words
 * @returns {string|null}
 */
export function judgeSystem(name, words) {
  const texts = words.map((word) => fold(patternOf(word)));
  if (KEYRINGS.has(name)) return texts.some(mentionsUs) || (name === "security" && texts[0] === "dump-keychain") ? "guard.secret" : null;
  if (KILLERS.has(name)) return kills(name, texts) ? "guard.daemon" : null;
  if (SERVICES.has(name))
    return texts.some(mentionsUs) &&
      texts.some((text) => /^(?:stop|kill|disable|mask|unload|bootout|remove|uninstall|delete|restart|edit|revert|freeze)$/.test(text))
      ? "guard.daemon"
      : null;
  return managed(name, texts);
}

function kills(name, texts) {
  if (texts.some(mentionsUs)) return true;
  if (name !== "pkill") return false;
  const whole = texts.some((text) => /^-[a-z]*f|^--full$/.test(text));
  // Without -f only the program's name is compared, which the kernel cuts at fifteen characters.
  const seen = whole ? OUR_PROCESS : "openclaw-vt";
  return texts.some((text) => !text.startsWith("-") && plainPattern(text).length > 3 && seen.includes(plainPattern(text)));
}

const plainPattern = (text) => text.replace(/[\^$\\()]|\.\*|\[(.)\]/g, "$1");

/** Whether the commands of one text look for our process and end one that is not named. @param {{name: string, words: Word[]}[]} all */
export function killsFound(all) {
  const ends = all.some(({ name, words }) => name === "kill" && !words.every((word) => /^-?[0-9a-zA-Z]+$/.test(word.value ?? "")));
  const piped = all.some(({ name, words }) => name === "kill" && words.some((word) => word.value === null));
  if (!ends && !piped) return false;
  return all.some(
    ({ name, words }) =>
      FINDERS.has(name) && words.some((word) => mentionsUs(patternOf(word)) || /(?:^|\/)(?:daemon\.json|gate\.sock)$/.test(patternOf(word))),
  );
}

const REMOVES = /^(?:uninstall|remove|rm|purge|autoremove|delete|un|-r|-rs|-rns|--erase)$/;
const INSTALLS = /^(?:install|add|inject|upgrade|update|reinstall|i|-s|-u|--install|sync|pin)$/;
const MANAGERS = new Set(
  (
    "pip pip3 pipx uv uvx conda mamba micromamba poetry pdm rye hatch apt apt-get dnf yum zypper pacman apk brew port nix-env snap " +
    "flatpak scoop winget choco npm pnpm yarn bun"
  ).split(" "),
);

function managed(name, texts) {
  if (!MANAGERS.has(name) && !/^pip[\d.]+$/.test(name)) return null;
  const verbs = texts.filter((text) => !text.startsWith("--"));
  const ours = verbs.some(isOurs);
  if (!ours) return null;
  const verb = verbs.find((text) => REMOVES.test(text) || INSTALLS.test(text));
  if (verb === undefined || verbs.findIndex(isOurs) < verbs.indexOf(verb)) return null;
  return REMOVES.test(verb) ? "guard.package" : "guard.replace";
}

/** Variables that steer us, our interpreter or OpenClaw's own configuration. */
const OWN = /^openclaw_vt_/;
const INTERPRETER = anyOf([
  /^(?:python(?:path|home|startup|userbase|nousersite|breakpoint|inspect|warnings|safepath|pycacheprefix))$/,
  /^(?:ld_(?:preload|library_path|audit)|dyld_.*|virtual_env|pip_.*|node_options|node_path|vt_api_key|dbus_session_bus_address)$/,
  /^(?:xdg_(?:config|state|data|runtime)_(?:home|dir)|home|path|bash_env|env|https?_proxy|all_proxy|ssl_cert_file)$/,
  /^(?:requests_ca_bundle)$/,
]);
const HOST = anyOf([
  /^openclaw_(?:config_path|state_dir|home|profile|bundled_\w+|plugin_install_overrides|allow_\w+|include_roots|no_\w+|disable_\w+)$/,
  /^openclaw_(?:skip_plugins?\w*|container|agent_dir)$/,
]);

/** What a variable steers. @param {string} name @returns {"own"|"interpreter"|"host"|null} */
export function steers(name) {
  const plain = fold(name);
  if (OWN.test(plain)) return "own";
  if (HOST.test(plain)) return "host";
  return INTERPRETER.test(plain) ? "interpreter" : null;
}

const STARTUP = anyOf([
  /(?:^|\/)(?:\.(?:bash|zsh|ksh|tcsh|csh)(?:rc|env|_profile|_login|_logout|_aliases)|\.profile|\.zprofile|\.zlogin|\.bash_\w+|\.xprofile|\.xinitrc|\.xsessionrc|\.inputrc|config\.fish|\.envrc|crontab|sitecustomize\.py|usercustomize\.py|pyvenv\.cfg)$/,
  /\.(?:pth|desktop|service|timer|path|plist)$/,
  /\/(?:cron\.(?:d|daily|hourly|weekly|monthly)|cron\/crontabs|autostart|launchagents|launchdaemons|profile\.d|\.git\/hooks|hooks\.d|conf\.d|startup)\//,
  /profile\.ps1$/,
]);

/** Whether a file is run by something else than a command of this agent: a login shell, cron, a service, a hook. @param {string} file */
export const runsByItself = (file) => STARTUP.test(fold(file.replace(/\\/g, "/")));

/** The lines of a crontab, a unit or a desktop entry as shell text. @param {string} text */
export function scheduledText(text) {
  return text
    .split("\n")
    .map((line) =>
      line.replace(/^\s*(?:(?:[\d*/,-]+|[a-z]{3})\s+){5,6}|^\s*@\w+\s+|^\s*(?:exec\w*|runshellcommand|command|run)\s*[=:]\s*[-@+!:]*/i, ""),
    )
    .join("\n");
}

/** Whether `name args` prints or shows text and nothing else, so that what it is given is data. @param {string} name */
export function isData(name) {
  return DATA.has(name);
}

const DATA = new Set(
  (
    "git gh glab hub jira linear tea curl wget http https xh httpie mail mutt sendmail aws gcloud az pip pip3 pipx uv npm pnpm yarn apt " +
    "apt-get brew dnf pacman jq yq sed cargo go docker-compose kubectl helm terraform pytest ruff mypy eslint prettier black openclaw- " +
    "docs pandoc markdownlint vale aspell hunspell espeak figlet cowsay banner osd_cat zenity kdialog dialog whiptail notify tg " +
    "slackcat todo task taskwarrior calcurse khal nb zk obsidian wl-copy xclip xsel pbcopy clip sqlite3 psql mysql redis-cli ffmpeg " +
    "convert magick"
  ).split(" "),
);

/** The operand words as folded text. @param {Word[]} words */
export const verbsOf = (words) => operands(words).map(folded);
