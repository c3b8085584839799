// The opening letter, and what of a drop goes into it. The twin of
// crypto/seal.go and crypto/letter.go, for a sender that knows every size before
// the first byte.

import { capacityOf, maxPart, smallObject, type Kind } from './age';
import { blocks, blockSize, endMarker, entrySize } from './tar';
import {
  clean, marshal, maxFiles, maxInteger, maxManifest1, maxName, maxParts, type FileEntry, type Manifest,
} from './manifest';

/** A file of the drop as the page knows it. */
export interface Planned {
  size: number;
  type: string;
  name?: string;
  details: string;
  removed: string[];
}

/** Bytes from (included) to (not included) of a file; file 0 is the words. */
export interface Segment {
  file: number;
  from: number;
  to: number;
}

/** Where chunks go on after the letter: the next byte and part of a file. */
export interface Cursor {
  file: number;
  at: number;
  part: number;
}

export interface Letter {
  /** What the letter holds, in order. */
  held: Segment[];
  /** The words did not fit: they are file 1, and files count from 2. */
  wordsAreFile: boolean;
  /** Everything is in the letter. */
  whole: boolean;
  next: Cursor;
}

const f64 = 'f'.repeat(64);

/** Decides what the letter holds. The words come first, if there are any. */
export function layOut(
  kind: Kind, recipients: number, identityLength: number, m: Manifest, words: number, files: Planned[],
): Letter {
  const l = new Layout(kind, recipients, identityLength, m, files);
  let wordsAreFile = false;
  if (words > 0) {
    l.writing = 0;
    const taken = l.take(0, words);
    wordsAreFile = taken < words;
    if (wordsAreFile) {
      const held = l.held.map((s) => ({ ...s, file: 1 })).filter((s) => s.to > 0);
      return { held, wordsAreFile, whole: false, next: { file: 1, at: taken, part: taken > 0 ? 2 : 1 } };
    }
  }
  for (let i = 0; i < files.length; i++) {
    const n = i + 1;
    l.known.push(entryOf(files[i], n));
    l.writing = n;
    const taken = l.take(n, files[i].size);
    if (taken < files[i].size || l.full) {
      const started = taken > 0;
      return {
        held: l.held.filter((s) => s.to > 0), wordsAreFile, whole: false,
        next: { file: n, at: taken, part: started ? 2 : 1 },
      };
    }
  }
  return {
    held: l.held.filter((s) => s.to > 0), wordsAreFile, whole: true,
    next: { file: files.length + 1, at: 0, part: 1 },
  };
}

export function entryOf(f: Planned, n: number): FileEntry {
  return { n, type: clean(f.type, 100), name: clean(f.name || '', maxName), details: f.details, removed: f.removed };
}

/** The plan for manifest-1: what is going to be sent. */
export function planOf(files: Planned[], wordsAreFile: boolean): FileEntry[] {
  const words = wordsAreFile ? [{ n: 1, type: 'text/plain' }] : [];
  return [...words, ...files.map((f, i) => ({ ...entryOf(f, words.length + i + 1), size: f.size }))];
}

class Layout {
  held: Segment[] = [];
  known: FileEntry[] = [];
  writing = 0;
  full = false; // no room for even an empty entry
  private bytes = 0;

  constructor(
    private kind: Kind, private recipients: number, private identityLength: number,
    private m: Manifest, private files: Planned[],
  ) {}

  /** Takes as much of the next entry as the letter has room for. */
  take(file: number, size: number): number {
    const segment = { file, from: 0, to: 0 };
    this.held.push(segment);
    if (this.room() < 0) {
      this.held.pop();
      this.full = true;
      return 0;
    }
    while (segment.to < size) {
      const free = Math.max(0, this.room() + blocks(segment.to) - segment.to);
      const n = Math.min(size - segment.to, free, blockSize + maxPart - this.bytes);
      if (n <= 0) break;
      segment.to += n;
      this.bytes += n;
    }
    return segment.to;
  }

  /** How many bytes, in whole blocks, the last entry can still take. */
  private room(): number {
    let room = Math.floor((capacityOf(this.kind, this.recipients, smallObject) - endMarker) / blockSize) * blockSize;
    room -= entrySize(this.identityLength) + entrySize(32) + entrySize(this.reserve());
    for (const s of this.held) room -= entrySize(s.to - s.from);
    return room;
  }

  /** The most bytes that manifest-1 can come to have. */
  private reserve(): number {
    const files = this.known.slice();
    if (this.writing === 0) files.push({ n: maxFiles, type: 'text/plain' });
    const most = files.map((f) => ({ ...f, size: maxInteger, parts: maxParts, sha256: f64 }));
    const m = { ...this.m, reply: f64, chunks: 0 };
    let n = marshal({ ...m, files: most }).length;
    if (this.files.length) n = Math.max(n, marshal({ ...m, files: planOf(this.files, this.writing === 0) }).length);
    return Math.min(n, maxManifest1);
  }
}

/** A part of a file in a chunk: bytes from at on. */
export interface Part {
  file: number;
  part: number;
  from: number;
  to: number;
}

/** Fills the next chunk of the given size, moving the cursor. No parts: there is
 * nothing left. */
export function nextChunk(kind: Kind, size: number, sizes: number[], c: Cursor): Part[] {
  const parts: Part[] = [];
  let room = Math.floor((capacityOf(kind, 1, size) - endMarker) / blockSize) * blockSize;
  while (c.file <= sizes.length) {
    const left = sizes[c.file - 1] - c.at;
    if (left === 0) {
      c.file++;
      c.at = 0;
      c.part = 1;
      continue;
    }
    const n = Math.min(left, maxPart, room - blockSize);
    if (n < 1) break;
    parts.push({ file: c.file, part: c.part, from: c.at, to: c.at + n });
    room -= entrySize(n);
    c.at += n;
    c.part++;
  }
  return parts;
}

export const partName = (drop: string, file: number, part: number): string =>
  `${drop}/${String(file).padStart(2, '0')}/${String(part).padStart(6, '0')}`;
