import { Bytes, has, index, le32, notZero, putLE32 } from '../bytes';
import { baseWindow, Stream } from '../stream';
import { Other } from '../words';
import { oggCodecOf } from './codec';
import { oggCRC } from './crc';
import { oggFirst, oggFlags, oggHeadLen, oggSegs, oggSerial, oggSum } from './head';
import { OggStream, rewrite } from './page';

const oggMaxBad = 1000;
const oggMaxStreams = 64;

type OggStreams = Map<number, OggStream>;

/** An OggFile is an Ogg file on its way through, page by page. */
interface OggFile {
  s: Stream;
  streams: OggStreams | undefined; // of this link, by serial number
  before: OggStreams | undefined; // of the one before
  count: number; // of serial numbers given
  begun: boolean; // pages that are not the first of a stream have been written
  bad: number;
}

export function ogg(s: Stream): void {
  const o: OggFile = { s, streams: undefined, before: undefined, count: 0, begun: false, bad: 0 };
  while (sync(o)) page(o);
}

/** sync drops what stands between pages and reports whether there is one more. */
function sync(o: OggFile): boolean {
  const step = 4 << 10;
  for (;;) {
    if (has(o.s.peek(4), 'OggS')) return true;
    if (o.s.end()) return false;
    const b = o.s.peek(step);
    let n = index(b, 'OggS');
    if (n < 0) n = b.length < step ? b.length : b.length - 3;
    if (notZero(b.subarray(0, n))) o.s.found(Other);
    o.s.skip(n);
  }
}

/**
 * oggPage returns the page that b starts with, if b has all of it and its checksum is right, and the length that it
 * claims.
 */
function oggPage(b: Bytes): [Bytes | undefined, number] {
  if (b.length < oggHeadLen || !has(b, 'OggS\0')) return [undefined, 0];
  let n = oggHeadLen + b[oggSegs];
  if (b.length < n) return [undefined, 0];
  for (let i = oggHeadLen, to = n; i < to; i++) n += b[i];
  if (b.length < n) return [undefined, 0];
  const page = b.subarray(0, n);
  const sum = le32(page, oggSum);
  putLE32(page, oggSum, 0);
  const right = oggCRC(page) === sum;
  putLE32(page, oggSum, sum);
  return [right ? page : undefined, n];
}

/** page passes or drops a page. */
function page(o: OggFile): void {
  const [b, n] = oggPage(peekPage(o));
  if (!o.streams && (!b || !(b[oggFlags] & oggFirst))) o.s.giveUp();
  if (!b) return badPage(o, n);
  const first = b[oggFlags] & oggFirst;
  const st = stream(o, b);
  if (!st || st.codec.drop) {
    o.s.found(Other);
    o.s.skip(n);
    return;
  }
  if (rewrite(st, o.s, o.s.peek(n)) && !first) o.begun = true;
}

/** peekPage returns what may be the next page: no more than it claims. */
function peekPage(o: OggFile): Bytes {
  let b = o.s.peek(oggHeadLen);
  if (b.length < oggHeadLen) return b;
  let n = oggHeadLen + b[oggSegs];
  b = o.s.peek(n);
  for (let i = oggHeadLen; i < b.length; i++) n += b[i];
  return o.s.peek(n);
}

/** badPage drops what looked like a page. */
function badPage(o: OggFile, n: number): void {
  o.s.found(Other);
  o.s.skip(++o.bad > oggMaxBad && n > 0 ? n : 4);
}

/** stream returns the stream that a page belongs to, or nothing. */
function stream(o: OggFile, page: Bytes): OggStream | undefined {
  const serial = le32(page, oggSerial);
  if (!(page[oggFlags] & oggFirst)) return o.streams && o.streams.get(serial);
  const codec = oggCodecOf(page);
  if (!codec) o.s.giveUp();
  if (o.begun || !o.streams) {
    o.before = o.streams;
    o.streams = new Map();
    o.begun = false;
    checkLink(o);
  }
  const st: OggStream = { codec, serial: 0, gone: 0, packets: 0, open: false, dropping: false, sound: false };
  if (!codec.drop) st.serial = number(o, serial);
  if (o.streams.size >= oggMaxStreams) o.s.giveUp();
  o.streams.set(serial, st);
  return st;
}

/** number returns the new serial number of a stream. */
function number(o: OggFile, serial: number): number {
  for (const streams of [o.streams, o.before]) {
    const st = streams && streams.get(serial);
    if (st && !st.codec.drop) return st.serial;
  }
  return ++o.count;
}

/** checkLink looks at the first pages of all streams of a link, before any of them is changed. */
function checkLink(o: OggFile): void {
  let plays = false;
  for (let b = o.s.peek(baseWindow); ; ) {
    const [page, n] = oggPage(b);
    if (!page || !(page[oggFlags] & oggFirst)) break;
    const codec = oggCodecOf(page);
    if (!codec) o.s.giveUp();
    plays = plays || !codec.drop;
    b = b.subarray(n);
  }
  if (!plays) o.s.giveUp();
}
