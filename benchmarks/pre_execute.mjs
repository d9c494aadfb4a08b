// The Node half of pre_execute.py: takes its orders as JSON in the first argument, prints what it measured as JSON.
import { spawn, spawnSync } from "node:child_process";
import { createClient } from "../hooks/openclaw/lib/client.js";

const SPAWNS = 40;
const { stateDir, path, rounds, walker } = JSON.parse(process.argv[2]);
const microseconds = (began) => Number(process.hrtime.bigint() - began) / 1000;

const client = createClient({ stateDir, launcher: null, version: "0.1.0" });
const child = spawn(walker[0], walker.slice(1), { stdio: ["pipe", "pipe", "inherit"] });
child.stdout.setEncoding("utf8");
const walk = () =>
  new Promise((resolve) => {
    child.stdout.once("data", (line) => resolve(Number(line) / 1000));
    child.stdin.write("\n");
  });
const ask = async () => {
  const began = process.hrtime.bigint();
  const reply = await client.request("use", { path, tool: "exec", budget_ms: 1500 }, { timeoutMs: 2000 });
  const took = microseconds(began);
  if (reply.answer !== "pass") throw new Error(`the daemon answered ${reply.answer}`);
  return took;
};

const asked = [];
const walked = [];
for (let round = -50; round < rounds; round += 1) {
  await ask();
  await ask();
  const pair = [await ask(), await walk()];
  if (round < 0) continue;
  asked.push(pair[0]);
  walked.push(pair[1]);
}
const spawned = [];
for (let round = 0; round < SPAWNS; round += 1) {
  const began = process.hrtime.bigint();
  spawnSync(walker[0], ["-I", "-S", "-c", "pass"]);
  spawned.push(microseconds(began));
}
child.stdin.end();
client.close();
console.log(JSON.stringify({ asked, walked, spawned }));
