/**
 * Every text of ours that the model may read, and the fixed texts that a person is asked with.
 * Nothing is ever inserted into them: a name or a path is chosen by the skill, and these end up in a prompt.
 */

/** The skill was stopped: malicious, refused, or nobody could be asked. */
export const BLOCKED =
  "openclaw-vt stopped this skill. The user must review it in their own terminal or chat; do not try another way.";

/** The call would have answered for the person, or taken the gate away. */
export const GUARDED =
  "openclaw-vt does not let the agent do this. Only the user can, in their own terminal or chat; do not try another way.";

/** The gate itself could not answer. */
export const UNCHECKED =
  "openclaw-vt could not check this skill, so it was not used. The user must look at it in their own terminal or chat.";

/** An installation was stopped. */
export const NOT_INSTALLED =
  "openclaw-vt stopped this installation. The user must review it in their own terminal or chat; do not try another way.";

/** An installation could not be checked. */
export const INSTALL_UNCHECKED =
  "openclaw-vt could not check this installation, so it was stopped. The user must look at it in their own terminal or chat.";

/** A skill that the agent proposes could not be checked. */
export const PROPOSAL_UNCHECKED =
  "openclaw-vt could not check this proposal, so it cannot be applied. The user must look at it in their own terminal or chat.";

/** A skill that the agent proposes was judged, and the judgement came without words. */
export const PROPOSAL_JUDGED = "openclaw-vt looked at this proposal.";

/** Asked when the gate cannot answer and `failExecute` is "ask". Shown to the person. */
export const ASK_UNCHECKED = Object.freeze({
  title: "openclaw-vt cannot check this skill now",
  description:
    "The checking service gave no answer, so nobody knows whether this skill is still the one that was verified. Allow only what you would run unchecked.",
});

/** Asked when a call looks like one that only the person should make. Shown to the person. */
export const ASK_GUARDED = Object.freeze({
  title: "The agent wants to do what only you should",
  description:
    "This call could change what openclaw-vt protects or accept a skill in your name. Allow it only when you asked for exactly this.",
});

/** Asked when the judge's own words may not be shown where the call came from. Shown to the person. */
export const ASK_SKILL = Object.freeze({
  title: "openclaw-vt: a skill needs your review",
  description: "A skill that this call uses is not the one that was verified. Review it with openclaw-vt before you allow it.",
});

/** Put in place of words that the judge should have sent with its question. */
export const ASK_WORDLESS = ASK_SKILL;

// C0, C1, soft hyphen, Arabic letter mark, zero-width and bidi controls, separators, BOM, annotations, tag characters.
const UNSHOWN =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb\u{e0000}-\u{e0fff}]/gu;

/**
 * Return `text` as one line without characters that steer a terminal, a chat or a model, cut at `max` UTF-16 units.
 * @param {unknown} text
 * @param {number} max
 * @returns {string} empty when `text` is not a string
 */
export function plain(text, max) {
  if (typeof text !== "string") return "";
  // Cut before the search too: a megabyte of blanks is not worth a scan.
  const line = text.slice(0, max * 4).replace(/\s+/g, " ").replace(UNSHOWN, "").trim().toWellFormed();
  return line.length <= max ? line : `${line.slice(0, max - 1).toWellFormed().replace(/\ufffd$/u, "")}…`;
}
