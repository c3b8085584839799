import { Bytes, has, le32, notZero } from '../bytes';
import { flacHeadLen } from '../flac/block';
import { Stream } from '../stream';
import { Software } from '../words';
import { oggHeadLen, oggSegs } from './head';

/** An OggCodec says how the headers of a stream begin: its packets before the media. */
export interface OggCodec {
  magic: string; // of its first packet
  drop?: boolean; // the whole stream goes
  headLen?: (b: Bytes) => number;
  comments: string; // what the packet with the comments begins with
  empty: string; // what is written in its place
  setup: string; // what the packet after it begins with
}

export const oggFLAC: OggCodec = {
  magic: '\x7fFLAC\x01', headLen: () => 9 + flacHeadLen, comments: '', empty: '', setup: '',
};

const nothing = '\0\0\0\0\0\0\0\0';
const dropped = (magic: string): OggCodec => ({ magic, drop: true, comments: '', empty: '', setup: '' });

const oggCodecs: OggCodec[] = [
  {
    magic: '\x01vorbis', headLen: () => 30, comments: '\x03vorbis', empty: '\x03vorbis' + nothing + '\x01',
    setup: '\x05vorbis',
  },
  { magic: 'OpusHead', headLen: opusHeadLen, comments: 'OpusTags', empty: 'OpusTags' + nothing, setup: '' },
  { magic: 'Speex   ', headLen: speexHeadLen, comments: '', empty: nothing, setup: '' },
  {
    magic: '\x80theora', headLen: () => 42, comments: '\x81theora', empty: '\x81theora' + nothing,
    setup: '\x82theora',
  },
  oggFLAC,
  /* @__PURE__ */ dropped('fishead\0'),
  /* @__PURE__ */ dropped('\x80kate\0'),
  /* @__PURE__ */ dropped('CMML\0\0\0\0'),
];

/** oggCodecOf returns the codec of a stream, by its first page. */
export function oggCodecOf(page: Bytes): OggCodec | undefined {
  const end = oggHeadLen + page[oggSegs];
  const [, size, whole] = oggPacket(page.subarray(oggHeadLen, end));
  const packet = page.subarray(end, end + size);
  return oggCodecs.filter((c) => has(packet, c.magic) && (!c.headLen || (whole && c.headLen(packet) === size)))[0];
}

/** oggPacket measures the first packet of a page: its segments, its bytes, whether it ends here. */
export function oggPacket(segs: Bytes): [number, number, boolean] {
  let n = 0;
  let size = 0;
  let whole = false;
  for (; n < segs.length && !whole; n++) {
    size += segs[n];
    whole = segs[n] < 255;
  }
  return [n, size, whole];
}

/** opusHeadLen returns how long the first packet of Opus is, or 0 if it is none. */
export function opusHeadLen(b: Bytes): number {
  if (b.length < 19 || !has(b, 'OpusHead')) return 0;
  return b[18] === 0 ? 19 : 21 + b[9];
}

/** speexHeadLen returns how long the first packet of Speex is, or 0 for one that announces extra headers. */
function speexHeadLen(b: Bytes): number {
  return b.length < speexLen || le32(b, 68) !== 0 ? 0 : speexLen;
}

export const speexLen = 80;

/** blankSpeex zeroes the version of the encoder in the first packet of Speex, and reports whether it is one. */
export function blankSpeex(s: Stream, b: Bytes): boolean {
  if (b.length < speexLen || !has(b, 'Speex   ')) return false;
  const version = b.subarray(8, 28);
  if (notZero(version)) s.found(Software);
  version.fill(0);
  return true;
}
