import { bytes, le32, notZero, text } from './bytes';
import { Stream } from './stream';
import { noteWords } from './words';

/** riffHead returns name and length of the chunk that comes next, without taking it. */
export function riffHead(s: Stream): [string, number] | undefined {
  const b = s.peek(8);
  return b.length < 8 ? undefined : [text(b, 0, 4), le32(b, 4)];
}

/** riffJunk zeroes the next chunk, of n bytes, and names it JUNK, a chunk that readers skip. */
export function riffJunk(s: Stream, n: number, cls: string): void {
  s.peek(4).set(bytes('JUNK'));
  s.copy(8);
  riffBlank(s, n, cls);
}

/** riffBlank zeroes the next n bytes and notes what they told. */
export function riffBlank(s: Stream, n: number, cls: string): void {
  const b = s.peek(Math.min(n, 4 << 10));
  if (notZero(b)) noteWords(s, b, cls);
  s.zero(n);
}
