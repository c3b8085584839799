import { Bytes, bytes, has, le32, u16, u32 } from './bytes';
import { Stream } from './stream';
import { Device, IDs, Other, Person, Place, Preview, Software, Text, Time } from './words';

/** A Tiff is the block that Exif keeps its tags in. */
interface Tiff {
  b: Bytes;
  u16(b: Bytes, at: number): number;
  u32(b: Bytes, at: number): number;
}

const tagOrientation = 0x0112;
const tagExif = 0x8769;

const tagClasses: [string, number[]][] = [
  [Text, [0x010e, 0x9286, 0x9c9b, 0x9c9c, 0x9c9e, 0x9c9f, 0x02bc, 0x83bb]],
  [Time, [0x0132, 0x9003, 0x9004, 0x9010, 0x9011, 0x9012, 0x9290, 0x9291, 0x9292]],
  [Person, [0x013b, 0x8298, 0x9c9d, 0xa430]],
  [IDs, [0xa420, 0xa431, 0xa435, 0xc62f]],
  [Software, [0x0131, 0x000b]],
  [Preview, [0x0201, 0x0202]],
  [Place, [0x8825]],
];

/** noteExif notes what a block has, and returns the orientation, 1 to 8, or 0. */
export function noteExif(s: Stream, b: Bytes): number {
  let orientation = 0;
  if (b.length < 8) return 0;
  const t: Tiff = { b, u16, u32 };
  if (has(b, 'II*\0')) {
    t.u16 = (b, at) => b[at] | (b[at + 1] << 8);
    t.u32 = le32;
  } else if (!has(b, 'MM\0*')) {
    s.found(Other);
    return 0;
  }
  let at = t.u32(b, 4);
  let exif = false; // the one directory that is followed: with thousands a segment would cost a second (a DoS)
  for (let ifd = 0; ifd < 2; ifd++) {
    at = entries(t, at, (tag, e) => {
      if (tag === tagOrientation) {
        const o = t.u16(b, e + 8);
        if (ifd === 0 && t.u16(b, e + 2) === 3 && t.u32(b, e + 4) === 1 && orientation === 0 && o >= 1 && o <= 8) {
          orientation = o;
        }
        return;
      }
      if (tag === tagExif && !exif) {
        exif = true;
        entries(t, t.u32(b, e + 8), (tag) => noteTag(s, tag));
      } else noteTag(s, tag);
    });
    if (at === 0) break;
  }
  return orientation;
}

function noteTag(s: Stream, tag: number): void {
  for (const [c, tags] of tagClasses) if (tags.indexOf(tag) >= 0) return s.found(c);
  s.found(Device);
}

/** entries calls f for every entry of a directory, and returns where the next directory is. */
function entries(t: Tiff, at: number, f: (tag: number, at: number) => void): number {
  const { b } = t;
  if (at < 8 || at + 2 > b.length) return 0;
  const n = t.u16(b, at);
  at += 2;
  for (let i = 0; i < n; i++, at += 12) {
    if (b.length - at < 12) return 0;
    f(t.u16(b, at), at);
  }
  return b.length - at < 4 ? 0 : t.u32(b, at);
}

export const tiffLen = 26;

/** orientationOnly makes an Exif block that says nothing but how to turn the picture. */
export function orientationOnly(orientation: number): Bytes {
  const b = bytes('MM\0*\0\0\0\x08' + '\0\x01' + '\x01\x12\0\x03\0\0\0\x01\0\0\0\0' + '\0\0\0\0');
  if (orientation === 0) b.fill(0, 8);
  else b[19] = orientation;
  return b;
}
