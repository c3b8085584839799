import { Bytes, none } from './bytes';

/** A Reader gives pieces of a file, whole, or throws. */
export interface Reader {
  size: number;
  read(from: number, to: number): Bytes;
}

/**
 * A Piece of the result: n bytes of the input from a position on, or others. With
 * a position and bytes, these stand in the place of the input's.
 */
export interface Piece {
  n: number;
  from: number; // in the input; -1: none
  bytes: Bytes | null; // null and no position: zeros
  same: boolean; // the bytes are the input's: to cut files into small pieces costs more time
  pinned: boolean; // what is hidden does not count here
}

interface Span {
  from: number;
  to: number;
}

/** The rest of the input, however much: as near to Go's as a number comes. */
export const all = 2 ** 63;

const maxWindow = 16 << 20;
const maxSpans = 64 << 10;
export const streamWindow = 64 << 10; // of Go's Copy: some formats count in it
export const baseWindow = 8 << 10;

// How much is read when less is asked for: the least after a leap, twice as much
// each time that the next piece is read.
const firstRead = 32 << 10;
const largestRead = 512 << 10;

// Changes this near to one another are one piece, and what is left in between of
// the input is a piece of the file only if it is longer than that.
const nearBytes = 64;
const fewBytes = 4 << 10;

/**
 * A Stream is one file on its way through, as in Go. It reads what parsers look
 * at and no more, and writes nothing: it makes a plan of the result. Where bytes
 * that peek returned were changed in place, copy finds out by comparing.
 */
export class Stream {
  pos = 0;
  readonly maxWindow = maxWindow;
  partly = false;
  pinned = false; // for as long as Go's hidden is nil
  readonly removed = new Set<string>();
  private buf = none; // the window is buf[r:]
  private was = none; // the same as it was read
  private r = 0;
  private readTo = 0;
  private step = firstRead;
  private plan: Piece[] = [];
  private hidden: Span[] = [];
  private late: Span[] = [];

  constructor(private readonly src: Reader) {}

  /** unknown gives up. So does whatever else is thrown. */
  unknown(): never {
    throw new Error('unknown');
  }

  found(...classes: string[]): void {
    for (const c of classes) this.removed.add(c);
  }

  peek(n: number): Bytes {
    if (n > maxWindow) this.unknown();
    this.fill(n);
    return this.buf.subarray(this.r, this.r + Math.max(n, 0));
  }

  /** next is what is in the window, which has at least one byte before the end. */
  next(n: number): Bytes {
    this.fill(1);
    return this.peek(Math.min(n, this.buf.length - this.r));
  }

  private fill(n: number): void {
    const have = this.buf.length - this.r;
    const from = this.pos + have;
    if (have >= n || from >= this.src.size) return;
    this.step = from === this.readTo ? Math.min(2 * this.step, largestRead) : firstRead;
    this.readTo = Math.min(this.src.size, from + Math.max(n - have, this.step));
    const b = this.src.read(from, this.readTo);
    this.buf = join(this.buf.subarray(this.r), b);
    this.was = have ? join(this.was.subarray(this.r), b) : b;
    this.r = 0;
  }

  /** take takes n bytes, seen or not, and returns how many there were. */
  private take(n: number): number {
    n = Math.max(0, Math.min(n, this.src.size - this.pos));
    this.r = Math.min(this.r + n, this.buf.length);
    this.pos += n;
    return n;
  }

  skip(n: number): number {
    return this.take(n);
  }

  zero(n: number): number {
    n = this.take(n);
    this.add(-1, n, null);
    return n;
  }

  copy(n: number): number {
    const { pos, r } = this;
    n = this.take(n);
    const seen = Math.min(n, this.buf.length - r);
    for (let i = 0; i < seen; ) {
      const from = i;
      while (i < seen && this.buf[r + i] === this.was[r + i]) i++;
      const same = i;
      this.add(pos + from, same - from, same - from > fewBytes ? null : this.was.slice(r + from, r + same), true);
      let changed = i;
      for (; i < seen && i < changed + nearBytes; i++) if (this.buf[r + i] !== this.was[r + i]) changed = i + 1;
      i = changed;
      this.add(pos + same, changed - same, this.buf.slice(r + same, r + changed));
    }
    this.add(pos + seen, n - seen, null);
    return n;
  }

  write(b: Bytes): void {
    this.add(-1, b.length, b.slice());
  }

  private add(from: number, n: number, bytes: Bytes | null, same = false): void {
    const { pinned } = this;
    const last = this.plan[this.plan.length - 1];
    const asItIs = from >= 0 && (same || !bytes);
    const follows = last && last.from >= 0 && (last.same || !last.bytes) && last.pinned === pinned && last.from + last.n === from;
    if (n && asItIs && follows) {
      last.n += n;
      last.bytes = last.bytes && bytes && last.n <= fewBytes ? join(last.bytes, bytes) : null;
    } else if (n) this.plan.push({ from, n, bytes, same, pinned });
  }

  end(): boolean {
    return this.pos >= this.src.size;
  }

  copyRest(): void {
    this.copy(all);
  }

  skipRest(): void {
    this.skip(all);
  }

  zeroRest(): void {
    this.zero(all);
  }

  /** hide asks that n bytes from a position on be zeros in the result. */
  hide(from: number, n: number): void {
    if (from < 0 || n <= 0) return;
    const gone = { from, to: Math.min(from + n, this.pos) };
    if (gone.from < gone.to && !covered(this.hidden, gone)) this.insert(this.late, gone);
    this.insert(this.hidden, { from, to: from + n });
  }

  private insert(spans: Span[], n: Span): void {
    const i = upTo(spans, n.from);
    let j = i;
    for (; j < spans.length && spans[j].from <= n.to; j++) {
      n = { from: Math.min(n.from, spans[j].from), to: Math.max(n.to, spans[j].to) };
    }
    if (i === j && spans.length >= maxSpans) this.partly = true;
    else spans.splice(i, j - i, n);
  }

  /** result is the plan, with zeros for what is hidden: Go's second look. */
  result(): Piece[] {
    const out: Piece[] = [];
    for (const p of this.plan) {
      if (p.from < 0 || p.pinned) out.push(p);
      else this.blank(p, out);
    }
    return out;
  }

  private blank(p: Piece, out: Piece[]): void {
    const end = p.from + p.n;
    let at = p.from;
    const part = (to: number): void => {
      if (at < to) out.push({ ...p, from: at, n: to - at, bytes: p.bytes && p.bytes.subarray(at - p.from, to - p.from) });
    };
    for (let i = upTo(this.hidden, p.from); i < this.hidden.length && this.hidden[i].from < end; i++) {
      const from = Math.max(at, this.hidden[i].from);
      const to = Math.min(end, this.hidden[i].to);
      if (from >= to) continue;
      part(from);
      out.push({ ...p, from: -1, n: to - from, bytes: null });
      at = to;
    }
    part(end);
  }
}

function join(a: Bytes, b: Bytes): Bytes {
  const all = new Uint8Array(a.length + b.length);
  all.set(a);
  all.set(b, a.length);
  return all;
}

/** upTo returns the index of the first span that ends at a position or later. */
function upTo(spans: Span[], pos: number): number {
  let i = 0;
  for (let n = spans.length; i < n; ) {
    const h = (i + n) >> 1;
    if (spans[h].to < pos) i = h + 1;
    else n = h;
  }
  return i;
}

function covered(spans: Span[], c: Span): boolean {
  const i = upTo(spans, c.to);
  return i < spans.length && spans[i].from <= c.from;
}
