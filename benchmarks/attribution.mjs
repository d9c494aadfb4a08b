/**
 * Which share of the corpus of commands is given to the right skills, and what that costs in the running agent.
 *
 *     node benchmarks/attribution.mjs [rounds]
 *
 * Times are medians, in microseconds, and as a multiple of reading 1 KB of JSON in the same run: the machine's speed falls out of that.
 */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { attribute, createIndex } from "../hooks/openclaw/lib/attribution.js";
import { COMMANDS, placed, plant } from "../hooks/openclaw/test/commands.js";

const rounds = Number(process.argv[2] ?? 30);
const tree = plant(fs.mkdtempSync(path.join(os.tmpdir(), "attribution-")));
const index = createIndex({ roots: tree.roots });
const around = { index, cwd: tree.ws, home: tree.home, env: { ...tree.env, PATH: `${tree.home}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin` } };

const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? NaN;

function timed(run) {
  const start = performance.now();
  const result = run();
  return { result, us: (performance.now() - start) * 1_000 };
}

function callOf({ command, workdir, env }) {
  const given = env && Object.fromEntries(Object.entries(env).map(([key, value]) => [key, placed(value, tree)]));
  return { toolName: "exec", params: { command: placed(command, tree), ...(workdir && { workdir: placed(workdir, tree) }), ...(given && { env: given }) } };
}

const json = JSON.stringify({ list: Array.from({ length: 30 }, (_, i) => ({ id: i, name: `skill-${i}`, ok: true })) }).slice(0, -1).padEnd(1_023, " ") + "}";
const cases = COMMANDS.map((one) => ({ one, call: callOf(one), times: [] }));
const unit = [];
for (let round = 0; round < rounds + 5; round += 1) {
  for (const item of cases) {
    const { result, us } = timed(() => attribute(item.call, around));
    if (round >= 5) item.times.push(us);
    const named = (isBelow) => result.skills.filter(({ how }) => (how === "below") === isBelow).map(({ root }) => path.basename(root)).sort().join();
    [item.found, item.below] = [named(false), named(true)];
    item.unresolved = result.unresolved;
    if (round >= 5) unit.push(timed(() => JSON.parse(json)).us);
  }
}

const touching = cases.filter(({ one }) => one.uses.length > 0);
const right = touching.filter(({ one, found }) => found === [...one.uses].sort().join());
const blind = touching.filter(({ one }) => one.blind);
const idle = cases.filter(({ one }) => one.uses.length === 0 && !one.below);
const searching = cases.filter(({ one }) => one.below);
const base = median(unit);
const cost = (some) => {
  const us = median(some.map(({ times }) => median(times)));
  return `${us.toFixed(0)} µs, ${(us / base).toFixed(0)} × JSON of 1 KB (${base.toFixed(1)} µs)`;
};
console.log(`commands               ${cases.length}, ${touching.length} of them use a skill`);
console.log(`given to the right one ${right.length} of ${touching.length} (${((100 * right.length) / touching.length).toFixed(1)} %)`);
console.log(`cannot be seen         ${blind.length}, ${blind.filter(({ unresolved }) => unresolved).length} of them noticed as such`);
console.log(`searches seen as such  ${searching.filter(({ one, below }) => below === [...one.below].sort().join()).length} of ${searching.length}`);
console.log(`wrongly given          ${idle.filter(({ found, below }) => found + below !== "").length} of ${idle.length} that use none`);
console.log(`touches no skill       ${cost(idle)}`);
console.log(`touches a skill        ${cost(touching)}`);
console.log(`searches through some  ${cost(searching)}`);
index.close();
fs.rmSync(tree.base, { recursive: true, force: true });
