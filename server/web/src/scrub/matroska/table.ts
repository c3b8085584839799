import { Embedded, IDs, Software, Text, Time } from '../words';
import { ebmlVoid } from './ebml';

// Identifiers of elements that are handled by name.
export const mkvHeader = 0x1a45dfa3;
export const mkvSegment = 0x18538067;
const mkvSeekHead = 0x114d9b74;
export const mkvSeek = 0x4dbb;
export const mkvSeekID = 0x53ab;
const mkvInfo = 0x1549a966;
const mkvTracks = 0x1654ae6b;
export const mkvTrackEntry = 0xae;
export const mkvTrackNumber = 0xd7;
export const mkvTrackType = 0x83;
export const mkvTrackUID = 0x73c5;
export const mkvCodecID = 0x86;
export const mkvCodecPrivate = 0x63a2;
export const mkvCluster = 0x1f43b675;
export const mkvSimpleBlock = 0xa3;
export const mkvBlockGroup = 0xa0;
export const mkvBlock = 0xa1;
const mkvCues = 0x1c53bb6b;
const mkvChapters = 0x1043a770;
export const mkvTags = 0x1254c367;
const mkvAttachments = 0x1941a469;
export const mkvDocType = 0x4282;

// What is done with an element.
export const mkvDrop = 0; // becomes a Void
export const mkvNumber = 1; // stays: a number or a name, 8 bytes at most
export const mkvData = 2; // stays, however long
export const mkvMaster = 3; // stays, and its children are looked at
export const mkvSpecial = 4; // has a function of its own
export type MkvKind = 0 | 1 | 2 | 3 | 4;

const mkvAllowed = new Map<number, Map<number, MkvKind>>();

/** allowed says which children of a parent may stay. */
export function allowed(parent: number, id: number): MkvKind {
  const kinds = mkvAllowed.get(parent);
  return (kinds && kinds.get(id)) || mkvDrop;
}

function allow(parent: number, kind: MkvKind, ...ids: number[]): void {
  const kinds = mkvAllowed.get(parent) || new Map<number, MkvKind>();
  for (const id of ids) kinds.set(id, kind);
  mkvAllowed.set(parent, kinds);
}

allow(mkvHeader, mkvNumber, 0x4286, 0x42f7, 0x42f2, 0x42f3, mkvDocType, 0x4287, 0x4285);
allow(mkvSegment, mkvMaster, mkvSeekHead, mkvInfo, mkvTracks, mkvCues);
allow(mkvSegment, mkvSpecial, mkvCluster);
allow(mkvSeekHead, mkvSpecial, mkvSeek);
allow(mkvSeek, mkvNumber, mkvSeekID, 0x53ac);
allow(mkvInfo, mkvNumber, 0x2ad7b1, 0x4489); // TimestampScale, Duration
allow(mkvTracks, mkvSpecial, mkvTrackEntry);
allow(mkvTrackEntry, mkvNumber, mkvTrackNumber, mkvTrackType);
allow(mkvTrackEntry, mkvNumber, 0xb9, 0x88, 0x55aa, 0x9c); // enabled, default, forced, lacing
allow(mkvTrackEntry, mkvNumber, 0x6de7, 0x6df8, 0x23e383, 0x234e7a, 0x23314f); // caches, durations, time scale
allow(mkvTrackEntry, mkvNumber, 0x55ee, 0xaa, 0x56bb, 0x56aa); // block additions, damage, SeekPreRoll, CodecDelay
allow(mkvTrackEntry, mkvMaster, 0x41e4, 0xe0, 0xe1, 0x6d80); // BlockAdditionMapping, Video, Audio, ContentEncodings
allow(mkvTrackEntry, mkvSpecial, mkvTrackUID, mkvCodecID, mkvCodecPrivate);
allow(0x41e4, mkvNumber, 0x41f0, 0x41e7);
allow(0x41e4, mkvData, 0x41ed);
allow(0xe0, mkvNumber, 0xb0, 0xba, 0x9a, 0x9d, 0x53b8, 0x53b9, 0x53c0, 0x54aa, 0x54bb, 0x54cc, 0x54dd);
allow(0xe0, mkvNumber, 0x54b0, 0x54ba, 0x54b2, 0x54b3, 0x2eb524, 0x2fb523, 0x2383e3);
allow(0xe0, mkvMaster, 0x55b0, 0x7670); // Colour, Projection
allow(0x55b0, mkvNumber, 0x55b1, 0x55b2, 0x55b3, 0x55b4, 0x55b5, 0x55b6, 0x55b7,
  0x55b8, 0x55b9, 0x55ba, 0x55bb, 0x55bc, 0x55bd);
allow(0x55b0, mkvMaster, 0x55d0); // MasteringMetadata
allow(0x55d0, mkvNumber, 0x55d1, 0x55d2, 0x55d3, 0x55d4, 0x55d5, 0x55d6, 0x55d7, 0x55d8, 0x55d9, 0x55da);
allow(0x7670, mkvNumber, 0x7671, 0x7673, 0x7674, 0x7675);
allow(0x7670, mkvData, 0x7672);
allow(0xe1, mkvNumber, 0xb5, 0x78b5, 0x9f, 0x6264, 0x52f1);
allow(0xe1, mkvData, 0x7d7b);
allow(0x6d80, mkvMaster, 0x6240);
allow(0x6240, mkvNumber, 0x5031, 0x5032, 0x5033);
allow(0x6240, mkvMaster, 0x5034, 0x5035); // compression, encryption
allow(0x5034, mkvNumber, 0x4254);
allow(0x5034, mkvData, 0x4255);
allow(0x5035, mkvNumber, 0x47e1);
allow(0x5035, mkvData, 0x47e2);
allow(0x5035, mkvMaster, 0x47e7);
allow(0x47e7, mkvNumber, 0x47e8);

allow(mkvCluster, mkvNumber, 0xe7, 0xa7, 0xab);
allow(mkvCluster, mkvSpecial, mkvSimpleBlock, mkvBlockGroup);
allow(mkvBlockGroup, mkvNumber, 0x9b, 0xfb, 0x75a2, 0xfa);
allow(mkvBlockGroup, mkvSpecial, mkvBlock);
allow(mkvBlockGroup, mkvMaster, 0x75a1);
allow(mkvBlockGroup, mkvData, 0xa4);
allow(0x75a1, mkvMaster, 0xa6);
allow(0xa6, mkvNumber, 0xee);
allow(0xa6, mkvData, 0xa5);

allow(mkvCues, mkvMaster, 0xbb);
allow(0xbb, mkvNumber, 0xb3);
allow(0xbb, mkvMaster, 0xb7);
allow(0xb7, mkvNumber, 0xf7, 0xf1, 0xf0, 0xb2, 0x5378, 0xea);

/** mkvTells says what elements tell that become Void. Those with no class are padding and checksums. */
export const mkvTells = new Map<number, string>();
const tell = (cls: string, ...ids: number[]): void => ids.forEach((id) => mkvTells.set(id, cls));
tell('', ebmlVoid, 0xbf, mkvSeek);
tell(Time, 0x4461);
tell(Text, 0x7ba9, 0x7384, 0x3c83ab, 0x3e83bb, 0x536e, 0x22b59c, 0x22b59d, mkvChapters);
tell(Software, 0x4d80, 0x5741, 0x258688);
tell(IDs, 0x73a4, 0x3cb923, 0x3eb923, 0x4444);
tell(Embedded, mkvAttachments);

/** mkvEnds are the elements that end a Cluster of unknown size. */
export const mkvEnds = new Set([
  mkvHeader, mkvSegment, mkvSeekHead, mkvInfo, mkvTracks, mkvCluster, mkvCues, mkvChapters, mkvTags, mkvAttachments,
]);
