/** The shell's state as the walk follows it: folder, variables, positional parameters, functions. */
import { UNKNOWN } from "./expand.js";

const MAX_STATES = 4;

/** @param {import("../lexer.js").Around} around @returns {import("./expand.js").State} */
export function firstState({ cwd, vars, env }) {
  return {
    cwd: cwd ?? UNKNOWN,
    old: env?.OLDPWD ?? UNKNOWN,
    dirs: [],
    vars: new Map(Object.entries(vars ?? {})),
    args: null,
    name: UNKNOWN,
    funcs: new Map(),
    dead: false,
  };
}

/** @param {import("./expand.js").State} state */
export function copyOf(state) {
  return { ...state, dirs: [...state.dirs], vars: new Map(state.vars), funcs: new Map(state.funcs) };
}

/** The states that differ, those that go on first; `all` is false when there were more than four. */
export function merged(states, charge) {
  if (states.length <= 1) return { kept: states, all: true };
  const alive = states.filter((state) => !state.dead);
  const found = new Map();
  for (const state of alive.length > 0 ? alive : states.slice(0, 1)) {
    const key = keyOf(state);
    charge(1 + (key.length >> 2));
    if (!found.has(key)) found.set(key, state);
  }
  const kept = [...found.values()];
  return { kept: kept.slice(0, MAX_STATES), all: kept.length <= MAX_STATES };
}

function keyOf(state) {
  const vars = [...state.vars].sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([state.cwd, state.old, state.dirs, vars, state.args, [...state.funcs.keys()]]);
}
