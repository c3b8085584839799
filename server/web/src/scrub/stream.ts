import { Bytes, none } from './bytes';

/** A Reader reads pieces of a file. It returns all bytes of a piece, or throws. */
export interface Reader {
  size: number;
  read(from: number, to: number): Bytes;
}

/**
 * A Piece is n bytes of the result: a piece of the input, bytes of our own, or zeros. With a position and bytes, the
 * bytes replace that piece of the input.
 */
export interface Piece {
  n: number;
  from: number; // in the input; -1: none
  bytes: Bytes | null; // null and no position: zeros
  same: boolean; // the bytes are those of the input: a copy costs less time than a small slice of the file
  pinned: boolean; // hide does not zero these bytes
}

interface Span {
  from: number;
  to: number;
}

/** As a number of bytes, all means the rest of the input. Go's is 2^63 - 1, which a number cannot hold. */
export const all = 2 ** 63;

const maxWindow = 16 << 20;
const maxSpans = 64 << 10;
export const streamWindow = 64 << 10; // the window of Go's Copy, which some formats use as a limit
export const baseWindow = 8 << 10;

// How much is read when less is asked for: firstRead after bytes were skipped,
// then twice as much for each piece that follows the last one.
const firstRead = 32 << 10;
const largestRead = 512 << 10;

// Changes less than nearBytes apart become one piece. Unchanged bytes that were
// read become a slice of the file if they are more than fewBytes, and are copied
// otherwise.
const nearBytes = 64;
const fewBytes = 4 << 10;

/**
 * A Stream is one file on its way through, as in Go. It reads little more than what parsers look at, and writes
 * nothing: it makes a plan of the result, a list of pieces. By comparing, copy finds bytes that a parser changed in
 * place.
 */
export class Stream {
  pos = 0;
  readonly maxWindow = maxWindow;
  partly = false;
  pinned = false; // where Go sets hidden to nil: copy makes pinned pieces
  readonly removed = new Set<string>();
  private buf = none; // the window is buf[r:]
  private was = none; // the same bytes as they were read, unchanged
  private r = 0;
  private readTo = 0;
  private step = firstRead;
  private plan: Piece[] = [];
  private hidden: Span[] = [];
  private late: Span[] = [];

  constructor(private readonly src: Reader) {}

  /** unknown gives up by throwing; any other error of a parser has the same effect (see scrub). */
  giveUp(): never {
    throw new Error('unknown');
  }

  found(...classes: string[]): void {
    for (const c of classes) this.removed.add(c);
  }

  peek(n: number): Bytes {
    if (n > maxWindow) this.giveUp();
    this.fill(n);
    return this.buf.subarray(this.r, this.r + Math.max(n, 0));
  }

  /** next returns what is in the window, at most n bytes and at least one, or nothing at the end of the input. */
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

  /** take takes n bytes, whether they were read or not, and returns how many there were. */
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
    const follows =
      last && last.from >= 0 && (last.same || !last.bytes) && last.pinned === pinned && last.from + last.n === from;
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

  /** result returns the plan with zeros for hidden bytes: what Go writes in its second pass. */
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
      if (at < to) {
        out.push({ ...p, from: at, n: to - at, bytes: p.bytes && p.bytes.subarray(at - p.from, to - p.from) });
      }
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
