import { bytes, notZero, u16 } from '../bytes';
import { all, Stream } from '../stream';
import { dropTail } from '../tail';
import { orientationOnly, tiffLen } from '../tiff';
import { Other } from '../words';
import { app } from './app';
import { fill, jpegAPP0, jpegEOI, JpegFile, jpegLS, jpegLSE, jpegRST0, jpegSOF0, jpegSOI, jpegSOS } from './file';
import { scan } from './scan';
import { Check, jpegTables } from './tables';

export function jpeg(s: Stream): void {
  const j: JpegFile = { s, orientation: 0, turned: false, jfif: false, kept: false, scanned: false };
  s.copy(2);
  for (;;) {
    const m = marker(j);
    if (m < 0) {
      if (!j.kept) s.write(bytes('\xff\xd9'));
      return;
    }
    if (m === jpegEOI || (m === jpegSOI && j.scanned)) {
      finish(j);
      return;
    }
    segment(j, m);
  }
}

function finish(j: JpegFile): void {
  if (!j.scanned && j.s.peek(3).length > 2) j.s.giveUp();
  if (j.s.peek(2)[1] === jpegEOI) j.s.skip(2);
  j.s.write(bytes('\xff\xd9'));
  dropTail(j.s);
}

/** marker returns the next marker, still to be taken, or -1 at the end of the input. */
function marker(j: JpegFile): number {
  for (;;) {
    let b = j.s.next(all);
    let i = b.indexOf(0xff);
    if (i < 0) i = b.length;
    if (notZero(b.subarray(0, i))) j.s.found(Other);
    j.s.skip(i);
    fill(j, (n) => j.s.skip(n));
    b = j.s.peek(2);
    if (b.length === 0) return -1;
    if (b.length === 1) j.s.skip(1);
    else if (b[0] === 0xff) {
      if (b[1] !== 0 && b[1] !== 0xff) return b[1];
      j.s.skip(2);
    }
  }
}

function segment(j: JpegFile, m: number): void {
  if (m < jpegSOF0 || (m >= jpegRST0 && m <= jpegSOI)) {
    j.s.skip(2);
    return;
  }
  if (m === jpegLS || m === jpegLSE) j.s.giveUp();
  const b = j.s.peek(4);
  if (b.length < 4) return j.s.skipRest();
  const n = u16(b, 2) - 2;
  const check = jpegTables[m];
  if (check) table(j, m, n, check);
  else app(j, m, Math.max(n, 0));
}

function table(j: JpegFile, m: number, n: number, check: Check): void {
  const largest = 16 << 10;
  if (n < 0 || n > largest) j.s.giveUp();
  const b = j.s.peek(4 + n);
  if (b.length < 4 + n) return j.s.skipRest();
  if (!check(b.subarray(4))) j.s.giveUp();
  turn(j);
  j.kept = true;
  j.s.copy(4 + n);
  if (m === jpegSOS) {
    j.scanned = true;
    scan(j);
  }
}

function turn(j: JpegFile): void {
  if (j.orientation === 0 || j.turned || j.scanned) return;
  j.turned = j.kept = true;
  j.s.write(new Uint8Array([0xff, jpegAPP0 + 1, 0, 2 + 6 + tiffLen]));
  j.s.write(bytes('Exif\0\0'));
  j.s.write(orientationOnly(j.orientation));
}
