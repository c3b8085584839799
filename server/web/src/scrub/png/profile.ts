import { bytes, put32, u32 } from '../bytes';
import { crc32 } from '../crc32';
import { drop, PngFile } from './file';

const pngProfileName = 'icc';

/** profile keeps the colour profile in a chunk of n bytes, under another name. */
export function profile(p: PngFile, n: number): void {
  const longest = 80;
  const b = p.s.peek(8 + Math.min(n, longest)).subarray(8);
  const name = b.indexOf(0);
  if (name < 1 || name + 2 > n) return drop(p, 'iCCP', n);
  p.seen.add('iCCP');
  let before = crc32(b.subarray(0, name), crc32(bytes('iCCP')));
  let after = crc32(bytes('iCCP' + pngProfileName));
  p.s.skip(8 + name);
  let rest = n - name;
  p.s.write(put32(pngProfileName.length + rest));
  p.s.write(bytes('iCCP' + pngProfileName));
  for (let b; (b = p.s.next(rest)).length; rest -= p.s.copy(b.length)) {
    before = crc32(b, before);
    after = crc32(b, after);
  }
  const sum = p.s.peek(4);
  if (sum.length === 4) p.s.write(put32(u32(sum, 0) === before ? after : ~after));
  p.s.skip(4);
}
