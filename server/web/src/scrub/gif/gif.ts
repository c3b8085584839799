import { Stream } from '../stream';
import { dropTail } from '../tail';
import { blocks } from './blocks';
import { extension } from './extension';

const gifImage = 0x2c;
const gifExtension = 0x21;
const gifTrailer = 0x3b;

export function gif(s: Stream): void {
  screen(s);
  for (;;) {
    const b = s.peek(2);
    if (b.length === 0) return;
    if (b[0] === gifImage) image(s);
    else if (b[0] === gifExtension && b.length === 2) extension(s, b[1]);
    else return end(s);
  }
}

/** screen copies the header, the size of the screen, and the colours. */
function screen(s: Stream): void {
  const length = 13;
  const b = s.peek(length);
  s.copy(length + (b.length === length ? gifColours(b[10]) : 0));
}

/** gifColours returns how many bytes of colours follow, by the flags of a screen or of an image. */
function gifColours(flags: number): number {
  return flags & 0x80 ? 3 << ((flags & 7) + 1) : 0;
}

/** image copies an image. */
function image(s: Stream): void {
  const length = 10;
  const b = s.peek(length);
  s.copy(length + (b.length === length ? gifColours(b[9]) : 0) + 1);
  blocks(s, (n) => s.copy(n));
}

/** end writes the trailer and drops the rest, the old trailer with it. */
function end(s: Stream): void {
  if (s.peek(1)[0] === gifTrailer) s.skip(1);
  s.write(new Uint8Array([gifTrailer]));
  dropTail(s);
}
