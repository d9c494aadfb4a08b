/**
 * What a session did a moment ago: files it wrote (a call that runs one may be judged before the file is on the disk) and what it typed.
 *
 * @typedef {object} GuardMemory
 * @property {(session: string, path: string, text: string) => void} wrote
 * @property {(session: string, path: string) => string|undefined} written
 * @property {(session: string, terminal: string, text: string) => string} typed returns the last lines typed there, `text` included
 * @property {<V>(key: string, make: () => V) => V} kept what `make` gave for the same key within the last seconds
 */
const MAX_FILES = 128;
const MAX_TERMINALS = 64;
const MAX_FILE = 256 * 1024;
const MAX_TOTAL = 4 * 1024 * 1024;
const MAX_TYPED = 8 * 1024;
const FRESH_MS = 2_000;

/** @returns {GuardMemory} bounded: the oldest entries make room */
export function createGuardMemory() {
  const files = new Map();
  const terminals = new Map();
  let total = 0;
  let held = { key: "", value: undefined, until: 0 };
  const drop = (key) => {
    total -= files.get(key)?.length ?? 0;
    files.delete(key);
  };
  return {
    wrote(session, path, text) {
      const key = `${session}\0${path}`;
      drop(key);
      files.set(key, text.slice(0, MAX_FILE));
      total += files.get(key).length;
      while (files.size > MAX_FILES || total > MAX_TOTAL) drop(files.keys().next().value);
    },
    kept(key, make) {
      const now = performance.now();
      if (held.key !== key || now > held.until) held = { key, value: make(), until: now + FRESH_MS };
      return held.value;
    },
    written: (session, path) => files.get(`${session}\0${path}`),
    typed(session, terminal, text) {
      const key = `${session}\0${terminal}`;
      const all = ((terminals.get(key) ?? "") + text).slice(-MAX_TYPED);
      terminals.delete(key);
      terminals.set(key, all);
      if (terminals.size > MAX_TERMINALS) terminals.delete(terminals.keys().next().value);
      return all;
    },
  };
}
