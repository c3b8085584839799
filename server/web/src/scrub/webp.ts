import { le32, text } from './bytes';
import { riffBlank, riffHead, riffJunk } from './riff';
import { all, Stream } from './stream';
import { animation, exif, features, frame } from './webp_chunks';
import { Embedded, Other, Text } from './words';

/** A Keep keeps a chunk, or reports that it is none to keep; seen is what it kept before. */
type Keep = (s: Stream, name: string, n: number, seen: Set<string>) => boolean;

export function webp(s: Stream): void {
  const b = s.peek(20);
  if (b.length < 20) s.unknown();
  const end = 8 + le32(b, 4);
  const first = text(b, 12, 16);
  if (end < 20 || (first !== 'VP8X' && first !== 'VP8 ' && first !== 'VP8L')) s.unknown();
  s.copy(12);
  chunks(s, end, topChunk);
  riffBlank(s, all, Embedded);
}

/** chunks takes chunks up to a position of the input. */
export function chunks(s: Stream, end: number, keep: Keep): void {
  const seen = new Set<string>();
  while (s.pos < end) {
    const left = end - s.pos - 8;
    const head = riffHead(s);
    if (!head || left < 0) return riffBlank(s, left + 8, Other);
    const [name, n] = head;
    if (n > left && webpNeeded.indexOf(name) >= 0) s.unknown();
    if (n > left || !keep(s, name, n, seen)) riffJunk(s, Math.min(n, left), name === 'XMP ' ? Text : Other);
    if (n % 2 === 1 && s.pos < end) s.zero(1);
  }
}

/** webpNeeded are chunks without which decoders show nothing, or something else. */
const webpNeeded = ['VP8 ', 'VP8L', 'VP8X', 'ALPH', 'ANIM', 'ANMF', 'ICCP'];

/** topChunk keeps a chunk of the file. Of most decoders take but one. */
const topChunk: Keep = (s, name, n, seen) => {
  if (name === 'VP8L') name = 'VP8 ';
  if (seen.has(name) && name !== 'ANMF') return false;
  seen.add(name);
  switch (name) {
    case 'VP8 ':
    case 'ALPH':
    case 'ICCP':
      s.copy(8 + n);
      break;
    case 'VP8X':
      features(s, n);
      break;
    case 'ANIM':
      animation(s, n);
      break;
    case 'ANMF':
      frame(s, n);
      break;
    case 'EXIF':
      exif(s, n);
      break;
    default:
      return false;
  }
  return true;
};

/** frameChunk keeps a chunk of a frame. */
export const frameChunk: Keep = (s, name, n, seen) => {
  if (name === 'VP8L') name = 'VP8 ';
  if (seen.has(name) || (name !== 'VP8 ' && name !== 'ALPH')) return false;
  seen.add(name);
  s.copy(8 + n);
  return true;
};
