import { Bytes, bytes, notZero, u16, u32 } from '../bytes';
import { IsoFile } from '../isobmff/file';
import { Wide } from '../wide';
import { noteWords, Other } from '../words';

/** A Heif is the box of type meta that describes pictures. It is edited in one piece. */
export interface Heif {
  f: IsoFile;
  boxes: Map<string, Bytes>; // the bodies of the boxes in it
  idat: number; // position in the file of the body of idat
  primary: number;
  items: Map<number, HeifItem>;
  refs: HeifRef[];
  extents: HeifExtent[];
  props: HeifProp[];
  links: HeifLink[];
  others: boolean; // some item is no picture, and is removed
}

/** A HeifItem is one item. */
export interface HeifItem {
  typ: Bytes | undefined; // its four letters, in place
  gone: boolean; // remove this item
  unlisted: boolean; // of a type that is not in heifTypes: removed even if a kept picture refers to it
}

/** A HeifRef says that an item has to do with others. */
export interface HeifRef {
  typ: string;
  from: number;
  to: number[];
}

/** A HeifExtent is a piece of an item's bytes. */
export interface HeifExtent {
  item: number;
  method: number; // heifInFile, heifInIdat, or relative to another item
  from: Wide;
  n: number; // -1: up to the end of the file
}

/** A HeifProp is a property that pictures share. */
export interface HeifProp {
  typ: string;
  alpha: boolean; // marks a picture as the transparency of another
  gone: boolean;
}

/** A HeifLink says that an item has a property. */
export interface HeifLink {
  item: number;
  prop: number;
  essential: boolean;
  in: Bytes; // the one or two bytes that say so
}

/**
 * heifID reads the number of an item from p, of 16 bits up to a version, of 32 bits after it, and returns what
 * follows.
 */
export function heifID(p: Bytes, b: Bytes, upTo: number): [number, Bytes] | undefined {
  if (b.length > 0 && b[0] <= upTo && p.length >= 2) return [u16(p, 0), p.subarray(2)];
  if (b.length > 0 && b[0] > upTo && p.length >= 4) return [u32(p, 0), p.subarray(4)];
  return undefined;
}

/** free turns a box into free space. */
export function free(m: Heif, name: Bytes, body: Bytes): void {
  if (notZero(body)) noteWords(m.f.s, body.subarray(0, 4 << 10), Other);
  name.set(bytes('free'));
  body.fill(0);
}
