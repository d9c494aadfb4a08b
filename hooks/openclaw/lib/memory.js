/**
 * A bounded memory: the oldest entry makes room, so that a long-lived Gateway does not grow.
 * @template V
 * @param {number} max entries
 * @returns {{put: (key: string, value: V) => void, take: (key: string) => V|undefined, get: (key: string) => V|undefined}}
 */
export function createMemory(max) {
  /** @type {Map<string, V>} */
  const held = new Map();
  return {
    put(key, value) {
      held.delete(key);
      held.set(key, value);
      if (held.size > max) held.delete(held.keys().next().value);
    },
    take(key) {
      const value = held.get(key);
      held.delete(key);
      return value;
    },
    get: (key) => held.get(key),
  };
}
