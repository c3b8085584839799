import { Bytes } from '../bytes';
import { Stream } from '../stream';
import { noteWords, Other, Preview, Software } from '../words';

// Types of metadata blocks.
export const flacStreamInfo = 0;
export const flacPadding = 1;
export const flacSeekTable = 3;
export const flacVorbisComment = 4;
const flacPicture = 6;
export const flacInvalid = 127;

export const flacStreamInfoLen = 34;
export const flacHeadLen = 4 + 4 + flacStreamInfoLen;

/** flacNoteBlock adds to the report what goes with a block that begins with b. */
export function flacNoteBlock(s: Stream, typ: number, b: Bytes): void {
  switch (typ) {
    case flacPadding:
      return;
    case flacVorbisComment:
      return noteWords(s, b, Software);
    case flacPicture:
      return s.found(Preview);
  }
  noteWords(s, b, Other);
}
