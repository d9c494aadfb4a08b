import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import test from "node:test";
import { MAX_COMMANDS, parse } from "../lib/lexer.js";

const AROUND = { cwd: "/ws", home: "/home/u", env: { FOO: "bar baz", EMPTY: "" } };
const commandsOf = (text, around = {}) => parse(text, { ...AROUND, ...around }).commands;
const argvOf = (text, around) => commandsOf(text, around).map(({ argv }) => argv.map(({ value, pieces }) => value ?? pieces));
/** The commands that are run in the end, as one string each, those of `via` only when it is named. */
const said = (text) => commandsOf(text).filter(({ argv }) => argv.length > 0).map(({ argv, cwd }) => `${cwd}$ ${argv.map(({ value, pieces }) => value ?? JSON.stringify(pieces)).join(" ")}`);
const seeded = (seed) => () => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return seed / 2 ** 32;
};

test("words: quotes, escapes, expansions", () => {
  const cases = [
    [`a 'b c' "d e" f\\ g`, ["a", "b c", "d e", "f g"]],
    [`x"y"'z'\\w`, ["xyzw"]],
    [`"a\\"b\\$c\\d" '\\'`, ['a"b$c\\d', "\\"]],
    [`$'a\\tb\\x41\\101\\u00e9\\'' ''`, ["a\tbAAé'", ""]],
    [`$'\\xe6\\x97\\xa5'`, ["日"]],
    ["a\\\nb c", ["ab", "c"]],
    ["a#b #c", ["a#b"]],
    ["$FOO \"$FOO\" ${FOO}", ["bar", "baz", "bar baz", "bar", "baz"]],
    ["$EMPTY a \"$EMPTY\"", ["a", ""]],
    ["~ ~/x a~ '~' ~root/y", ["/home/u", "/home/u/x", "a~", "~", [null, "/y"]]],
    ["${FOO#bar } ${FOO%% *} ${FOO/baz/q} ${FOO:0:3} ${FOO^^} ${#FOO}", ["baz", "bar", "bar", "q", "bar", "BAR", "BAZ", "7"]],
    ["${NO:-x} ${FOO:+y} ${EMPTY:-z} ${EMPTY-w}", ["x", "y", "z"]],
    ["{a,b}c {1..3} {x} {a,b{c,d}} '{q,r}'", ["ac", "bc", "1", "2", "3", "{x}", "a", "bc", "bd", "{q,r}"]],
    ["*.sh a[bc]d x? [ ]", [[null, ".sh"], ["a", null, "d"], ["x", null], "[", "]"]],
    ["$(pwd)/x `pwd` $PWD", ["/ws/x", "/ws", "/ws"]],
    ["$UNKNOWN/x \"a$(date)b\" $((1+1))", [[null, "/x"], ["a", null, "b"], [null]]],
    ["{baseDir}/x", ["{baseDir}/x"]],
    ["C:\\\\x\\\\y", ["C:\\x\\y"]],
  ];
  for (const [text, words] of cases) assert.deepEqual(argvOf(`p ${text}`).at(-1), ["p", ...words], text);
});

test("commands in order, with the folder they run in", () => {
  const cases = [
    ["cd x && ls; pwd", ["/ws$ cd x", "/ws/x$ ls", "/ws/x$ pwd"]],
    ["(cd x; ls); ls", ["/ws$ cd x", "/ws/x$ ls", "/ws$ ls"]],
    ["{ cd x; }; ls", ["/ws$ cd x", "/ws/x$ ls"]],
    ["pushd x; ls; popd; ls", ["/ws$ pushd x", "/ws/x$ ls", "/ws/x$ popd", "/ws$ ls"]],
    ["cd x | ls; ls", ["/ws$ cd x", "/ws$ ls", "/ws$ ls"]],
    ["cd; ls; cd -; ls", ["/ws$ cd", "/home/u$ ls", "/home/u$ cd -", "/ws$ ls"]],
    ["cd $NO/x; ls", ['/ws$ cd [null,"/x"]', "null$ ls"]],
    ["D=a; for f in $D/{b,c}; do cat $f; done", ["/ws$ cat a/b", "/ws$ cat a/c"]],
    ["if a; then b; elif c; then d; else e; fi", ["/ws$ a", "/ws$ b", "/ws$ c", "/ws$ d", "/ws$ e"]],
    ["while a; do b; done; until c; do d; done", ["/ws$ a", "/ws$ b", "/ws$ c", "/ws$ d"]],
    ["case $x in a|b) c;; (d) e;; *) f; esac", ["/ws$ c", "/ws$ e", "/ws$ f"]],
    ["f() { cat $1; }; f x", ["/ws$ f x", "/ws$ cat x"]],
    ["f() { cat $1; }", ["/ws$ cat [null]"]],
    ["[[ -f $(a) && b =~ (c|d) ]] && e", ["/ws$ a", "/ws$ e"]],
    ["a | b |& c && d || e & f", ["/ws$ a", "/ws$ b", "/ws$ c", "/ws$ d", "/ws$ e", "/ws$ f"]],
    ["! a; time -p b; coproc c", ["/ws$ a", "/ws$ b", "/ws$ c"]],
    ["x=1; (x=2); p $x", ["/ws$ p 1"]],
    ["a <(b) > >(c)", ["/ws$ b", "/ws$ c", "/ws$ a [null]"]],
  ];
  for (const [text, expected] of cases) assert.deepEqual(said(text), expected, text);
});

test("where the shell may go two ways, both are followed", () => {
  assert.deepEqual(said("if a; then D=x; else D=y; fi; p $D").slice(1), ["/ws$ p x", "/ws$ p y"]);
  assert.deepEqual(said("a && cd x; p").slice(2), ["/ws/x$ p", "/ws$ p"]);
  assert.deepEqual(said("cd x || exit 1; p"), ["/ws$ cd x", "/ws$ exit 1", "/ws/x$ p"]);
  const isFolder = (folder) => folder === "/ws/x";
  assert.deepEqual(commandsOf("cd no; p", { isFolder }).slice(1).map(({ cwd }) => cwd), ["/ws/no", "/ws"]);
  assert.deepEqual(commandsOf("cd x; p", { isFolder }).slice(1).map(({ cwd }) => cwd), ["/ws/x"]);
  assert.deepEqual(said("for i in 1 2; do D=$D/x; p $D; done").length, 2);
  assert.ok(said("while a; do i=$i/x; p $i; done").some((one) => one.includes("null")));
});

test("commands within commands are listed after them", () => {
  const wrapped = [
    "bash -c 'X'", "sh -lc \"X\"", "zsh -euo pipefail -c 'X'", "eval X", "eval 'X'", "env -u B A=1 X", "env -S 'X'", "sudo -u me X", "sudo -E env A=1 X",
    "nohup X &", "time X", "timeout -k 5 10s X", "command X", "exec -a n X", "nice -n 5 X", "stdbuf -oL X", "setsid X", "xargs -0 X", "find a -exec X \\;",
    "find a -name b -execdir X +", "bash <<'E'\nX\nE", "bash <<< 'X'", "echo 'X' | sh", "cat <<'E' | bash -s\nX\nE", "(X)", "{ X; }", "a=$(X)", "`X`", "\"$(X)\"",
    "echo $(( $(X) ))", "${a:-$(X)}", "trap 'X' EXIT", "bash -c 'bash -c \"X\"'", "echo WA== | base64 -d | tr X X | bash", "watch 'X'", "su -c 'X' me", "uv run X",
    "npx -y X", "busybox sh -c 'X'", "cmd /c X", "flock /tmp/l X", "flock /tmp/l -c 'X'", "if true; then X; fi", "f() { X; }; f", "alias y='X'", "select i in a; do X; done",
    "strace -f -o o X", "script -qc 'X' /dev/null", "source /dev/stdin <<< 'X'", "$'\\x58'", "echo X | xargs -I{} bash -c '{}'",
  ];
  for (const text of wrapped) assert.ok(argvOf(text).some(([name]) => name === "X"), text);
});

test("code of other languages stays as it is", () => {
  assert.deepEqual(argvOf("python3 -c 'import os; os.system(\"a b\")'"), [["python3", "-c", 'import os; os.system("a b")']]);
  assert.deepEqual(commandsOf("python3 - <<E\nprint(\"$FOO\")\nE")[0].heredocs, ['print("bar baz")\n']);
  assert.deepEqual(commandsOf("python3 - <<'E'\nprint(\"$FOO\")\nE")[0].heredocs, ['print("$FOO")\n']);
  assert.deepEqual(commandsOf("cat <<-E\n\ta\n\tE\nls")[0].heredocs, ["a\n"]);
});

test("redirections and assignments", () => {
  const [one] = commandsOf("A=1 B=~/x p a 2>&1 >>out <in {fd}>f &>both");
  assert.deepEqual(one.redirects.map(({ op, fd, target }) => [fd, op, target.value]), [["2", ">&", "1"], ["", ">>", "out"], ["", "<", "in"], ["{fd}", ">", "f"], ["", "&>", "both"]]);
  assert.deepEqual(one.assignments.map(({ name, value }) => [name, value.value]), [["A", "1"], ["B", "/home/u/x"]]);
  assert.deepEqual(argvOf("A=1 p; q $A").at(-1), ["q", [null]]);
  assert.deepEqual(argvOf("A=1; B=$A$A; A+=2; q $A $B").at(-1), ["q", "12", "11"]);
  assert.deepEqual(argvOf("a=(x 'y z'); a+=(w); q \"${a[@]}\" ${a[1]} ${#a[@]}").at(-1), ["q", "x", "y z", "w", "y", "z", "3"]);
});

test("a span is the word's place in the top-level text, in decoded text there is none", () => {
  for (const text of ["a 'b c' d\"e\" >f", "bash -c 'cd x && y z'", "bash -c \"p q\"", "cat <<'E' | sh\nfoo bar\nE", "a $(b `c d`) e", "eval x y", "for i in 1 2; do p q; done", "x=$HOME/a p b"]) {
    for (const { argv, redirects, assignments } of commandsOf(text)) {
      for (const word of [...argv, ...redirects.map(({ target }) => target), ...assignments.map(({ value }) => value)]) {
        if (word.start >= 0) assert.equal(text.slice(word.start, word.end), word.literal, text);
        else assert.equal(word.end, -1);
      }
    }
  }
  const inner = commandsOf("bash -c 'cd x && y z'").at(-1).argv[1];
  assert.deepEqual([inner.value, inner.start, inner.end], ["z", 19, 20]);
  assert.equal(commandsOf("bash -c \"p \\\"q\\\"\"").at(-1).argv[1].start, -1);
  assert.ok(commandsOf("for i in a b; do p $i; done").every(({ argv }) => argv[1].start === -1));
});

test("what is no shell text is said to be none, and its words are listed all the same", () => {
  for (const text of ["fi; x/y z", "a 'x/y", "a \"x/y", "(x/y", "a; ) x/y", "if a; then x/y", "a | ; x/y", "case x/y", "a > ; x/y", "a $(b x/y", "${a:-x/y"]) {
    const { commands, complete } = parse(text, AROUND);
    assert.equal(complete, false, text);
    assert.ok(JSON.stringify(commands).includes("x/y"), text);
  }
  for (const text of ["", " ", "\n\n", "#", ";;"]) assert.equal(parse(text, AROUND).commands.length, 0);
});

const times = (text, n) => text.repeat(n);
const HOSTILE = {
  "quotes without end": times("'", 100_001),
  "double quotes": times('"', 100_000),
  "nested substitutions": times("$(", 100_000),
  "nested and closed": times("$(", 20_000) + times(")", 20_000),
  backticks: times("`", 100_001),
  backslashes: times("\\", 200_001),
  "braces that multiply": times("{a,b}", 50_000),
  "braces that nest": times("{a,", 40_000) + times("}", 40_000),
  "open brackets": times("[", 200_000),
  subshells: times("(", 100_000),
  groups: times("{ ", 100_000),
  ifs: times("if ", 80_000),
  arithmetic: times("$((", 80_000),
  "closed arithmetic": times("$((1))", 40_000),
  parameters: times("${a:-", 50_000),
  "many commands": times("a;", 120_000),
  "many pipes": `${times("a|", 100_000)}a`,
  "many variables": Array.from({ length: 20_000 }, (_, i) => `v${i}=1`).join(";"),
  "variables copied by pipes": Array.from({ length: 10_000 }, (_, i) => `v${i}=1;:|:`).join(";"),
  "a variable that doubles": `a=xxxxxxxx;${times("a=$a$a;", 500)}p $a`,
  "states that multiply": Array.from({ length: 5_000 }, (_, i) => `[ -f x ]&&v${i}=1`).join(";"),
  "here-documents without end": times("<<E ", 60_000),
  "loops in loops": "for i in {1..64}; do for j in {1..64}; do for k in {1..64}; do x=$(echo $i$j$k | rev); done; done; done",
  "functions in circles": `${times("f(){ f;f|f;};", 3_000)}f`,
  "wrappers in wrappers": `${times("env ", 60_000)}p`,
  "shells in shells": times("bash -c ", 30_000),
  "a pattern that backtracks": `a=${times("ab", 120)};${times("echo ${a%%*a*b*a*c*};", 5_000)}`,
  "a replacement that grows": `a=${times("a", 20_000)};${times("echo ${a//a/bbbbbb};", 5_000)}`,
  "pipes that translate": `echo ${times("x", 50_000)}${times("|tr a-z b-z", 200)}`,
  blanks: times(" ", 260_000),
  "line ends": times("\n", 260_000),
  continuations: times("\\\n", 130_000),
  zeros: times("\0", 100_000),
  "the mark for the unknown": times("\uf8ff/../\uf8fe", 30_000),
  "too long": times("a ", 1_000_000),
};

test("hostile text ends, within bounds", async (t) => {
  for (const [name, text] of Object.entries(HOSTILE)) {
    await t.test(name, () => {
      const { commands } = parse(text, AROUND);
      assert.ok(commands.length <= MAX_COMMANDS);
    });
  }
});

test("text past the limits is not taken for complete", () => {
  assert.equal(parse(HOSTILE["too long"], AROUND).complete, false);
  assert.equal(parse(HOSTILE["many commands"], AROUND).complete, false);
  assert.equal(parse(HOSTILE["nested substitutions"], AROUND).complete, false);
  let deep = "ls";
  for (let i = 0; i < 12; i += 1) deep = `bash -c ${JSON.stringify(deep)}`;
  assert.equal(parse(deep, AROUND).complete, false);
});

test("any text at all: no throw, no word out of place", () => {
  const random = seeded(7);
  const bits = [..."ab/ \n\t'\"\\$`(){}[]<>|&;#*?~=!:-0é", "$(", "${", "<<E\n", "if ", "then ", "fi", "for i in ", "do ", "done", "case ", "esac", "f()", "cd ", "bash -c ", "E\n", "&&", "||", "echo ", "\uf8ff", "eval "];
  for (let round = 0; round < 3_000; round += 1) {
    const text = Array.from({ length: 1 + Math.floor(random() * 24) }, () => bits[Math.floor(random() * bits.length)]).join("");
    for (const { argv } of parse(text, AROUND).commands) {
      for (const word of argv) if (word.start >= 0) assert.equal(text.slice(word.start, word.end), word.literal, JSON.stringify(text));
    }
  }
});

const hasBash = spawnSync("bash", ["-c", "true"]).status === 0;

test("bash itself reads the same words", { skip: !hasBash && "there is no bash here" }, () => {
  const random = seeded(42);
  const pick = (list) => list[Math.floor(random() * list.length)];
  // A lone `$` is left out: behind an expansion in one word, it keeps bash 5.2 from splitting that.
  const bits = ["a", "b c", "'d e'", "'\\'", '"f g"', '"h\\"i"', '"$V"', "$V", "${V}", "\\ ", "\\\\", "\\'", "\\\"", "$'j\\tk\\x41\\''", "''", '""', "{l,m}", "{1..3}", "x{,y}", "${V#o}", "${V%e*}", "${V/n/N}", "${U:-u v}", '"${U:-w}"', "~", "~/z", "\\\n", "é", "$(echo s t)", '"$(echo s  t)"', "`echo q`", "#", "a#", "=", "%", "^", "${V:1:2}", "${#V}", "${V^^}", "\\$V", "'$V'", ",", "}", "{", "]", "!x"];
  const lines = Array.from({ length: 400 }, () => Array.from({ length: 1 + Math.floor(random() * 6) }, () => pick(bits) + pick(["", " ", ""])).join(""));
  const script = lines.map((line) => `printf '%s\\0' x ${line}\nprintf '\\1'`).join("\n");
  const run = spawnSync("bash", ["--norc", "-c", `HOME=/home/u; V='one two' Vl=L Vm=M V1='1 1'; cd /; ${"set +H; "}\n${script}`], { encoding: "utf8", env: { PATH: process.env.PATH, LC_ALL: "C.UTF-8" } });
  const expected = run.stdout.split("\u0001").slice(0, -1).map((one) => one.split("\0").slice(0, -1));
  // A line that bash refuses ends the script; those before it were still compared.
  assert.ok(expected.length > 300, run.stderr);
  expected.forEach((words, i) => {
    const { commands } = parse(`printf x ${lines[i]}`, { cwd: "/", home: "/home/u", env: {}, vars: { V: "one two", Vl: "L", Vm: "M", V1: "1 1" } });
    const own = commands.find(({ via, argv }) => via.length === 0 && argv[0]?.value === "printf").argv.slice(1).map(({ value }) => value);
    // A variable that is not set is none of bash's words, and unknown to us.
    if (own.includes(null) && own.length !== words.length) return;
    // `~user` hangs on who there is on the machine: that one is unknown to us.
    assert.deepEqual(own.map((word, n) => word ?? words[n]), words, JSON.stringify(lines[i]));
  });
});
