/** Commands of the corpus (../commands.js) that reach skills through a folder above them, and those of our own program. */

/** @param {string[]} skills @param {(string|object)[]} list commands that use them */
export const uses = (skills, list) => list.map((one) => (typeof one === "string" ? { command: one, uses: skills } : { uses: skills, ...one }));

const W = ["weather"];
const P = ["pdf-tools"];
const M = ["mailer"];
const IN_SKILLS = ["weather", "pdf-tools", "deep", "my skill", "日本", "linked-real"];
const ALL = [...IN_SKILLS, "proj"];

/** What copies or prints all that lies below a folder, or runs it. */
export const ABOVE = [
  ...uses(IN_SKILLS, [
    "grep -r . skills",
    "grep -rv '^#' skills",
    "rg '' skills",
    "cp -r skills /tmp/x; cat /tmp/x/weather/SKILL.md",
    "cp -r skills /tmp/s && bash /tmp/s/weather/scripts/run.sh",
    "tar cf - skills | (cd /tmp && tar xf -); /tmp/skills/weather/bin/wx",
    "cp -t /tmp/x -r skills",
    "cp -r skills/*/ /tmp/x",
    "cd skills; for d in *; do cp -r \"$d\" /tmp; done",
    "sudo cp -a skills /opt/x",
    "bash -c 'grep -r . skills'",
    "rsync -a skills/ /tmp/x",
    "tar czf /tmp/a.tgz -C skills .",
    "7z a out.7z skills",
    "mv skills /tmp/x",
    "ln -s skills /tmp/x && bash /tmp/x/weather/bin/wx",
    "diff -r skills /tmp/empty",
    "python3 -m zipfile -c /tmp/a.zip skills",
    "python3 -c \"import shutil; shutil.copytree('skills', '/tmp/x')\"",
    "python3 -c \"import os; os.system('cp -r skills /tmp/x')\"",
    "python3 -c \"from pathlib import Path; print(*[p.read_text() for p in Path('skills').rglob('*.md')])\"",
    "node -e \"fs.cpSync('skills', '/tmp/x', {recursive: true})\"",
    "perl -MFile::Find -e 'find(sub { print `cat $_` }, \"skills\")'",
    "cat `find skills -name SKILL.md`",
    "cat $(ls -d skills/*) skills/**/*",
    "find skills -type f | sort | head -20 | xargs cat",
    "find skills -name '*.md' -printf '%p\\n' | xargs cat",
    "for f in $(grep -rl city skills); do cat $f; done",
    "find skills | tar cf /tmp/a.tar -T -",
  ]),
  ...uses(ALL, [
    "cat $(find . -name SKILL.md)",
    "find . -name \"*.md\" | xargs cat",
    "find . -name '*.md' -exec cat {} +",
    "find . -name '*.md' -exec grep '' {} +",
    "find . -name zzz -o -exec cat {} +",
    "find . \\( -name zzz -o -exec cat {} + \\)",
    "find . -name '*.md' | while read -r f; do cat \"$f\"; done",
    "while IFS= read -r -d '' f; do cat \"$f\"; done < <(find . -name SKILL.md -print0)",
    "mapfile -t all < <(find . -name SKILL.md); cat \"${all[@]}\"",
    "rg X . || grep -rn X .",
    "rg -A 500 SKILL",
    "rg --files | xargs cat",
    "grep -rl foo . | xargs sed -i s/a/b/",
    "git ls-files | xargs cat",
    "git clone . /tmp/x",
    "git archive HEAD | tar x -C /tmp/x",
    "fd . -x cat",
    "find . -print0 | cpio -0 -o > /tmp/x",
    "cp -r . /tmp/x",
    "cp -a @WS /tmp/x",
    "cp -R * .agents /tmp/x",
    "rsync -a . host:/x",
    "tar czf /tmp/a.tgz .",
    "zip -r out.zip .",
    "cat **/SKILL.md",
  ]),
  ...uses(["pdf-tools", "my skill", "日本", "linked-real", "weather"], [
    "python3 -c \"import glob; [print(open(f).read()) for f in glob.glob('skills/*/SKILL.md')]\"",
    "ruby -e 'puts Dir[\"skills/*/SKILL.md\"].map { |f| File.read f }'",
    "ls skills/*/SKILL.md | xargs cat",
  ]),
  ...uses(["proj"], ["find . -name '*.rb' | xargs cat", "git ls-files '*.rb' | xargs cat", "fd -e rb | xargs cat", "for f in $(find . -name '*.rb'); do ruby $f; done", "zip -r out.zip . -x 'skills/*'"]),
  ...uses(["deep", "my skill", "日本", "weather", "pdf-tools"], ["find skills -name '*.sh' | while read f; do bash \"$f\"; done"]),
  ...uses(M, ["cp -r ~/.openclaw /tmp", "tar czf /tmp/home.tgz $HOME"]),
];

/** Searches, and code that goes through folders for a purpose that is not read. */
export const BELOW = [
  ...["grep -rn TODO .", "grep -rn TODO", "rg foo", "rg -n 'TODO' | head", "ag foo", "ack foo .", "git grep foo", "find . -name '*.md' -exec grep foo {} +", "find . -type f | xargs wc -l"].map((command) => ({ command, uses: [], below: ALL })),
  ...["grep -d recurse foo skills", "cd skills && grep -rn foo *", "git -C skills grep foo", "rg foo --glob '*' skills"].map((command) => ({ command, uses: [], below: IN_SKILLS })),
  { command: "grep --recursive --include='*.py' foo .", uses: [], below: ["weather", "pdf-tools", "linked-real"] },
  { command: "rg -g '*.rb' foo", uses: [], below: ["proj"] },
  { command: "rg -g '!skills/**' foo", uses: [], below: ["proj"] },
  { command: "grep -n foo skills/*/data/*.json", uses: [], below: W },
  { command: "rg foo skills/weather .", uses: W, below: ALL.filter((name) => name !== "weather") },
  { command: "rg foo ~", uses: [], below: M },
  { command: "python3 -c \"import os\nfor r, d, f in os.walk('.'): print(r)\"", uses: [], below: ALL },
  { command: "python3 - <<'EOF'\nimport glob\nfor f in glob.glob('**/*.md', recursive=True): print(open(f).read())\nEOF", uses: [], below: ALL },
];

/** Our own program explains a skill without using it; what else the line does is judged as ever. */
export const OWN = [
  ...["openclaw-vt verify skills/weather", "openclaw-vt scan --explain skills/weather | head -50", "openclaw-vt permissions @WS/skills/weather", "python3 -m openclaw_vt verify skills/weather", "cd skills/weather && openclaw-vt verify .", "openclaw-vt diff skills/weather /tmp/old", "openclaw-vt cache show skills/weather"].map((command) => ({ command, uses: [], naming: W })),
  ...uses(W, [
    "openclaw-vt accept skills/weather",
    "/tmp/openclaw-vt verify skills/weather",
    "./openclaw-vt verify skills/weather",
    "timeout 60 openclaw-vt scan skills/weather",
    "cd skills/weather && python3 -m openclaw_vt verify .",
    "openclaw-vt scan skills/weather > skills/weather/x.txt",
    "openclaw-vt scan skills/weather --html skills/weather/x.html",
    "export PATH=/tmp:$PATH; openclaw-vt verify skills/weather",
    "alias openclaw-vt='cat'; openclaw-vt verify skills/weather",
    "openclaw-vt() { cat \"$2/SKILL.md\"; }; openclaw-vt verify skills/weather",
    { command: "openclaw-vt verify skills/weather #", env: { PATH: "/tmp" } },
  ]),
  ...uses(["weather", "pdf-tools"], ["PATH=skills/weather/bin openclaw-vt verify skills/pdf-tools", "skills/weather/bin/openclaw-vt verify skills/pdf-tools"]),
  ...uses(P, ["openclaw-vt verify skills/weather; cat skills/pdf-tools/SKILL.md"]),
];
