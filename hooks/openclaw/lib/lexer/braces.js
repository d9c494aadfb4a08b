/** Brace expansion, `{a,b}` and `{1..5}`, of a word's parts. */

const MAX_ALTERNATIVES = 64;
const MAX_NESTED = 16;
const RANGE = /^(?:(-?\d{1,6})\.\.(-?\d{1,6})|([A-Za-z])\.\.([A-Za-z]))$/;

/**
 * @param {import("./scan.js").Part[]} parts @param {(units: number) => void} charge called with the work that is about to be done
 * @returns {import("./scan.js").Part[][]|null} null when there are more than 64
 */
export function alternatives(parts, charge) {
  if (!parts.some((part) => part.t === "lit" && !part.q && part.text.includes("{"))) return [parts];
  const tokens = parts.flatMap(tokensOf);
  const pairs = pairsOf(tokens);
  return pairs.size === 0 ? [parts] : (expand(tokens, pairs, { from: 0, to: tokens.length }, charge)?.map(rejoined) ?? null);
}

/** Braces come before variables: `$V{a,b}` is `$Va $Vb`. */
function rejoined(parts) {
  const out = [];
  for (const part of parts) {
    const last = out.at(-1);
    const more = last?.t === "var" && last.bare && !last.q && part.t === "lit" && !part.q ? /^[A-Za-z0-9_]*/.exec(part.text)[0] : "";
    if (more === "") out.push(part);
    else out.splice(-1, 1, { ...last, name: last.name + more }, { ...part, text: part.text.slice(more.length) });
  }
  return out;
}

function tokensOf(part) {
  if (part.t !== "lit" || part.q || !/[{},]/.test(part.text)) return [{ op: "", part }];
  return part.text
    .split(/([{},])/)
    .filter((text) => text !== "")
    .map((text) => ({ op: "{},".includes(text) ? text : "", part: { ...part, text } }));
}

/** The braces that mean something, by the place of the opening one. */
function pairsOf(tokens) {
  const pairs = new Map();
  const open = [];
  tokens.forEach(({ op }, i) => {
    if (op === "{") open.push({ at: i, commas: [] });
    else if (op === "," && open.length > 0) open.at(-1).commas.push(i);
    else if (op === "}" && open.length > 0) {
      const pair = open.pop();
      const isRange = i === pair.at + 2 && RANGE.test(tokens[pair.at + 1].part.text ?? "");
      if ((pair.commas.length > 0 || isRange) && open.length < MAX_NESTED) pairs.set(pair.at, { ...pair, close: i });
    }
  });
  return pairs;
}

function expand(tokens, pairs, { from, to }, charge) {
  let results = [[]];
  for (let i = from; i < to; i += 1) {
    const pair = tokens[i].op === "{" ? pairs.get(i) : undefined;
    charge(results.length);
    if (!pair) {
      for (const result of results) result.push(tokens[i].part);
      continue;
    }
    const choices = choicesOf(tokens, pairs, pair, charge);
    if (choices === null || results.length * choices.length > MAX_ALTERNATIVES) return null;
    charge(results.length * choices.length * (1 + results[0].length));
    results = results.flatMap((result) => choices.map((choice) => [...result, ...choice]));
    i = pair.close;
  }
  return results;
}

function choicesOf(tokens, pairs, { at, commas, close }, charge) {
  if (commas.length === 0) return rangeOf(tokens[at + 1].part);
  const all = [];
  const starts = [at, ...commas];
  for (const [i, to] of [...commas, close].entries()) {
    const some = expand(tokens, pairs, { from: starts[i] + 1, to }, charge);
    if (some === null || all.length + some.length > MAX_ALTERNATIVES) return null;
    all.push(...some);
  }
  return all;
}

function rangeOf(part) {
  const [, n1, n2, c1, c2] = RANGE.exec(part.text);
  const [a, b] = n1 === undefined ? [c1.charCodeAt(0), c2.charCodeAt(0)] : [Number(n1), Number(n2)];
  if (Math.abs(a - b) >= MAX_ALTERNATIVES) return null;
  const width = /^-?0\d/.test(n1 ?? "") || /^-?0\d/.test(n2 ?? "") ? Math.max(n1.length, n2.length) : 0;
  return Array.from({ length: Math.abs(a - b) + 1 }, (_, i) => {
    const value = a < b ? a + i : a - i;
    return [{ ...part, text: n1 === undefined ? String.fromCharCode(value) : String(value).padStart(width, "0") }];
  });
}
