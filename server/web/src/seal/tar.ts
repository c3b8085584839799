// The content of every object: a ustar archive, in which every field has only one
// possible value. The twin of crypto/tar.go.

import { utf8, type Bytes } from './bytes';

export const blockSize = 512;
export const endMarker = 2 * blockSize;

/** Rounds n up to whole tar blocks. */
export const blocks = (n: number): number => Math.ceil(n / blockSize) * blockSize;

/** What an entry with n bytes of data takes in an archive. */
export const entrySize = (n: number): number => blockSize + blocks(n);

/** Bytes of data that one more entry can have in an archive; below 1 nothing fits. */
export const roomOf = (capacity: number, used: number): number =>
  Math.floor((capacity - endMarker) / blockSize) * blockSize - used - blockSize;

function putHeader(b: Uint8Array, type: string, name: string, size: number): void {
  b.set(utf8(name));
  b.set(utf8('0000600\0' + '0000000\0' + '0000000\0'), 100);
  b.set(utf8(octal(size, 11)), 124);
  b.set(utf8('00000000000\0        ' + type), 136);
  b.set(utf8('ustar\0' + '00'), 257);
  b.set(utf8('0000000\0' + '0000000\0'), 329);
  let sum = 0;
  for (let i = 0; i < blockSize; i++) sum += b[i];
  b.set(utf8(octal(sum, 6) + '\0'), 148);
}

const octal = (n: number, digits: number): string => n.toString(8).padStart(digits, '0');

/** One archive that fills a given number of bytes exactly. */
export class Archive {
  readonly bytes: Bytes;
  private used = 0;

  constructor(capacity: number) {
    this.bytes = new Uint8Array(capacity);
  }

  room(): number {
    return roomOf(this.bytes.length, this.used);
  }

  add(name: string, data: Uint8Array): void {
    if (data.length > this.room()) throw new Error('entry does not fit into its object');
    putHeader(this.bytes.subarray(this.used, this.used + blockSize), '0', name, data.length);
    this.bytes.set(data, this.used + blockSize);
    this.used += entrySize(data.length);
  }

  /** Pads the archive. GNU tar does not notice that a file was cut if only zeros
   * follow its end marker, so the padding is a comment in front of it (a pax
   * header), if there is room for one. */
  finish(): Bytes {
    const gap = this.bytes.length - this.used - endMarker;
    if (gap >= 2 * blockSize) {
      const record = Math.floor((gap - blockSize) / blockSize) * blockSize;
      putHeader(this.bytes.subarray(this.used, this.used + blockSize), 'g', 'pad', record);
      const data = this.bytes.subarray(this.used + blockSize, this.used + blockSize + record);
      const head = utf8(record + ' comment=');
      data.fill(0x61);
      data.set(head);
      data[record - 1] = 0x0a;
    }
    return this.bytes;
  }
}
