// Seals one drop, object after object: the opening letter, chunks, the closing
// letter. The twin of crypto/seal.go for files whose sizes are known.

import { sha256 } from '@noble/hashes/sha2.js';
import {
  generateHybridIdentity, generateX25519Identity, identityToRecipient,
} from '../node_modules/age-encryption/dist/recipients.js';

import { capacityOf, encrypt, kindOf, smallObject, type Kind } from './age';
import { hex, random, utf8, type Bytes } from './bytes';
import {
  entryOf, layOut, nextChunk, partName, planOf,
  type Cursor, type Letter, type Part, type Planned, type Segment,
} from './letter';
import { clean, fit, marshal, maxManifest1, maxManifest2, maxWhere, type FileEntry, type Manifest } from './manifest';
import { chunkId, chunkKey, closingId, dropNumber, letterId } from './names';
import { newReceipt, replySecret } from './receipt';
import { Archive } from './tar';

/** Reads bytes of a file; fails when the phone does not let us. */
export type Read = (file: Blob, from: number, to: number) => Promise<Bytes>;

/** Hashes files beside the sealing. It may keep the bytes that it is given. */
export interface Hasher {
  /** Takes the next bytes of a file, which are counted from 1. */
  update(file: number, data: Bytes): Promise<void>;
  /** The SHA-256 of files 1 to n. */
  sums(n: number): Promise<string[]>;
}

/** One sealed object, and how many bytes of files are in it. */
export interface Sealed {
  id: string;
  pieces: Uint8Array[]; // of the object, in order
  holds: number;
}

/** What a witness sends. */
export interface Drop {
  recipients: string[];
  via: string;
  lang: string;
  where: string;
  when: string;
  words: string;
  files: (Planned & { blob: Blob })[];
}

/** The random values of a drop. Tests give fixed ones. */
export interface Chance {
  seed: Bytes;
  identity: string;
  receipt: string;
}

async function newChance(kind: Kind): Promise<Chance> {
  const identity = await (kind === 'hybrid' ? generateHybridIdentity() : generateX25519Identity());
  return { seed: random(32), identity, receipt: newReceipt() };
}

export class Sealer {
  receipt = '';
  /** Nothing is left to seal, no closing letter either. */
  done = false;

  private readonly kind: Kind;
  private seed: Bytes = new Uint8Array(0);
  private to = ''; // the public half of the drop's identity
  private m!: Manifest;
  private blobs: Blob[];
  private next!: Cursor;
  private k = 0;
  private turn: Promise<void> = Promise.resolve(); // files are read and hashed in order

  constructor(private readonly d: Drop, private readonly read: Read, private readonly hasher: Hasher) {
    this.kind = kindOf(d.recipients);
    this.blobs = d.files.map((f) => f.blob);
  }

  /** Seals the opening letter, and forgets the identity, which alone could open the drop. */
  async open(chance?: Chance): Promise<Sealed> {
    const d = this.d;
    const c = chance || (await newChance(this.kind));
    this.seed = c.seed;
    this.receipt = c.receipt;
    this.to = await identityToRecipient(c.identity);
    this.m = {
      drop: dropNumber(c.seed), via: clean(d.via, 16), lang: clean(d.lang, 16),
      to: hex(sha256(utf8(d.recipients.slice().sort().join('\n')))),
      where: clean(d.where, maxWhere), when: clean(d.when, maxWhere), files: [],
    };
    const words = utf8(d.words);
    const identity = utf8(c.identity + '\n');
    const l = layOut(this.kind, d.recipients.length, identity.length, this.m, words.length, d.files);
    this.next = l.next;
    this.begin(l, words);
    const held: (Segment & { data: Bytes })[] = [];
    for (const s of l.held) held.push({ ...s, data: s.file ? await this.take(s.file, s.from, s.to) : words });
    for (const s of held) if (s.file) this.m.files[s.file - 1].parts = 1;

    for (const s of held) if (s.file) await this.hasher.update(s.file, s.data.slice());
    const manifest = await this.manifest1(l);
    const reply = await replySecret(c.receipt);
    const a = new Archive(capacityOf(this.kind, d.recipients.length, smallObject));
    a.add(this.m.drop + '/identity.txt', identity);
    a.add(this.m.drop + '/seed', c.seed);
    a.add(this.m.drop + '/manifest-1.json', fit({ ...manifest, reply }, maxManifest1));
    for (const s of held) a.add(s.file ? partName(this.m.drop, s.file, 1) : this.m.drop + '/words.txt', s.data);
    const pieces = await encrypt(d.recipients, a.finish());
    identity.fill(0);
    return { id: letterId(c.seed), pieces, holds: held.reduce((n, s) => n + (s.file ? s.data.length : 0), 0) };
  }

  /** Numbers the files. Words that found no room in the letter are file 1. */
  private begin(l: Letter, words: Bytes): void {
    if (l.wordsAreFile) {
      this.blobs.unshift(new Blob([words]));
      this.m.files.push({ n: 1, type: 'text/plain' });
    }
    for (const f of this.d.files) this.m.files.push(entryOf(f, this.m.files.length + 1));
    this.m.files.forEach((f, i) => {
      f.size = this.blobs[i].size;
      f.parts = 0;
    });
  }

  private take(file: number, from: number, to: number): Promise<Bytes> {
    return this.read(this.blobs[file - 1], from, to);
  }

  /** What the letter says: all, if nothing follows, and else the plan. */
  private async manifest1(l: Letter): Promise<Manifest> {
    if (l.whole) {
      const all = { ...this.m, files: await this.figures(), chunks: 0 };
      this.done = !all.files.length || marshal({ ...all, reply: 'f'.repeat(64) }).length <= maxManifest1;
      if (this.done) return all;
    }
    return { ...this.m, files: planOf(this.d.files, l.wordsAreFile) };
  }

  private async figures(): Promise<FileEntry[]> {
    const sums = await this.hasher.sums(this.m.files.length);
    return this.m.files.map((f, i) => ({ ...f, sha256: sums[i] }));
  }

  /** Seals the next chunk; undefined when there is none. */
  async chunk(size: number): Promise<Sealed | undefined> {
    const parts = nextChunk(this.kind, size, this.blobs.map((b) => b.size), this.next);
    if (!parts.length) return undefined;
    const k = ++this.k; // before anything is waited for: the next chunk may be asked for meanwhile
    const runs = runsOf(parts).map((run) => ({
      run, data: this.take(run[0].file, run[0].from, run[run.length - 1].to),
    }));
    runs.forEach((r) => r.data.catch(() => undefined)); // awaited only later: no unhandled rejection until then
    const a = new Archive(capacityOf(this.kind, 1, size));
    const filled = this.turn.then(() => this.fill(a, runs));
    this.turn = filled.catch(() => undefined);
    await filled;
    const pieces = await encrypt([this.to], a.finish());
    return { id: chunkId(this.seed, k), pieces, holds: parts.reduce((n, p) => n + p.to - p.from, 0) };
  }

  /** Adds what was read to an archive and passes it to the hasher. */
  private async fill(a: Archive, runs: { run: Part[]; data: Promise<Bytes> }[]): Promise<void> {
    for (const { run, data: reading } of runs) {
      const { file, from } = run[0];
      const data = await reading;
      for (const p of run) a.add(partName(this.m.drop, file, p.part), data.subarray(p.from - from, p.to - from));
      this.m.files[file - 1].parts! += run.length;
      await this.hasher.update(file, data);
    }
  }

  /** Seals the closing letter. */
  async close(): Promise<Sealed> {
    const a = new Archive(capacityOf(this.kind, 1, smallObject));
    const m = { ...this.m, files: await this.figures(), chunks: this.k };
    a.add(this.m.drop + '/manifest-2.json', fit(m, maxManifest2));
    const line = 'c/'.length + 64 + 1;
    if (this.k > 0 && this.k <= Math.floor(Math.max(a.room(), 0) / line)) {
      let keys = '';
      for (let i = 1; i <= this.k; i++) keys += chunkKey(this.seed, i) + '\n';
      a.add(this.m.drop + '/objects.txt', utf8(keys));
    }
    this.done = true;
    return { id: closingId(this.seed), pieces: await encrypt([this.to], a.finish()), holds: 0 };
  }
}

/** Parts of one file after another: each run is read at once, since every read
 * takes a while, however short it is. */
function runsOf(parts: Part[]): Part[][] {
  const runs: Part[][] = [];
  for (const p of parts) {
    const last = runs[runs.length - 1];
    if (last && last[0].file === p.file) last.push(p);
    else runs.push([p]);
  }
  return runs;
}
