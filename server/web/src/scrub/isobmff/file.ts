import { Bytes } from '../bytes';
import { Stream } from '../stream';
import { Wide } from '../wide';
import { IsoBox } from './box';

/** An IsoFile is a file of the ISO base media family on its way through. */
export interface IsoFile {
  s: Stream;
  specials: IsoSpecials; // what passes boxes that have a function of their own
  image: boolean; // by its brand a HEIC or AVIF
  index: boolean; // moov was seen, or meta of an image: they say where the media are
  media: boolean; // media were seen
  short: boolean; // the box being passed ended too early
  cut: boolean; // the file ends within moov
  reach: Wide; // the last position at which media that stay start
  kind: string; // the handler of the track being passed
  tracks: Map<number, IsoTrack>;
  drops: boolean; // some track is dropped
  moof: number; // where the fragment being passed starts
  next: Wide; // where its next run of samples starts, or -1
}

/** IsoSpecials are the functions for boxes that have one of their own, by type. */
export type IsoSpecials = { [typ: string]: (f: IsoFile, b: IsoBox) => void };

/** An IsoEdit edits the start of a box's body and returns how much of the body stays, or less than 0. */
export type IsoEdit = (f: IsoFile, p: Bytes) => number;

/** An IsoTrack is what fragments need to know about a track. */
export interface IsoTrack {
  dropped: boolean;
  size: number; // of samples whose size the fragment does not say
}

const isoTracks = 1024;

/** track returns what is known about a track. */
export function track(f: IsoFile, id: number): IsoTrack {
  let t = f.tracks.get(id);
  if (!t) {
    if (f.tracks.size >= isoTracks) f.s.giveUp();
    t = { dropped: false, size: 0 };
    f.tracks.set(id, t);
  }
  return t;
}
