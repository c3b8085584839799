import { all, Stream } from '../stream';

/** blocks takes sub-blocks, each after its length, up to an empty one. */
export function blocks(s: Stream, take: (n: number) => void): void {
  for (;;) {
    const b = s.next(all);
    if (b.length === 0) return;
    let at = 0;
    let last = false;
    while (at < b.length && !last) {
      last = b[at] === 0;
      at += 1 + b[at];
    }
    take(at);
    if (last) return;
  }
}
