import { has, notZero } from './bytes';
import { all, Stream } from './stream';
import { noteExif } from './tiff';
import { Embedded } from './words';

/** dropTail drops the rest of the input. It reads no further than the first bytes that are not zero. */
export function dropTail(s: Stream): void {
  for (let b; (b = s.next(all)).length; s.skip(b.length)) {
    if (notZero(b)) {
      s.found(Embedded);
      s.skipRest();
    }
  }
}

const exifWindow = 60 << 10;

/** noteExifChunk is noteExif for a chunk of n bytes that come next. It takes none. */
export function noteExifChunk(s: Stream, n: number): number {
  const b = s.peek(Math.min(n, exifWindow));
  return noteExif(s, b.length >= 6 && has(b, 'Exif\0') ? b.subarray(6) : b);
}
