import { Bytes, has, index } from './bytes';
import { Stream } from './stream';
import { Software } from './words';

const encoderReach = 1 << 20;
const encoderBlock = 16 << 10;
const encoderRun = 2048;

const encoderUUIDs = [
  '\xdc\x45\xe9\xbd\xe6\xd9\x48\xb7\x96\x2c\xd8\x20\xd9\x23\xee\xef',
  '\x2c\xa2\xde\x09\xb5\x17\x47\xdb\xbb\x55\xa4\xfe\x7f\xc2\xfc\x4e',
];

/** copyMedia copies the next n bytes without the signatures of encoders in their first MiB. */
export function copyMedia(s: Stream, n: number): number {
  let done = 0;
  while (done < Math.min(n, encoderReach)) {
    const b = s.peek(Math.min(n - done, encoderBlock + 16 + encoderRun));
    const block = Math.min(b.length, encoderBlock);
    if (block === 0) return done;
    if (blankEncoder(b, block)) s.found(Software);
    done += s.copy(block);
  }
  return done + s.copy(n - done);
}

/**
 * blankEncoder overwrites the signatures that start within the first n bytes of b and reports whether that changed
 * anything.
 */
export function blankEncoder(b: Bytes, n: number): boolean {
  let some = false;
  const version = (sign: string, size: (b: Bytes) => number): void =>
    encoderEach(b, n, sign, (b) => {
      const k = size(b);
      if (k > 0) {
        b.fill(0x20, 0, k);
        some = true;
      }
    });
  version('Lavc', lavVersion);
  version('Lavf', lavVersion);
  version('LAME3.', lameVersion);
  for (const id of encoderUUIDs) {
    encoderEach(b, n, id, (b) => {
      const text = b.subarray(id.length);
      if (encoderSpaces(text.subarray(0, encoderText(text)))) some = true;
    });
  }
  return some;
}

/** encoderEach calls f with what starts at each place of what within the first n bytes of b. */
function encoderEach(b: Bytes, n: number, what: string, f: (b: Bytes) => void): void {
  const near = b.subarray(0, n + what.length - 1);
  for (let i = 0; i < n && (i = index(near, what, i)) >= 0; i += what.length) f(b.subarray(i));
}

/** encoderText is how long a run of printable ASCII b starts with. */
function encoderText(b: Bytes): number {
  let n = 0;
  while (n < Math.min(b.length, encoderRun) && b[n] >= 0x20 && b[n] <= 0x7e) n++;
  return n;
}

const isDigit = (c: number): boolean => c >= 0x30 && c <= 0x39;

/** lavVersion is the length of a version such as Lavc58.134.100 at the start of b, or 0. */
function lavVersion(b: Bytes): number {
  let at = 3;
  for (const most of [2, 3, 3]) {
    if (at > 3 && b[at] !== 0x2e) return 0;
    const from = ++at;
    while (at < from + most && isDigit(b[at])) at++;
    if (at === from) return 0;
  }
  return at;
}

/** lameVersion is the length of a signature such as LAME3.98.4 at the start of b, or 0. */
export function lameVersion(b: Bytes): number {
  const most = 'LAME3.99.5'.length + 2;
  let n = 'LAME3.'.length;
  while (n < most && (b[n] === 0x2e || isDigit(b[n]) || (b[n] >= 0x61 && b[n] <= 0x7a))) n++;
  return has(b, 'UUU', n) || has(b, '\xaa\xaa\xaa', n) ? n : 0;
}

/** encoderSpaces overwrites b with spaces and reports whether that changed it. */
function encoderSpaces(b: Bytes): boolean {
  const some = b.some((c) => c !== 0x20);
  b.fill(0x20);
  return some;
}
