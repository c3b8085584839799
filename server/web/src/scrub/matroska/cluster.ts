import { Bytes } from '../bytes';
import { copyMedia } from '../encoder';
import { Ebml, ebmlEach, ebmlNumber } from './ebml';
import { mkvBlock } from './table';
import { inside, Mkv, voidElement } from './walk';

const mkvMedia = 1 << 20;

const mkvBlockHead = 8 + 2 + 1;

/** block passes a block of a track that stays. Those of other tracks become Void. */
export function block(m: Mkv, e: Ebml): void {
  const [n, stays] = blockTrack(m, m.s.peek(e.head + Math.min(e.size, mkvBlockHead)).subarray(e.head));
  if (!stays) return voidElement(m, e);
  m.s.copy(Math.min(e.head + n + 3, e.head + e.size));
  frames(m, e.size - (n + 3));
}

/** blockTrack reads the number of a block's track: how many bytes that takes, and whether the track stays. */
function blockTrack(m: Mkv, b: Bytes): [number, boolean] {
  if (b.length === 0 || b[0] === 0) return [0, false];
  const n = Math.clz32(b[0]) - 23;
  if (b.length < n) return [0, false];
  const number = b.slice(0, n);
  number[0] &= 0x7f >> (n - 1);
  return [n, m.tracks.has(ebmlNumber(number))];
}

/** frames passes the media of a block, and takes the signatures of encoders out of the first MiB of all blocks. */
function frames(m: Mkv, n: number): void {
  if (n <= 0) return;
  if (m.media >= mkvMedia) m.s.copy(n);
  else m.media += copyMedia(m.s, n);
}

/** blockGroup passes a block with what belongs to it, or a Void where it is for a track that goes. */
export function blockGroup(m: Mkv, e: Ebml): void {
  const far = 256;
  const n = e.head + e.size;
  const b = m.s.peek(Math.min(n, far));
  const cutOff = b.length < Math.min(n, far);
  let some = false;
  let stays = false;
  const parsed = ebmlEach(b.subarray(e.head), (c, payload) => {
    if (c.id === mkvBlock && !some) {
      some = true;
      stays = blockTrack(m, payload)[1];
    }
  });
  if (!some && !cutOff && (!parsed || n > far)) m.s.giveUp();
  if (stays) inside(m, e);
  else voidElement(m, e);
}
