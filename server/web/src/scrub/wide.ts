/**
 * A Wide is a number that is an int64 in Go. Hostile files have lengths of all 64 bits, and a number holds only 53: n
 * is the value, rounded above 2^53, and low its lower 32 bits, exactly. So sums and comparisons come out as in Go.
 */
export class Wide {
  constructor(
    readonly n: number,
    readonly low = n | 0,
  ) {}

  plus(n: number, low = n | 0): Wide {
    return wide(this.n + n, (this.low + low) | 0);
  }

  minus(o: Wide): Wide {
    return wide(this.n - o.n, (this.low - o.low) | 0);
  }

  less(o: Wide): boolean {
    return this.minus(o).n < 0;
  }
}

/** wide corrects n, which rounding made inexact, by the lower 32 bits. */
function wide(n: number, low: number): Wide {
  return new Wide(n + ((low - (n | 0)) | 0), low);
}

/** wideMax is Go's largest int64; wideFar is a position after the end of any file. */
export const wideMax = new Wide(2 ** 63, -1);
export const wideFar = new Wide(2 ** 61, -1);

export function wideMin(a: Wide, b: Wide): Wide {
  return b.less(a) ? b : a;
}
