import { riffBlank, riffHead, riffJunk } from '../riff';
import { Stream } from '../stream';
import { Other, Text } from '../words';

/** A Keep copies a chunk, or returns false for one that is to be zeroed; seen has the names that it kept before. */
export type Keep = (s: Stream, name: string, n: number, seen: Set<string>) => boolean;

/** chunks takes chunks up to a position of the input. */
export function chunks(s: Stream, end: number, keep: Keep): void {
  const seen = new Set<string>();
  while (s.pos < end) {
    const left = end - s.pos - 8;
    const head = riffHead(s);
    if (!head || left < 0) return riffBlank(s, left + 8, Other);
    const [name, n] = head;
    if (n > left && webpNeeded.indexOf(name) >= 0) s.giveUp();
    if (n > left || !keep(s, name, n, seen)) riffJunk(s, Math.min(n, left), name === 'XMP ' ? Text : Other);
    if (n % 2 === 1 && s.pos < end) s.zero(1);
  }
}

/** webpNeeded are chunks without which decoders show no picture, or another one. */
const webpNeeded = ['VP8 ', 'VP8L', 'VP8X', 'ALPH', 'ANIM', 'ANMF', 'ICCP'];
