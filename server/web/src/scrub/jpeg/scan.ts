import { Bytes } from '../bytes';
import { all } from '../stream';
import { fill, jpegRST0, jpegRST7, jpegSOF0, JpegFile } from './file';

/** scan copies entropy-coded data up to the next marker that ends it. */
export function scan(j: JpegFile): void {
  for (;;) {
    let b = j.s.next(all);
    if (b.length === 0) return;
    const n = jpegScanned(b);
    j.s.copy(n);
    if (n === b.length) continue;
    fill(j, (n) => j.s.copy(n));
    b = j.s.peek(2);
    if (b.length < 2) {
      j.s.copy(1);
      return;
    }
    if (!jpegInScan(b[1])) return;
    j.s.copy(2);
  }
}

/** jpegScanned returns how many bytes at the start of b certainly belong to the scan. */
function jpegScanned(b: Bytes): number {
  for (let at = 0; ; at += 2) {
    at = b.indexOf(0xff, at);
    if (at < 0) return b.length;
    if (at + 1 === b.length || !jpegInScan(b[at + 1])) return at;
  }
}

function jpegInScan(m: number): boolean {
  return m < jpegSOF0 || (m >= jpegRST0 && m <= jpegRST7);
}
