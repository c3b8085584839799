import { Bytes, index } from './bytes';
import { Stream } from './stream';

// Classes of what was found and removed.
export const Place = 'place';
export const Time = 'time';
export const Device = 'device';
export const IDs = 'ids';
export const Person = 'person';
export const Text = 'text';
export const Preview = 'preview';
export const Embedded = 'embedded';
export const Software = 'software';
export const Other = 'other';

const hints: [string, string][] = [
  [Place, '\xa9xyz loci location GPS latitude City LOCATION'],
  [Time, '\xa9day creationdate CreateDate DateTime creation_time DATE date TDRC TYER ICRD'],
  [Device, 'make model \xa9mak \xa9mod tiff:Make manufacturer'],
  [Software, '\xa9swr \xa9too CreatorTool ENCODER encoder software Software TSSE TENC ISFT Lavf Lavc'],
  [IDs, 'DocumentID InstanceID content.identifier Serial IMEI'],
  [Person, '\xa9ART \xa9aut auth creator ARTIST artist Author TPE1 IART Copyright'],
  [Text, '\xa9nam \xa9cmt dscp title TITLE comment COMMENT Comment description TIT2 COMM ICMT INAM'],
  [Preview, 'covr APIC METADATA_BLOCK_PICTURE Thumbnail thumbnail'],
  [Embedded, 'MotionPhoto MicroVideo GContainer'],
];

/**
 * noteWords adds to the report the classes of the hints in a piece of metadata, or the class otherwise if there are
 * none.
 */
export function noteWords(s: Stream, b: Bytes, otherwise: string): void {
  let some = false;
  for (const [c, words] of hints) {
    if (words.split(' ').some((w) => index(b, w) >= 0)) {
      s.found(c);
      some = true;
    }
  }
  if (!some) s.found(otherwise);
}

/** noteNext is noteWords for the next n bytes of the input. It takes none. */
export function noteNext(s: Stream, n: number, otherwise: string): void {
  noteWords(s, s.peek(Math.min(n, 4 << 10)), otherwise);
}
