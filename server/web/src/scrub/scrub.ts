import { Bytes } from './bytes';
import { sniff, SniffLen } from './sniff';
import { Piece, Reader, Stream } from './stream';

/** A Format cleans files of one type. */
export type Format = (s: Stream) => void;
export type Formats = { [type: string]: Format };

export interface Report {
  type: string;
  details: 'removed' | 'unknown';
  removed: string[]; // sorted
}

/** A Failure means that the file could not be read, whereas any other error means that it could not be parsed. */
class Failure {}

/**
 * scrub is Go's scrub.File: it makes the result after all of the file was parsed, so nothing is found too late, and a
 * file that it reports unknown stays exactly as it is. It returns nothing when reading failed.
 */
export function scrub(src: Reader, formats: Formats): [Report, Piece[]] | undefined {
  const s = new Stream({
    size: src.size,
    read(from: number, to: number): Bytes {
      try {
        const b = src.read(from, to);
        if (b.length === to - from) return b;
      } catch (e) {
        // The file is gone, or changed.
      }
      throw new Failure();
    },
  });
  let type = '';
  try {
    type = sniff(s.peek(SniffLen));
    formats[type](s); // for an unknown type there is no function: the error is caught below
    if (!s.partly) return [{ type, details: 'removed', removed: Array.from(s.removed).sort() }, s.result()];
  } catch (e) {
    if (e instanceof Failure) return undefined;
  }
  return [{ type, details: 'unknown', removed: [] }, [{ from: 0, n: src.size, bytes: null, same: true, pinned: true }]];
}
