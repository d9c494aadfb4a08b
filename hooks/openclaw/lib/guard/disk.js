/**
 * What the guard looks up on the disk: where a link leads, and what a script says. Bounded, and a call that cannot be answered is null.
 */
import fs from "node:fs";
import path from "node:path";

/** Bytes of a script that are read; a longer one counts as unreadable. */
export const MAX_SCRIPT = 256 * 1024;

/**
 * The path with the links of its existing part resolved; the rest as given.
 * @param {string} target absolute
 * @returns {string}
 */
export function realOf(target) {
  const missing = [];
  let at = target;
  for (let step = 0; step < 64; step += 1) {
    try {
      return path.join(fs.realpathSync.native(at), ...missing);
    } catch {
      // Not there yet: the nearest folder that is decides where it would be.
      const link = danglingLink(at);
      if (link !== null) at = link;
      else {
        const up = path.dirname(at);
        if (up === at) return target;
        missing.unshift(path.basename(at));
        at = up;
      }
    }
  }
  return target;
}

function danglingLink(at) {
  try {
    return path.resolve(path.dirname(at), fs.readlinkSync(at));
  } catch {
    return null;
  }
}

/**
 * The text of a regular file, without waiting for one that is a pipe.
 * @param {string} file absolute
 * @param {number} [max] bytes
 * @returns {{text: string, whole: boolean}|null} `whole` is false when it is longer
 */
export function readText(file, max = MAX_SCRIPT) {
  let handle;
  try {
    handle = fs.openSync(file, fs.constants.O_RDONLY | (fs.constants.O_NONBLOCK ?? 0));
    if (!fs.fstatSync(handle).isFile()) return null;
    const buffer = Buffer.alloc(max + 1);
    let size = 0;
    for (let got = 1; got > 0 && size < buffer.length; size += got) got = fs.readSync(handle, buffer, size, buffer.length - size, null);
    return { text: buffer.subarray(0, Math.min(size, max)).toString("utf8"), whole: size <= max };
  } catch {
    // Missing or not ours to read: nothing of it can be said, and the shell will say so itself.
    return null;
  } finally {
    if (handle !== undefined) fs.closeSync(handle);
  }
}
