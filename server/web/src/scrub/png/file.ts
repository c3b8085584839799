import { Stream } from '../stream';
import { Embedded, noteNext, Other, Text, Time } from '../words';

/** A PngFile is a PNG on its way through. */
export interface PngFile {
  s: Stream;
  seen: Set<string>; // of what is kept once
  turned: boolean; // the orientation was written
}

/** drop drops a chunk and notes what it told. */
export function drop(p: PngFile, typ: string, n: number): void {
  p.s.skip(8);
  if (typ === 'tIME') p.s.found(Time);
  else if (typ.slice(2) === 'Xt') noteNext(p.s, n, Text);
  else if (typ === 'caBX') p.s.found(Embedded);
  else if (n > 0) noteNext(p.s, n, Other);
  p.s.skip(n + 4);
}
