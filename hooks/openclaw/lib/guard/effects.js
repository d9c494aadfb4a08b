/**
 * Which of a command's words are files that it writes, takes away with everything below, or reads.
 *
 * @typedef {import("../lexer.js").Word} Word
 * @typedef {{writes: Word[], trees: Word[], reads: Word[], others: Word[]}} Effects   `others`: not known what is done with them
 */
import { patternOf, isOption, known, operands, optionValues } from "./words.js";
import { fits, UNKNOWN } from "./places.js";

const none = () => ({ writes: [], trees: [], reads: [], others: [] });
const READERS = new Set(
  (
    "cat head tail less more bat batcat grep egrep fgrep zgrep rg ag ack jq gron wc stat file diff colordiff cmp comm md5sum sha1sum " +
    "sha256sum sha512sum b2sum cksum shasum ls dir eza exa tree du df realpath readlink basename dirname test [ [[ cut uniq column nl " +
    "od hexdump strings tac rev fold fmt pr paste join echo printf true false : which whereis type command-v man info history logger " +
    "notify-send wall say xdg-open open code-insiders pwd cd pushd popd export unset read sleep date id whoami uname env printenv set " +
    "lsof lsattr getfacl namei fd fdfind locate mdfind base64 base32 xxd gzip-l zcat zless bzcat xzcat openssl-dgst gpg-list column " +
    "tput clear seq expr bc ps top htop pgrep pidof curl-head ping host dig nslookup python-json expand unexpand look get-content " +
    "select-string get-item get-childitem test-path gc gci sls write-host write-output"
  ).split(" "),
);
const ALL_TREES = new Set("rm rmdir unlink shred srm trash trash-put trash-cli del erase rd remove-item ri wipe rimraf".split(" "));
const ALL_WRITES = new Set(
  (
    "tee sponge touch truncate chmod chown chgrp chattr setfacl xattr setfattr mkdir mkfifo mknod ed ex vi vim nvim nano pico emacs " +
    "emacsclient micro hx kak joe code codium subl gedit kate mousepad set-content add-content out-file clear-content new-item sc ac ni " +
    "icacls takeown attrib patch split csplit crudini augtool fallocate restorecon chcon split-path-none"
  ).split(" "),
);
const TREE_FLAG = /^-[a-zA-Z]*[rR]|^--recursive$/;

const HANDLERS = {
  mv: moved,
  move: moved,
  "move-item": moved,
  rename: (words) => ({ ...none(), trees: operands(words) }),
  cp: copied,
  copy: copied,
  "copy-item": copied,
  install: copied,
  rsync: copied,
  scp: copied,
  ditto: copied,
  ln: copied,
  link: copied,
  mklink: copied,
  dd: (words) => ({ ...none(), writes: prefixed(words, "of="), reads: prefixed(words, "if=") }),
  sed: streamEdited,
  gsed: streamEdited,
  perl: streamEdited,
  ruby: streamEdited,
  yq: streamEdited,
  dasel: streamEdited,
  awk: (words) => (words.some((word) => word.value === "inplace") ? writesAll(words) : readsAll(words)),
  gawk: (words) => HANDLERS.awk(words),
  mawk: (words) => HANDLERS.awk(words),
  sort: (words) => ({ ...readsAll(words), writes: optionValues(words, ["-o", "--output"]) }),
  find: found,
  tar: archived,
  bsdtar: archived,
  unzip: (words) => ({ ...none(), writes: optionValues(words, ["-d"]), reads: operands(words).slice(0, 1) }),
  zip: (words) => ({ ...none(), writes: operands(words).slice(0, 1), reads: operands(words).slice(1) }),
  curl: fetched,
  wget: fetched,
  git: versioned,
  sqlite3: queried,
  mount: writesAll,
  umount: writesAll,
  gzip: writesAll,
  gunzip: writesAll,
  bzip2: writesAll,
  xz: writesAll,
  zstd: writesAll,
  systemctl: readsAll,
  openclaw: readsAll,
  gpg: (words) => ({ ...readsAll(words), writes: optionValues(words, ["-o", "--output"]) }),
  openssl: (words) => ({ ...readsAll(words), writes: optionValues(words, ["-out"]) }),
  docker: () => none(),
};

/**
 * @param {string} name the program, folded and without its folder
 * @param {Word[]} words what follows it
 * @returns {Effects}
 */
export function effectsOf(name, words) {
  if (READERS.has(name)) return readsAll(words);
  if (ALL_TREES.has(name)) return { ...none(), trees: operands(words) };
  if (ALL_WRITES.has(name))
    return { ...none(), writes: operands(words), trees: words.some((word) => TREE_FLAG.test(patternOf(word))) ? operands(words) : [] };
  if (Object.hasOwn(HANDLERS, name)) return HANDLERS[name](words);
  return { ...none(), others: words.flatMap(parts) };
}

function readsAll(words) {
  return { ...none(), reads: words.flatMap(parts) };
}

function writesAll(words) {
  return { ...none(), writes: operands(words) };
}

/** A word and, of `--name=value`, `name=value` and `@file`, the value. */
function parts(word) {
  const text = patternOf(word);
  const at = text.indexOf("=");
  return at > 0 && at < 64 ? [word, known(text.slice(at + 1))] : text.startsWith("@") ? [known(text.slice(1))] : [word];
}

function prefixed(words, prefix) {
  return words.filter((word) => patternOf(word).startsWith(prefix)).map((word) => known(patternOf(word).slice(prefix.length)));
}

function destination(words) {
  const folder = optionValues(words, ["-t", "--target-directory", "-Destination"]);
  const plain = operands(words).filter((word) => !folder.includes(word));
  return folder.length > 0 ? { to: folder, from: plain } : { to: plain.slice(-1), from: plain.slice(0, -1) };
}

/** Where things go, and where they land when that is a folder. */
function landing({ to, from }) {
  const inFolder = to.flatMap((folder) => from.map((word) => known(`${patternOf(folder)}/${lastPart(patternOf(word))}`)));
  return [...to, ...inFolder];
}

const lastPart = (text) => text.replace(/\/+$/, "").split("/").at(-1) || UNKNOWN;

function moved(words) {
  const where = destination(words);
  return { ...none(), writes: landing(where), trees: where.from };
}

function copied(words) {
  const where = destination(words);
  const deletes = words.some((word) => /^--(?:delete|remove-source)/.test(patternOf(word)));
  return { ...none(), writes: landing(where), trees: deletes ? [...where.to, ...where.from] : [], reads: where.from };
}

function streamEdited(words) {
  const inPlace = words.some((word) => /^-[a-zA-Z0-9]*i|^--in-?place|^--write/.test(patternOf(word)));
  return inPlace ? writesAll(words) : readsAll(words);
}

function found(words) {
  const end = words.findIndex((word) => isOption(word) || word.value === "(" || word.value === "!");
  const starts = end < 0 ? words : words.slice(0, end);
  const deletes = (words.some((word) => word.value === "-delete") || runsWriter(words)) && mayFindOurs(words);
  const writes = optionValues(words, ["-fprint", "-fprintf", "-fls", "-fprint0"]);
  return { ...none(), trees: deletes ? (starts.length > 0 ? starts : [known(".")]) : [], writes };
}

/** `-exec rm`: the words it finds are not known, so where it starts counts. */
function runsWriter(words) {
  const at = words.findIndex((word) => /^-(?:exec|execdir|ok|okdir)$/.test(word.value ?? ""));
  if (at < 0) return false;
  const end = words.findIndex((word, i) => i > at && (word.value === ";" || word.value === "+"));
  const [program, ...rest] = words.slice(at + 1, end < 0 ? undefined : end);
  if (!program || program.value === "find") return false;
  const { writes, trees } = effectsOf(lastPart(patternOf(program)), rest);
  return [...writes, ...trees].some((word) => patternOf(word).includes("{}"));
}

const OUR_NAMES = [
  "openclaw-vt",
  "openclaw_vt",
  "openclaw-vt-policy",
  "openclaw.json",
  "config.toml",
  "daemon.json",
  "audit.jsonl",
  "cache.db",
  "gate.sock",
];

/** Whether the names that `find` looks for can be ours; without any, all are found. */
function mayFindOurs(words) {
  const patterns = optionValues(words, ["-name", "-iname", "-path", "-ipath", "-wholename", "-regex", "-iregex"]).map((word) =>
    patternOf(word).toLowerCase(),
  );
  return (
    patterns.length === 0 || patterns.some((pattern) => /openclaw/.test(pattern) || OUR_NAMES.some((name) => fits(name, pattern.split("/").at(-1))))
  );
}

function archived(words) {
  const mode = patternOf(words[0] ?? known(""));
  const extracts = words.some((word) => /^--(?:extract|get)$/.test(patternOf(word))) || /^-?[a-zA-Z]*x/.test(mode);
  const folder = optionValues(words, ["-C", "--directory", "--one-top-level"]);
  const file = optionValues(words, ["--file"]);
  if (extracts) return { ...none(), writes: folder, reads: file };
  const [archive, ...members] = operands(words.slice(/^-?[a-zA-Z]*f/.test(mode) ? 1 : 0));
  return { ...none(), writes: [...file, ...(archive ? [archive] : [])], reads: [...members, ...folder] };
}

function fetched(words) {
  const writes = optionValues(words, [
    "-o",
    "--output",
    "-O",
    "--output-document",
    "-P",
    "--directory-prefix",
    "--output-dir",
    "-c",
    "--cookie-jar",
    "-D",
    "--dump-header",
    "--trace",
    "--trace-ascii",
  ]);
  const reads = words.flatMap((word) => (/@./.test(patternOf(word)) ? [known(patternOf(word).replace(/^[^@]*@/, ""))] : []));
  const urls = words.filter((word) => patternOf(word).startsWith("file://"));
  // wget, and curl -O, write what the address ends with into the folder they run in.
  for (const word of operands(words)) if (/^[a-z]+:\/\//i.test(patternOf(word))) writes.push(known(lastPart(patternOf(word).replace(/[?#].*$/, ""))));
  return { ...none(), writes, reads: [...reads, ...urls, ...optionValues(words, ["-T", "--upload-file"])] };
}

const GIT_WRITES = new Set(["checkout", "restore", "rm", "mv", "clean", "clone", "worktree", "init", "apply", "switch", "reset", "stash"]);

function versioned(words) {
  const where = optionValues(words, ["-C", "--git-dir", "--work-tree"]);
  const plain = operands(words).filter((word) => !where.includes(word));
  return GIT_WRITES.has(plain[0]?.value) ? { ...none(), writes: [...plain.slice(1), ...where] } : readsAll(plain);
}

function queried(words) {
  const [base, ...queries] = operands(words);
  const reads =
    words.some((word) => /^-?-readonly$/.test(patternOf(word))) ||
    (queries.length > 0 &&
      queries.every((word) =>
        /^\s*(?:select\b|pragma\s+[\w.]+\s*;?\s*$|\.(?:schema|tables|dump|indexes)\b|explain\b)[^;]*;?\s*$/i.test(word.value ?? ""),
      ));
  if (!base) return none();
  return reads ? { ...none(), reads: [base] } : { ...none(), writes: [base] };
}
