/** Which skills each session of the agent has read the SKILL.md of, for calls that do not say what they belong to. */

/**
 * @typedef {ReturnType<typeof createSessions>} Sessions
 * @param {{maxSessions?: number, maxSkills?: number}} [limits] the sessions and skills used least recently are forgotten first
 */
export function createSessions({ maxSessions = 256, maxSkills = 32 } = {}) {
  const sessions = new Map();
  return {
    /** @param {string} key the session @param {string} root the skill's real folder */
    note(key, root) {
      const skills = sessions.get(key) ?? new Set();
      sessions.delete(key);
      sessions.set(key, skills);
      skills.delete(root);
      skills.add(root);
      trim(sessions, maxSessions);
      trim(skills, maxSkills);
    },
    /** The skills of a session, the newest first. @param {string} key @returns {string[]} */
    of: (key) => [...(sessions.get(key) ?? [])].reverse(),
    /** @param {string} key */
    forget: (key) => void sessions.delete(key),
  };
}

function trim(held, most) {
  for (const key of held.keys()) {
    if (held.size <= most) return;
    held.delete(key);
  }
}
