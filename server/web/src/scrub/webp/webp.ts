import { le32, text } from '../bytes';
import { riffBlank } from '../riff';
import { all, Stream } from '../stream';
import { Embedded } from '../words';
import { animation, exif, features, frame } from './chunks';
import { chunks, Keep } from './walk';

export function webp(s: Stream): void {
  const b = s.peek(20);
  if (b.length < 20) s.giveUp();
  const end = 8 + le32(b, 4);
  const first = text(b, 12, 16);
  if (end < 20 || (first !== 'VP8X' && first !== 'VP8 ' && first !== 'VP8L')) s.giveUp();
  s.copy(12);
  chunks(s, end, topChunk);
  riffBlank(s, all, Embedded);
}

/** topChunk keeps a chunk of the file; of each name but ANMF only the first, as decoders use no other. */
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
