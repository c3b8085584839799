import { Bytes } from '../bytes';
import { Stream } from '../stream';

/** An Mp3File is a stream of frames of MPEG sound. */
export interface Mp3File {
  s: Stream;
  key: number; // of the frame before
}

/** An Mp3Header is the head of a frame of MPEG sound. */
export interface Mp3Header {
  key: number; // version, layer, sampling rate; not 0
  size: number; // of the frame with its head, in bytes
  side: number; // from the head to the main data, in layer III without a checksum; otherwise 0
}

const mp3Rates = [
  [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
  [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
  [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
  [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];

const mp3Sampling = [44100, 48000, 32000];

/** mp3Head reads the head of the frame that stands in b at a place, if it tells its size. */
export function mp3Head(b: Bytes, at: number): Mp3Header | undefined {
  return b.length - at < 4 ? undefined : head(b[at], b[at + 1], b[at + 2], b[at + 3]);
}

function head(b0: number, b1: number, b2: number, b3: number): Mp3Header | undefined {
  if (b0 !== 0xff || (b1 & 0xe0) !== 0xe0) return undefined;
  const version = (b1 >> 3) & 3; // 3: MPEG 1, 2: MPEG 2, 0: MPEG 2.5
  const layer = 4 - ((b1 >> 1) & 3);
  const rate = b2 >> 4;
  const sampling = (b2 >> 2) & 3;
  if (version === 1 || layer === 4 || rate === 0 || rate === 15 || sampling === 3) return undefined;
  const key = ((b1 & 0x1e) << 8) | (b2 & 0x0c);
  return {
    key,
    size: mp3Size(version, layer, rate, sampling, (b2 >> 1) & 1),
    side: mp3Side(version, layer, b3 >> 6 === 3),
  };
}

function mp3Size(version: number, layer: number, rate: number, sampling: number, padding: number): number {
  const first = version === 3;
  const hz = mp3Sampling[sampling] / (first ? 1 : version === 2 ? 2 : 4);
  const bits = mp3Rates[first ? layer - 1 : Math.min(layer + 2, 4)][rate] * 1000;
  if (layer === 1) return (Math.floor((12 * bits) / hz) + padding) * 4;
  return Math.floor(((layer === 3 && !first ? 72 : 144) * bits) / hz) + padding;
}

function mp3Side(version: number, layer: number, mono: boolean): number {
  if (layer !== 3) return 0;
  if (version === 3) return mono ? 17 : 32;
  return mono ? 9 : 17;
}

/** mp3Free reports whether b begins with a frame of free format. */
export function mp3Free(b: Bytes): boolean {
  return b[2] >> 4 === 0 && !!head(b[0], b[1], b[2] | 0x10, b[3]);
}
