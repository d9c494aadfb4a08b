/** Shell commands by which the agent would answer for the person, and the rule that stops each. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RULES } from "../lib/guard.js";
import { ON_PLACES } from "./support/attacks-on-places.js";
import { ON_PROGRAM, PROGRAM } from "./support/attacks-on-program.js";
import { shell } from "./support/guard.js";

const ATTACKS = { ...ON_PROGRAM, ...ON_PLACES };
const all = Object.entries(ATTACKS).flatMap(([group, cases]) => cases.map((one) => [group, ...(Array.isArray(one) ? one : [one, PROGRAM])]));

for (const group of Object.keys(ATTACKS)) {
  test(`stopped: ${group}`, () => {
    const missed = all
      .filter(([of]) => of === group)
      .flatMap(([, command, rule]) => {
        const found = shell(command);
        return found && rule.test(found.rule) && RULES[found.rule].action === found.action
          ? []
          : [`${command}\n    expected ${rule}, got ${found?.rule ?? null}`];
      });
    assert.deepEqual(missed, []);
  });
}

test("the table is not a handful", () => {
  assert.ok(all.length >= 300, String(all.length));
});
