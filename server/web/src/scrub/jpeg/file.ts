import { all, Stream } from '../stream';

// Markers.
export const jpegSOF0 = 0xc0;
export const jpegRST0 = 0xd0;
export const jpegRST7 = 0xd7;
export const jpegSOI = 0xd8;
export const jpegEOI = 0xd9;
export const jpegSOS = 0xda;
export const jpegAPP0 = 0xe0;
export const jpegLS = 0xf7;
export const jpegLSE = 0xf8;

/** A JpegFile is a JPEG on its way through. */
export interface JpegFile {
  s: Stream;
  orientation: number; // of the first Exif block that says one
  turned: boolean; // the orientation was written
  jfif: boolean; // a JFIF header was written
  kept: boolean; // something was written after SOI
  scanned: boolean; // the first scan began
}

/** fill takes all but the last of the FF bytes that come next. */
export function fill(j: JpegFile, take: (n: number) => void): void {
  for (;;) {
    let b = j.s.peek(2);
    if (b.length < 2 || b[0] !== 0xff || b[1] !== 0xff) return;
    b = j.s.next(all);
    let n = 1;
    while (n < b.length && b[n] === 0xff) n++;
    take(n - 1);
  }
}
