import { has } from '../bytes';
import { Stream, streamWindow } from '../stream';
import {
  flacHeadLen,
  flacInvalid,
  flacNoteBlock,
  flacPadding,
  flacSeekTable,
  flacStreamInfo,
  flacStreamInfoLen,
} from './block';
import { flacSound } from './sound';

const flacSeekPointLen = 18;

export function flac(s: Stream): void {
  const h = s.peek(flacHeadLen);
  if (h.length < flacHeadLen || !has(h, 'fLaC') || (h[4] & 0x7f) !== flacStreamInfo ||
    h[5] || h[6] || h[7] !== flacStreamInfoLen) s.giveUp();
  let last = h[4] >> 7 !== 0;
  h[4] = flacStreamInfo;
  s.copy(flacHeadLen);
  const seen = { table: false };
  while (!last) last = flacBlock(s, seen);
  s.write(new Uint8Array([0x80 | flacPadding, 0, 0, 0]));
  const b = s.peek(2);
  if (b.length === 2 && (b[0] !== 0xff || (b[1] & 0xfe) !== 0xf8)) s.giveUp();
  flacSound(s);
}

/** flacBlock passes or drops one block and reports whether it was the last. */
function flacBlock(s: Stream, seen: { table: boolean }): boolean {
  const h = s.peek(4);
  if (h.length < 4 || (h[0] & 0x7f) === flacInvalid) s.giveUp();
  const typ = h[0] & 0x7f;
  const last = h[0] >> 7 !== 0;
  const n = 4 + (h[1] << 16) + (h[2] << 8) + h[3];
  const want = Math.min(n, streamWindow);
  if (s.peek(want).length < want) s.giveUp();
  if (typ === flacSeekTable && !seen.table && (n - 4) % flacSeekPointLen === 0) {
    seen.table = true;
    s.peek(1)[0] = flacSeekTable;
    s.copy(n);
    return last;
  }
  flacNoteBlock(s, typ, s.peek(Math.min(n, 4 << 10)));
  if (s.skip(n) < n) s.giveUp();
  return last;
}
