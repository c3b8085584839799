/**
 * A Wide is what Go keeps in an int64, of which hostile files make full use: n is
 * it, rounded where it is above 2^53, and low its lower half, exactly.
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

/** wide makes a number of about n what low says it is. */
function wide(n: number, low: number): Wide {
  return new Wide(n + ((low - (n | 0)) | 0), low);
}

/** wideMax is Go's largest int64, and wideFar what is after the end of any file. */
export const wideMax = new Wide(2 ** 63, -1);
export const wideFar = new Wide(2 ** 61, -1);

export function wideMin(a: Wide, b: Wide): Wide {
  return b.less(a) ? b : a;
}
