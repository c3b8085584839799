import { Bytes, bytes, none, put32, text, u32 } from '../bytes';
import { crc32 } from '../crc32';
import { Stream } from '../stream';
import { dropTail, noteExifChunk } from '../tail';
import { orientationOnly } from '../tiff';
import { Other } from '../words';
import { drop, PngFile } from './file';
import { profile } from './profile';

const largest = 2 ** 31 - 1;

/** A PngRule says how long a chunk may be that is kept (least, most), and where it may stand. */
interface PngRule {
  size: [number, number];
  once?: boolean; // decoders use only the first one
  animated?: boolean; // means nothing before acTL
}

const once = (min: number, max = min): PngRule => ({ size: [min, max], once: true });

/** pngKeep are the chunks that decoding and colours need. */
const pngKeep: { [typ: string]: PngRule } = {
  CgBI: once(4),
  IHDR: once(13),
  PLTE: once(3, 768),
  IDAT: { size: [0, largest] },
  tRNS: once(1, 256),
  gAMA: once(4),
  cHRM: once(32),
  sRGB: once(1),
  pHYs: once(9),
  cICP: once(4),
  mDCV: once(24),
  cLLI: once(8),
  acTL: once(8),
  fcTL: { size: [26, 26], animated: true },
  fdAT: { size: [4, largest], animated: true },
};

export function png(s: Stream): void {
  const p: PngFile = { s, seen: new Set(), turned: false };
  s.copy(8);
  while (chunk(p));
}

/** chunk takes the next chunk and reports whether there may be another one. */
function chunk(p: PngFile): boolean {
  const b = p.s.peek(8);
  if (b.length < 8) {
    p.s.skipRest();
    return false;
  }
  const n = u32(b, 0);
  const typ = text(b, 4, 8);
  if (n > largest || !/^[A-Za-z]*$/.test(typ)) p.s.giveUp();
  if (typ === 'IEND') {
    end(p, n);
    return false;
  }
  if (typ === 'eXIf') exif(p, n);
  else if (typ === 'iCCP' && !p.seen.has(typ)) profile(p, n);
  else if (fits(p, typ, n)) {
    p.seen.add(typ);
    p.s.copy(8 + n + 4);
  } else if (typ[0] < 'a') p.s.giveUp();
  else drop(p, typ, n);
  return true;
}

/** fits reports whether a chunk may stay as it is. */
function fits(p: PngFile, typ: string, n: number): boolean {
  const r = pngKeep[typ];
  if (!r || n < r.size[0] || n > r.size[1] || (r.once && p.seen.has(typ)) || (r.animated && !p.seen.has('acTL'))) {
    return false;
  }
  return typ !== 'PLTE' || n % 3 === 0;
}

/** end writes an empty IEND in place of one of n bytes, and drops the rest. */
function end(p: PngFile, n: number): void {
  if (n > 0) p.s.found(Other);
  p.s.skip(8 + n + 4);
  write(p, 'IEND', none);
  dropTail(p.s);
}

/** write writes a chunk of our own. */
function write(p: PngFile, typ: string, content: Bytes): void {
  p.s.write(put32(content.length));
  p.s.write(bytes(typ));
  p.s.write(content);
  p.s.write(put32(crc32(content, crc32(bytes(typ)))));
}

/** exif leaves the orientation of the first block that says one. */
function exif(p: PngFile, n: number): void {
  p.s.skip(8);
  const o = noteExifChunk(p.s, n);
  p.s.skip(n + 4);
  if (o !== 0 && !p.turned) {
    p.turned = true;
    write(p, 'eXIf', orientationOnly(o));
  }
}
