/**
 * before_tool_call and after_tool_call: the guard, then the skills a call belongs to, then the daemon's answer.
 */
import { isAbsolute, resolve } from "node:path";
import { createGuardMemory } from "../guard.js";
import * as sentences from "../sentences.js";
import { rewritten } from "../snapshot.js";
import { approval, block, outcomeOf, strictest, underRule } from "../verdict.js";
import { createMemory } from "../memory.js";

const WHOLE_MS = 2_000; // OpenClaw gives a hook 15 s and then blocks with a text that explains nothing
const SPARE_MS = 150; // for what this side still does after the answer
const TRAVEL_MS = 250; // what the daemon is told it does not have
const LATER_MS = 5_000;
const MAX_SKILLS = 64;
const MAX_BELOW = 512; // skills that a search goes through, asked about 64 at a time
const MAX_DETAIL = 400;
const WRITES = new Set(["write", "edit", "apply_patch"]);
const RUNS = new Set(["exec", "process"]);

/**
 * @typedef {object} Call
 * @property {string} toolName
 * @property {Record<string, any>} params
 * @property {readonly string[]|undefined} derivedPaths
 * @property {string|undefined} toolKind
 * @property {string|undefined} skillFile the SKILL.md whose slash command made the call
 * @property {string|null} launcher our own program
 * @property {string} workspace the agent's folder
 * @property {string} cwd the folder this call runs in
 * @property {string} session
 * @property {string} key this call's name between before and after
 * @property {boolean} canAsk whether somebody may be there to answer
 * @property {number} until when an answer must be there, in milliseconds of `now`
 */

/**
 * @param {object} deps
 * @param {import("../client.js").Client} deps.client
 * @param {ReturnType<import("../settings.js").createPolicy>} deps.policy
 * @param {import("../host.js").Host} deps.host
 * @param {(event: object, options: object) => any} deps.protect
 * @param {import("../skills.js").Skills} deps.skills
 * @param {() => number} [deps.now] milliseconds
 * @param {number} [deps.wholeMs] how long a call may be held up
 * @returns {{before: (event: any, ctx: any) => any, after: (event: any, ctx: any) => void}}
 */
export function createToolHandlers(deps) {
  const gate = { ...deps, now: deps.now ?? Date.now, wholeMs: deps.wholeMs ?? WHOLE_MS, writes: createMemory(512), runs: createMemory(512), earlier: createGuardMemory() };
  return {
    before(event, ctx) {
      try {
        return judge(gate, describe(gate, event, ctx));
      } catch (error) {
        return failed(gate, { toolName: String(event?.toolName), canAsk: gate.host.canAsk(ctx) }, error);
      }
    },
    after(event, ctx) {
      try {
        wrote(gate, describe(gate, event, ctx), event);
      } catch (error) {
        gate.host.log.warn(`after_tool_call: ${error.message}`);
      }
    },
  };
}

/** @returns {Call} */
function describe(gate, event, ctx) {
  const params = event.params !== null && typeof event.params === "object" ? event.params : {};
  const workspace = gate.host.workspaceOf(ctx?.agentId);
  const session = String(ctx?.sessionKey ?? ctx?.sessionId ?? "");
  return {
    toolName: String(event.toolName),
    params,
    derivedPaths: event.derivedPaths,
    toolKind: event.toolKind,
    skillFile: ctx?.skillCommand?.skillFile,
    launcher: gate.policy.places().launcher,
    workspace,
    cwd: typeof params.workdir === "string" ? inside(workspace, params.workdir, gate.host.home) : workspace,
    session,
    key: `${session}\0${event.runId ?? ctx?.runId ?? ""}\0${event.toolCallId ?? ctx?.toolCallId ?? ""}`,
    canAsk: gate.host.canAsk(ctx),
    until: gate.now() + gate.wholeMs,
  };
}

function inside(workspace, folder, home) {
  const known = folder.replace(/^~(?=$|\/)/, home);
  return isAbsolute(known) ? known : resolve(workspace, known);
}

/** Without a skill this returns at once, and nothing was sent. */
function judge(gate, call) {
  const stopped = guarded(gate, call);
  if (stopped) return stopped;
  const found = gate.skills.of(call);
  if (found.length === 0) {
    if (WRITES.has(call.toolName)) gate.writes.put(call.key, { roots: [], derivedPaths: call.derivedPaths });
    return undefined;
  }
  return decide(gate, call, found).catch((error) => failed(gate, call, error));
}

function guarded(gate, call) {
  const { policy, host, skills } = gate;
  const mode = policy.guardMode();
  if (mode === "off") return undefined;
  const found = gate.protect(
    { toolName: call.toolName, params: call.params, derivedPaths: call.derivedPaths, toolKind: call.toolKind },
    { index: skills, places: policy.places(), cwd: call.cwd, home: host.home, env: host.env, memory: gate.earlier, session: call.session },
  );
  if (!found) return undefined;
  host.log.warn(`the guard saw ${found.rule} in a call of ${call.toolName} (${mode})`);
  note(gate, call, found);
  if (mode !== "enforce") return undefined;
  if (found.action !== "ask" || !call.canAsk) return block(sentences.GUARDED);
  const ask = { ...sentences.ASK_GUARDED, description: sentences.plain(found.why, 512) || sentences.ASK_GUARDED.description };
  return approval([{ ...ask, severity: "warning", ticket: null }], {
    toolName: call.toolName,
    expired: sentences.GUARDED,
    onResolution: (resolution) => note(gate, call, { ...found, rule: `${found.rule}:${resolution}` }),
  });
}

function note(gate, call, found) {
  const detail = call.params.command ?? call.params.path ?? "";
  tell(gate, "note", { event: "guard", rule: found.rule, tool: call.toolName, detail: sentences.plain(detail, MAX_DETAIL) });
}

async function decide(gate, call, found) {
  if (found.filter(({ how }) => how !== "below").length > MAX_SKILLS || found.length > MAX_BELOW) throw new Error("the call touches more skills than can be asked about");
  const writes = WRITES.has(call.toolName);
  const outcomes = [];
  for (let at = 0; at < found.length; at += MAX_SKILLS) {
    const some = found.slice(at, at + MAX_SKILLS);
    outcomes.push(...(await Promise.all(some.map(async (skill) => leniently(skill, await (writes ? askWriting : askUse)(gate, call, skill))))));
  }
  const rule = gate.policy.failExecute();
  if (rule === "open" && outcomes.some(({ kind }) => kind === "unchecked")) gate.host.log.error("a skill was used unchecked: failExecute is open");
  const verdict = strictest(outcomes.map((outcome) => underRule(outcome, rule)));
  const letThrough = () => remember(gate, call, found, writes);
  if (verdict.kind === "pass") {
    letThrough();
    return fromCopies(gate, call, found, outcomes);
  }
  if (verdict.kind === "ask") {
    const answered = (resolution) => resolved(gate, verdict.asks, resolution, letThrough);
    const expired = verdict.asks.every(({ unchecked }) => unchecked) ? sentences.UNCHECKED : sentences.BLOCKED;
    if (!call.canAsk) return unanswerable(gate, outcomes, verdict.asks, expired);
    return { ...fromCopies(gate, call, found, outcomes), ...approval(verdict.asks, { toolName: call.toolName, onResolution: answered, expired }) };
  }
  withdraw(gate, outcomes);
  return block(verdict.kind === "closed" ? sentences.UNCHECKED : sentences.BLOCKED);
}

/**
 * A search that goes through a skill on its way is stopped by a skill that is known to be bad, or could not be asked about, not by one that
 * waits for review: see attribution/reach.js. Its ticket was shown to nobody and ends by itself.
 * @param {import("../attribution.js").Used} skill @param {import("../verdict.js").Outcome} outcome
 */
const leniently = ({ how }, outcome) => (how === "below" && outcome.kind === "ask" ? { kind: "pass", copy: null } : outcome);

async function askUse(gate, call, skill) {
  return await ask(gate, call, "use", {
    path: skill.root,
    tool: call.toolName,
    file: skill.file ?? null,
    how: skill.how,
    session: call.session,
    modes: gate.policy.asked("preExecute"),
    copy: gate.policy.runFrom() === "snapshot" && skill.how !== "below",
  });
}

async function askWriting(gate, call, skill) {
  return await ask(gate, call, "writing", { path: skill.root, tool: call.toolName, session: call.session, modes: gate.policy.asked("preExecute") });
}

async function ask(gate, call, op, fields) {
  const left = Math.max(1, call.until - gate.now() - SPARE_MS);
  try {
    const reply = await gate.client.request(op, { ...fields, budget_ms: Math.max(50, left - TRAVEL_MS) }, { timeoutMs: left });
    gate.policy.heard("preExecute", reply.mode);
    return outcomeOf(reply);
  } catch (error) {
    gate.host.log.warn(`the daemon did not answer "${op}": ${error.code ?? "unknown"}, ${error.message}`);
    return gate.policy.mode("preExecute") === "enforce" ? { kind: "unchecked" } : { kind: "pass", copy: null };
  }
}

function remember(gate, call, found, writes) {
  if (writes) gate.writes.put(call.key, { roots: found.map(({ root }) => root), derivedPaths: call.derivedPaths });
  else gate.skills.used(call, found);
  if (RUNS.has(call.toolName)) gate.runs.put(call.key, found.filter(({ how }) => how !== "below").map(({ root }) => root));
}

function fromCopies({ host }, call, found, outcomes) {
  const copies = found.flatMap((skill, at) => (outcomes[at].copy ? [{ ...skill, copy: outcomes[at].copy }] : []));
  const params = copies.length > 0 ? rewritten({ ...call, home: host.home, env: host.env }, copies) : null;
  return params ? { params } : undefined;
}

async function resolved(gate, asks, resolution, letThrough) {
  if (resolution === "allow-once" || resolution === "allow-always") letThrough();
  const sent = asks.filter(({ ticket }) => ticket !== null).map(({ ticket }) => answer(gate, ticket, resolution));
  await Promise.all(sent);
}

async function answer(gate, ticket, resolution) {
  try {
    const { kept } = await gate.client.request("answer", { ticket, resolution }, { timeoutMs: LATER_MS });
    if (resolution === "allow-always" && kept !== true) gate.host.log.warn("an approval was not kept: the skill will be asked about again");
  } catch (error) {
    gate.host.log.warn(`an approval could not be kept: ${error.message}`);
  }
}

/** Where nobody can answer, a question is a no: said in our words, and written where the person looks. */
function unanswerable(gate, outcomes, asks, sentence) {
  for (const { title } of asks) gate.host.log.warn(`nobody could be asked: ${title}`);
  withdraw(gate, outcomes);
  return block(sentence);
}

/** Questions that a stricter answer made pointless are closed, so that nobody can answer them later. */
function withdraw(gate, outcomes) {
  for (const { kind, ask: open } of outcomes) {
    if (kind === "ask" && open.ticket !== null) void answer(gate, open.ticket, "cancelled");
  }
}

/** A command that had to do with a skill may have changed it: the daemon compares, so that the agent's edit never passes for the person's. */
function ran(gate, call) {
  for (const root of gate.runs.take(call.key) ?? []) tell(gate, "ran", { path: root, tool: call.toolName, session: call.session });
}

function wrote(gate, call, event) {
  if (RUNS.has(call.toolName)) return ran(gate, call);
  if (!WRITES.has(call.toolName)) return;
  const held = gate.writes.take(call.key);
  // Refused before it ran: there is nothing to look at.
  if (!held && event.error) return;
  // A file that made a folder into a skill belonged to none before.
  const now = gate.skills.of({ ...call, derivedPaths: held?.derivedPaths ?? call.derivedPaths }).map(({ root }) => root);
  for (const root of new Set([...(held?.roots ?? []), ...now])) {
    tell(gate, "wrote", { path: root, tool: call.toolName, session: call.session });
  }
}

function tell(gate, op, fields) {
  gate.client.request(op, fields, { timeoutMs: LATER_MS }).catch((error) => gate.host.log.warn(`"${op}" was not heard: ${error.message}`));
}

/** Our own failure is no answer, so the rule for a silent daemon holds. */
function failed(gate, { toolName, canAsk }, error) {
  gate.host.log.error(`before_tool_call: ${error?.message}`);
  if (gate.policy.mode("preExecute") !== "enforce") return undefined;
  const verdict = underRule({ kind: "unchecked" }, gate.policy.failExecute());
  if (verdict.kind === "pass") return undefined;
  if (verdict.kind === "closed" || !canAsk) return block(sentences.UNCHECKED);
  return approval([verdict.ask], { toolName, onResolution: () => {}, expired: sentences.UNCHECKED });
}
