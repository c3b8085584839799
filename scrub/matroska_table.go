package scrub

// Identifiers of elements that are handled by name.
const (
	mkvHeader       = 0x1A45DFA3
	mkvSegment      = 0x18538067
	mkvSeekHead     = 0x114D9B74
	mkvSeek         = 0x4DBB
	mkvSeekID       = 0x53AB
	mkvInfo         = 0x1549A966
	mkvTracks       = 0x1654AE6B
	mkvTrackEntry   = 0xAE
	mkvTrackNumber  = 0xD7
	mkvTrackType    = 0x83
	mkvTrackUID     = 0x73C5
	mkvCodecID      = 0x86
	mkvCodecPrivate = 0x63A2
	mkvCluster      = 0x1F43B675
	mkvSimpleBlock  = 0xA3
	mkvBlockGroup   = 0xA0
	mkvBlock        = 0xA1
	mkvCues         = 0x1C53BB6B
	mkvChapters     = 0x1043A770
	mkvTags         = 0x1254C367
	mkvAttachments  = 0x1941A469
	mkvDocType      = 0x4282
)

// What is done with an element.
type mkvKind int

const (
	mkvDrop    mkvKind = iota // becomes a Void
	mkvNumber                 // stays: a number or a name, 8 bytes at most
	mkvData                   // stays, however long
	mkvMaster                 // stays, and its children are looked at
	mkvSpecial                // has a function of its own
)

// mkvAllowed says for each parent which children may stay. All others become
// Void. A decoder needs none of those; elements that programs may add in future
// go as well.
var mkvAllowed = map[uint32]mkvKindMap{
	mkvHeader: mkvKinds(mkvNumber, 0x4286, 0x42F7, 0x42F2, 0x42F3, mkvDocType, 0x4287, 0x4285),
	mkvSegment: mkvKinds(mkvMaster, mkvSeekHead, mkvInfo, mkvTracks, mkvCues).
		and(mkvSpecial, mkvCluster),
	mkvSeekHead: mkvKinds(mkvSpecial, mkvSeek),
	mkvSeek:     mkvKinds(mkvNumber, mkvSeekID, 0x53AC),
	mkvInfo:     mkvKinds(mkvNumber, 0x2AD7B1, 0x4489), // TimestampScale, Duration
	mkvTracks:   mkvKinds(mkvSpecial, mkvTrackEntry),
	mkvTrackEntry: mkvKinds(mkvNumber, mkvTrackNumber, mkvTrackType,
		0xB9, 0x88, 0x55AA, 0x9C, // enabled, default, forced, lacing
		0x6DE7, 0x6DF8, 0x23E383, 0x234E7A, 0x23314F, // caches, durations, time scale
		0x55EE, 0xAA, 0x56BB, 0x56AA).              // block additions, damage, SeekPreRoll, CodecDelay
		and(mkvMaster, 0x41E4, 0xE0, 0xE1, 0x6D80). // BlockAdditionMapping, Video, Audio, ContentEncodings
		and(mkvSpecial, mkvTrackUID, mkvCodecID, mkvCodecPrivate),
	0x41E4: mkvKinds(mkvNumber, 0x41F0, 0x41E7).and(mkvData, 0x41ED),
	0xE0: mkvKinds(mkvNumber, 0xB0, 0xBA, 0x9A, 0x9D, 0x53B8, 0x53B9, 0x53C0, 0x54AA, 0x54BB, 0x54CC, 0x54DD,
		0x54B0, 0x54BA, 0x54B2, 0x54B3, 0x2EB524, 0x2FB523, 0x2383E3).
		and(mkvMaster, 0x55B0, 0x7670), // Colour, Projection
	0x55B0: mkvKinds(mkvNumber, 0x55B1, 0x55B2, 0x55B3, 0x55B4, 0x55B5, 0x55B6, 0x55B7, 0x55B8, 0x55B9, 0x55BA,
		0x55BB, 0x55BC, 0x55BD).and(mkvMaster, 0x55D0), // MasteringMetadata
	0x55D0: mkvKinds(mkvNumber, 0x55D1, 0x55D2, 0x55D3, 0x55D4, 0x55D5, 0x55D6, 0x55D7, 0x55D8, 0x55D9, 0x55DA),
	0x7670: mkvKinds(mkvNumber, 0x7671, 0x7673, 0x7674, 0x7675).and(mkvData, 0x7672),
	0xE1:   mkvKinds(mkvNumber, 0xB5, 0x78B5, 0x9F, 0x6264, 0x52F1).and(mkvData, 0x7D7B),
	0x6D80: mkvKinds(mkvMaster, 0x6240),
	0x6240: mkvKinds(mkvNumber, 0x5031, 0x5032, 0x5033).and(mkvMaster, 0x5034, 0x5035), // compression, encryption
	0x5034: mkvKinds(mkvNumber, 0x4254).and(mkvData, 0x4255),
	0x5035: mkvKinds(mkvNumber, 0x47E1).and(mkvData, 0x47E2).and(mkvMaster, 0x47E7),
	0x47E7: mkvKinds(mkvNumber, 0x47E8),

	mkvCluster: mkvKinds(mkvNumber, 0xE7, 0xA7, 0xAB).and(mkvSpecial, mkvSimpleBlock, mkvBlockGroup),
	mkvBlockGroup: mkvKinds(mkvNumber, 0x9B, 0xFB, 0x75A2, 0xFA).
		and(mkvSpecial, mkvBlock).and(mkvMaster, 0x75A1).and(mkvData, 0xA4),
	0x75A1: mkvKinds(mkvMaster, 0xA6),
	0xA6:   mkvKinds(mkvNumber, 0xEE).and(mkvData, 0xA5),

	mkvCues: mkvKinds(mkvMaster, 0xBB),
	0xBB:    mkvKinds(mkvNumber, 0xB3).and(mkvMaster, 0xB7),
	0xB7:    mkvKinds(mkvNumber, 0xF7, 0xF1, 0xF0, 0xB2, 0x5378, 0xEA),
}

// An mkvKindMap says what is done with each child of a parent: a row of the
// table.
type mkvKindMap map[uint32]mkvKind

func mkvKinds(kind mkvKind, ids ...uint32) mkvKindMap {
	return mkvKindMap{}.and(kind, ids...)
}

func (m mkvKindMap) and(kind mkvKind, ids ...uint32) mkvKindMap {
	for _, id := range ids {
		m[id] = kind
	}
	return m
}

// mkvTells says what elements tell that become Void, for the report. Those
// with no class are padding and checksums.
var mkvTells = map[uint32]string{
	ebmlVoid: "", 0xBF: "", // CRC-32: the bytes it covers change
	0x4461: Time, 0x7BA9: Text, 0x4D80: Software, 0x5741: Software,
	0x73A4: IDs, 0x3CB923: IDs, 0x3EB923: IDs, 0x4444: IDs,
	0x7384: Text, 0x3C83AB: Text, 0x3E83BB: Text, // names of files
	0x536E: Text, 0x22B59C: Text, 0x22B59D: Text, 0x258688: Software,
	mkvChapters: Text, mkvAttachments: Embedded, mkvSeek: "",
}

// mkvEnds are the elements that end a Cluster of unknown size, as they cannot
// be inside of one.
var mkvEnds = map[uint32]bool{
	mkvHeader: true, mkvSegment: true, mkvSeekHead: true, mkvInfo: true, mkvTracks: true, mkvCluster: true,
	mkvCues: true, mkvChapters: true, mkvTags: true, mkvAttachments: true,
}
