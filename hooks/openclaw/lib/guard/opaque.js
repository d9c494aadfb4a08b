/**
 * Code that the guard cannot read word by word (Python, JavaScript, Perl, …): whether it carries what only the person may do.
 * Looser than for a shell command, so two things must come together: our words, and something that runs or writes.
 */
import { anyOf, fold, squeeze } from "./names.js";
import { readings } from "./decode.js";
import { isPersonsCommand } from "./openclaw.js";
import { WRITE_WORDS } from "./program.js";

const RUNS = anyOf([
  /subprocess|popen|os\.(?:system|exec|spawn|posix_spawn|startfile)|pty\.|runpy|child_process/,
  /(?:exec|spawn|fork)(?:file)?(?:sync)?\s*\(|\bexec(?:[lv]p?e?)?\b|\bshell\b|(?:^|\n)[ \t]{0,40}:?!|\bsystem\b|\bqx\b|`|\beval\b/,
  /getattr|__import__|importlib|shell_exec|passthru|proc_open|io\.popen|os\.execute|command\.new|open3|\bspawn\b|do shell script/,
  /deno\.command|bun\.spawn|\$`|execa|zx|pexpect|invoke-expression|\biex\b|start-process|\bsend\b|cmd\.run|\brun\s*\(|processbuilder/,
  /runtime\.getruntime|\| *(?:ba|z|da|k)?sh\b/,
]);
const WRITES = anyOf([
  /open\s{0,8}\([^)]{0,512},\s{0,40}(?:mode\s{0,8}=\s{0,8})?['"][rbt]*[wax+]|write|unlink|\bremove|rmtree|rename|replace\s*\(|chmod/,
  /chown|truncate|symlink|\blink\s*\(|copy|move\s*\(|mkdir|touch|dump\s*\(|appendfile|createwritestream|\brm(?:sync|dir)?\s*\(/,
  /fs\.\w*(?:cp|rm)|\bdelete|file_put_contents|fputs|file\.(?:write|open)|io\.open|['"][wa]\+?b?['"]|>\s*['"]?[~/$]|sqlite3|\.save\(/,
  /set-content|out-file|(?:^|[\s;}/\d$])w\s{1,8}[~./]/,
]);
const READS_SECRET = /open|read|load|cat\b|get-content|file|path/;
const READ_ONLY = new RegExp(
  "^(?:-*(?:json|debug))*(?:scan|verify|permissions|diff|audit|badge|demo|completion|directory|dry-run|rescan|doctor|--version|--help|-h|" +
    "cache(?:list|show|verify)|config(?:show|path|validate)|quarantine(?:list|show)|keystatus|daemon--status)",
);
const NAME = /openclaw[-_.%s]{0,4}vt/g;
const JOINED_STRINGS = /(['"`])\s{0,16}[.+~&]\s{0,16}\1/g;
const IMPORT = new RegExp(
  /(?:from|import|import_module|run_module|__import__|-m)/.source +
    /\s{0,40}\(?\s{0,40}['"]?openclaw_vt(?:\.(?!__version__)\w|['"\s]{1,40}(?:import\s{1,40}(?!__version__)|\)|accept|setup|key\b|suppress))/.source,
);
const OPENCLAW = anyOf([
  /acknowledge-?install-?policy-?warning/,
  /acknowledgeinstallpolicywarning/,
  /(?:plugin|exec)\.approval\.resolve/,
  /openclawconfig(?:set|patch|unset)(?:security|plugins|hooks|secrets)/,
  /openclawconfigpatch/,
  /openclawapprovals(?:resolve|set|allow)/,
  /openclawplugins(?:disable|uninstall)(?:openclaw-vt)/,
  /openclaw(?:reset|uninstall|onboard|configure)(?![a-z])/,
]);
const STEERS = /openclaw_vt_(?:config|state_dir|virustotal|policy|hooks|keys|network)/;
const MAX_MENTIONS = 64;
const NEAR = 120;

/**
 * @param {string} text the code
 * @param {(path: string) => ("write"|"secret"|null)} pathKind what a path in it would mean
 * @returns {string|null} a rule
 */
export function judgeCode(text, pathKind) {
  const all = [text, ...readings(text)];
  // What runs or writes may stand in another reading than the words it is done with.
  const runs = all.some((one) => RUNS.test(fold(one)));
  const writes = all.some((one) => WRITES.test(fold(one)));
  for (const one of all) {
    const found = judgeReading(one, runs, writes, pathKind);
    if (found) return found;
  }
  return null;
}

function judgeReading(text, runs, writes, pathKind) {
  const plain = fold(text);
  if (IMPORT.test(plain)) return "guard.script";
  const tight = squeeze(text.replace(JOINED_STRINGS, ""));
  if (runs && (programCalled(tight) || apart(tight) || OPENCLAW.test(tight) || STEERS.test(tight))) return "guard.script";
  if (isPersonsCommand(text) && /openclaw|gateway/.test(plain)) return "guard.script";
  return judgePaths(plain, tight, writes, pathKind);
}

/** Whether code has something in it that writes, renames or removes. @param {string} text @returns {boolean} */
export const canWrite = (text) => [text, ...readings(text)].some((one) => WRITES.test(fold(one)) || RUNS.test(fold(one)));

/**
 * Whether a text, or another reading of it, holds a command line of ours or of OpenClaw's that only the person may run, in whatever pieces.
 * @param {string} text @returns {boolean}
 */
export function carriesCommand(text) {
  return [text, ...readings(text)].some((one) => {
    const tight = squeeze(one.replace(JOINED_STRINGS, ""));
    return programCalled(tight) || apart(tight) || OPENCLAW.test(tight);
  });
}

/** Our name in two pieces, out of order, with a word that says yes. */
function apart(tight) {
  return (
    tight.includes("openclaw") &&
    /[-_]vt(?:accept|suppress|setup|quarantine|cache|config|install|key|daemon|[^a-z]|$)/.test(tight.replace(/openclaw[-_]vt/g, "")) &&
    WRITE_WORDS.some((word) => tight.includes(word))
  );
}

/** Our name followed by anything but a read-only command, or near a word that says yes. */
function programCalled(tight) {
  let seen = 0;
  for (const match of tight.matchAll(NAME)) {
    if ((seen += 1) > MAX_MENTIONS) return true;
    const after = tight.slice(match.index + match[0].length, match.index + match[0].length + NEAR);
    // Part of a longer name: a file, a domain, a module.
    if (/^(?:\.(?:md|json|toml|git|com|dev|org|io|txt|log|lock|zip|tar|whl)|[/](?!bin))/.test(after)) continue;
    if (after.includes("--no-input")) return true;
    if (READ_ONLY.test(after)) continue;
    if (WRITE_WORDS.some((word) => after.includes(word)) || /^(?:keyset|keydelete|install[./~@a-z]|run[./~]|daemon--stop|--)/.test(after))
      return true;
    const before = tight.slice(Math.max(0, match.index - NEAR), match.index);
    if (WRITE_WORDS.some((word) => word.length > 5 && before.includes(word)) && /(?:=|args|argv|cmd|command|verb|action)/.test(before)) return true;
  }
  return false;
}

const NAMES_PATH = /openclaw|daemon\.json|config\.toml/g;
const ENDS_PATH = /[\s'"`,;()<>|&]/;
const MAX_PATH = 512;

function judgePaths(plain, tight, writes, pathKind) {
  for (const text of new Set([...paths(plain), ...paths(joinedPaths(plain)), ...paths(tight)])) {
    const kind = pathKind(text);
    if (kind === "secret" && READS_SECRET.test(plain)) return "guard.secret";
    if (kind === "write" && writes) return "guard.script";
  }
  return null;
}

/** The runs of path characters around our names; bounded on both sides, so that one endless word costs no more than its length. */
function paths(text) {
  const found = new Set();
  for (const { index } of text.matchAll(NAMES_PATH)) {
    let [from, to] = [index, index];
    while (from > 0 && index - from < MAX_PATH && !ENDS_PATH.test(text[from - 1])) from -= 1;
    while (to < text.length && to - index < MAX_PATH && !ENDS_PATH.test(text[to])) to += 1;
    found.add(text.slice(from, to));
    if (found.size >= MAX_MENTIONS) break;
  }
  return [...found];
}

/** `join(home, ".config", "openclaw-vt")` and `home / ".config" / "openclaw-vt"` read as one path. */
function joinedPaths(text) {
  return text
    .replace(/['"]\s*[,/]\s*(?=['"])/g, "/")
    .replace(/['"]\s*\+\s*['"]/g, "")
    .replace(/['"]/g, "")
    .replace(/\/{2,}/g, "/");
}
