import { has, le32, text } from './bytes';
import { riffBlank, riffHead, riffJunk } from './riff';
import { all, Stream } from './stream';
import { Device, IDs, Other, Text, Time } from './words';

/** A WavFile is a WAV on its way through. */
interface WavFile {
  s: Stream;
  long: boolean; // RF64 or BW64: lengths may stand in ds64
  data: number; // length of the sound that ds64 tells, or 0
  seen: Set<string>; // of what is kept once
}

const wavOpen = 2 ** 32 - 1;

export function wav(s: Stream): void {
  const w: WavFile = { s, long: !has(s.peek(4), 'RIFF'), data: 0, seen: new Set() };
  s.copy(12);
  while (chunk(w));
}

/** chunk takes the next chunk and reports whether there may be another one. */
function chunk(w: WavFile): boolean {
  const head = riffHead(w.s);
  if (!head) {
    riffBlank(w.s, all, Other);
    return false;
  }
  let [name, n] = head;
  if (name === 'data') n = sound(w, n);
  else if (name === 'LIST' && has(w.s.peek(12), 'wavl', 8)) w.s.giveUp();
  else if (!keep(w, name, n)) drop(w, name, n);
  pad(w, n);
  return true;
}

/** keep keeps a chunk that decoding needs, or reports that it is none. */
function keep(w: WavFile, name: string, n: number): boolean {
  const longestFormat = 64;
  if (w.seen.has(name)) return false;
  if (name === 'fmt ' && n > longestFormat) w.s.giveUp();
  if (name === 'fmt ' || (name === 'fact' && n >= 4 && n <= 12)) w.s.copy(8 + n);
  else if (name === 'ds64' && w.long && n >= 28) lengths(w, n);
  else return false;
  w.seen.add(name);
  return true;
}

/** lengths keeps the lengths of the whole and of the sound, and the number of samples. */
function lengths(w: WavFile, n: number): void {
  const length = 24;
  const b = w.s.peek(8 + length);
  // A length that Go's int64 makes negative is larger than any file here: both mean up to the end.
  if (b.length === 8 + length) w.data = le32(b, 20) * 2 ** 32 + le32(b, 16);
  w.s.copy(8 + length);
  riffBlank(w.s, n - length, Other);
}

/** sound copies the sound and returns its true length. */
function sound(w: WavFile, n: number): number {
  w.s.copy(8);
  if (n === wavOpen && w.data > 0) n = w.data;
  else if (n === wavOpen || (n === 0 && !emptySound(w))) n = all;
  w.s.copy(n);
  return n;
}

/** emptySound reports whether chunks follow sound that says it is empty. */
function emptySound(w: WavFile): boolean {
  const b = w.s.peek(4);
  if (b.length < 4) return false;
  const name = text(b, 0, 4);
  if (wavNames.has(name)) return true;
  if (/^[ -~]*$/.test(name)) w.s.giveUp();
  return false;
}

/** pad takes the zero after n bytes, if they are an odd number. Some writers forget it. */
function pad(w: WavFile, n: number): void {
  if (n % 2 === 1 && !wavNames.has(text(w.s.peek(4), 0, 4))) w.s.zero(1);
}

/** wavNames are the chunks that WAV files are known to have, and what those tell that go. */
const wavNames = new Map<string, string[]>();
const wavTell = (names: string, ...classes: string[]): void => {
  for (let i = 0; i < names.length; i += 5) wavNames.set(names.slice(i, i + 4), classes);
};
wavTell('fmt  data fact ds64');
wavTell('JUNK junk PAD  FLLR cue  smpl inst plst acid chna', Other);
wavTell('LIST id3  ID3  DISP _PMX note labl aXML axml cart afsp', Text);
wavTell('bext', Time, Device);
wavTell('iXML', Device);
wavTell('PEAK levl', Time);
wavTell('umid', IDs);

/** drop zeroes a chunk and notes what it told. */
function drop(w: WavFile, name: string, n: number): void {
  const classes = wavNames.get(name) || [];
  if (classes.length > 1) w.s.found(...classes);
  riffJunk(w.s, n, classes[0] || Other);
}
