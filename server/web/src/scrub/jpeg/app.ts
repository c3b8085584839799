import { Bytes, has, index, notZero } from '../bytes';
import { noteExifChunk } from '../tail';
import { Device, Embedded, noteWords, Other, Person, Place, Preview, Software, Text, Time } from '../words';
import { jpegAPP0, JpegFile } from './file';

/** app takes a segment that is no table, of n bytes after its length. */
export function app(j: JpegFile, m: number, n: number): void {
  const longestName = 40;
  const b = j.s.peek(4 + Math.min(n, longestName)).subarray(4);
  if (j.scanned) drop(j, m, n, b);
  else if (m === jpegAPP0 && !j.jfif && b.length >= 14 && has(b, 'JFIF\0')) keepJFIF(j, n);
  else if (m === jpegAPP0 + 1 && has(b, 'Exif\0')) takeExif(j, n);
  else if (m === jpegAPP0 + 2 && b.length >= 14 && has(b, 'ICC_PROFILE\0')) {
    j.kept = true;
    j.s.copy(4 + n);
  } else if (m === jpegAPP0 + 14 && b.length >= 12 && has(b, 'Adobe')) keepHead(j, n, 12);
  else drop(j, m, n, b);
}

function keepJFIF(j: JpegFile, n: number): void {
  j.jfif = true;
  const b = j.s.peek(18);
  if (n > 14 || b[16] !== 0 || b[17] !== 0) j.s.found(Preview);
  b[16] = b[17] = 0;
  keepHead(j, n, 14);
}

/** keepHead shortens a segment to its first few bytes. */
function keepHead(j: JpegFile, n: number, few: number): void {
  const b = j.s.peek(4 + few);
  b[2] = 0;
  b[3] = 2 + few;
  j.kept = true;
  j.s.copy(4 + few);
  j.s.skip(n - few);
}

function takeExif(j: JpegFile, n: number): void {
  j.s.skip(4);
  const o = noteExifChunk(j.s, n);
  if (j.orientation === 0) j.orientation = o;
  j.s.skip(n);
}

const jpegApps: [string, string][] = [
  ['JFXX\0', Preview],
  ['MPF\0', Embedded],
  ['FLIR\0', Embedded],
  ['JP\0', Embedded],
  ['SEAL', Other],
  ['GoPro\0', Device],
  ['Qualcomm', Device],
  ['SCALADO', Device],
  ['Adobe_CM', Software],
  ['Ducky', Software],
];

// The third bytes of IPTC fields, which start with 1C, record 2, and the number of the field.
const jpegIPTC: [string, string][] = [
  [Person, '\x50\x74\x6e'],
  [Place, '\x5a\x5f\x65'],
  [Time, '\x37\x3c'],
  [Text, '\x05\x19\x69\x78'],
];

function drop(j: JpegFile, m: number, n: number, name: Bytes): void {
  const app = jpegApps.filter((a) => has(name, a[0]))[0];
  j.s.skip(4);
  note(j, m, j.s.peek(n), app && app[1]);
  j.s.skip(n);
}

function note(j: JpegFile, m: number, b: Bytes, app: string | undefined): void {
  if (m === 0xfe) return j.s.found(Text);
  if (app) return j.s.found(app);
  if (m === jpegAPP0 + 13) {
    for (const [c, fields] of jpegIPTC) {
      if (fields.split('').some((f) => index(b, '\x1c\x02' + f) >= 0)) j.s.found(c);
    }
  }
  if (notZero(b)) noteWords(j.s, b, Other);
}
