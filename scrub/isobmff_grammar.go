package scrub

// What becomes of a box. The zero value is for all that the grammar does not
// name.
type isoAction int

const (
	isoDrop    isoAction = iota // becomes free, full of zeros
	isoBlank                    // keeps its type, full of zeros
	isoKeep                     // stays, as far as its edit says
	isoKids                     // stays, and so do the boxes in it that are named
	isoCoded                    // stays without the signatures of encoders
	isoSpecial                  // see special
)

// isoQuiet marks boxes that reveal nothing: the report does not mention them.
const isoQuiet = "nothing"

type isoRule struct {
	do   isoAction
	edit isoEdit
	says string // the class of what is dropped, when words in it do not tell
}

// isoGrammar says which box may stand in which: parent/child. All others become
// free. It has no cycle, so a hostile file cannot nest boxes deeper than the
// grammar does.
var isoGrammar = isoRules([]isoLine{
	{"/", isoRule{do: isoKeep}, "ftyp styp pdin sidx ssix"},
	{"/", isoRule{do: isoSpecial}, "moov moof mdat imda meta"},
	{"/", isoRule{do: isoKids}, "mfra"},
	{"/", isoRule{do: isoBlank}, "free skip wide"},
	{"/", isoRule{}, "udta uuid prft emsg mpvd meco jumb sefd"},
	{"mfra/", isoRule{do: isoKeep}, "tfra mfro"},

	{"moov/", isoRule{do: isoKeep, edit: isoMvhd}, "mvhd"},
	{"moov/", isoRule{do: isoSpecial}, "trak cmov gps\x20"},
	{"moov/", isoRule{do: isoKids}, "mvex"},
	{"moov/", isoRule{says: isoQuiet}, "iods ctab"},
	{"mvex/", isoRule{do: isoKeep}, "mehd leva"},
	{"mvex/", isoRule{do: isoKeep, edit: isoTrex}, "trex"},
	{"trak/", isoRule{do: isoKeep, edit: isoTkhd}, "tkhd"},
	{"trak/", isoRule{do: isoKids}, "edts mdia tapt tref"},
	{"edts/", isoRule{do: isoKeep, edit: isoElst}, "elst"},
	{"tapt/", isoRule{do: isoKeep, edit: isoFirst(12)}, "clef prof enof"},
	{"tref/", isoRule{do: isoKeep}, "auxl prem"}, // the transparency of the other track
	{"tref/", isoRule{says: isoQuiet}, "cdsc cdep tmcd chap hint sync subt font vdep vplx"},
	{"mdia/", isoRule{do: isoKeep, edit: isoMdhd}, "mdhd"},
	{"mdia/", isoRule{do: isoKeep, edit: isoHdlr}, "hdlr"},
	{"mdia/", isoRule{do: isoKids}, "minf"},
	{"minf/", isoRule{do: isoKeep, edit: isoFirst(12)}, "vmhd"},
	{"minf/", isoRule{do: isoKeep, edit: isoFirst(8)}, "smhd"},
	{"minf/", isoRule{do: isoKeep, edit: isoFirst(20)}, "hmhd"},
	{"minf/", isoRule{do: isoKeep, edit: isoFirst(4)}, "nmhd sthd"},
	{"minf/", isoRule{do: isoKeep, edit: isoHdlr}, "hdlr"},
	{"minf/", isoRule{do: isoKids}, "gmhd dinf stbl"},
	{"gmhd/", isoRule{do: isoKeep, edit: isoFirst(16)}, "gmin"},
	{"dinf/", isoRule{do: isoSpecial}, "dref"},
	{"dref/", isoRule{do: isoKeep, edit: isoFirst(4)}, "url\x20 urn\x20 alis rsrc"},

	{"stbl/", isoRule{do: isoSpecial}, "stsd stco co64"},
	{"stbl/", isoRule{do: isoKeep, edit: isoTable(8)}, "stts ctts stsh"},
	{"stbl/", isoRule{do: isoKeep, edit: isoTable(12)}, "stsc"},
	{"stbl/", isoRule{do: isoKeep, edit: isoTable(4)}, "stss stps"},
	{"stbl/", isoRule{do: isoKeep, edit: isoStsz}, "stsz"},
	{"stbl/", isoRule{do: isoKeep, edit: isoStz2}, "stz2"},
	{"stbl/", isoRule{do: isoKeep, edit: isoCslg}, "cslg"},
	{"stbl/", isoRule{do: isoKeep}, "padb stdp sdtp sbgp sgpd subs saiz saio"},

	{"entry/", isoRule{do: isoCoded}, "avcC hvcC lhvC vvcC av1C vpcC esds"},
	{"entry/", isoRule{do: isoKeep}, "dOps alac dac3 dec3 dac4 ddts dmlp mhaC dapa pcmC chnl dvcC dvvC dvwC SmDm CoLL"},
	{"entry/", isoRule{do: isoKeep}, "SMI\x20 glbl dvc1 strf jp2h"}, // Sorenson, VC-1, Microsoft's, JPEG 2000
	{"entry/", isoRule{do: isoSpecial}, "chan"},
	{"entry/", isoRule{do: isoKeep, edit: isoDfLa}, "dfLa"},
	{"entry/", isoRule{do: isoKeep, edit: isoVendor}, "damr d263 dqcp devc dsmv dawp"},
	{"entry/", isoRule{do: isoKeep, edit: isoColr}, "colr"},
	{"entry/", isoRule{do: isoKeep, edit: isoFirst(2)}, "fiel"},
	{"entry/", isoRule{do: isoKeep, edit: isoFirst(4)}, "gama clli"},
	{"entry/", isoRule{do: isoKeep, edit: isoFirst(8)}, "pasp amve ccst srat"},
	{"entry/", isoRule{do: isoKeep, edit: isoFirst(12)}, "btrt"},
	{"entry/", isoRule{do: isoKeep, edit: isoFirst(24)}, "mdcv"},
	{"entry/", isoRule{do: isoKeep, edit: isoFirst(32)}, "clap"},
	{"entry/", isoRule{do: isoKeep, edit: isoAuxi}, "auxi"},
	{"entry/", isoRule{do: isoKids}, "wave sinf"},
	{"wave/", isoRule{do: isoKeep, edit: isoFirst(4)}, "frma mp4a samr"},
	{"wave/", isoRule{do: isoKeep, edit: isoFirst(2)}, "enda"},
	{"wave/", isoRule{do: isoKeep}, "alac QDCA QDCP QDCT ms\x00\x02 ms\x00\x11 ms\x00U"}, // QDesign, and Microsoft's
	{"wave/", isoRule{do: isoSpecial}, "chan"},
	{"wave/", isoRule{do: isoCoded}, "esds"},
	{"sinf/", isoRule{do: isoKeep, edit: isoFirst(4)}, "frma"},
	{"sinf/", isoRule{do: isoKeep, edit: isoFirst(12)}, "schm"},
	{"sinf/", isoRule{do: isoKids}, "schi"},
	{"schi/", isoRule{do: isoKeep}, "tenc"},

	{"moof/", isoRule{do: isoKeep, edit: isoFirst(8)}, "mfhd"},
	{"moof/", isoRule{do: isoSpecial}, "traf"},
	{"traf/", isoRule{do: isoKeep}, "tfhd tfdt trun sbgp sgpd subs saiz saio senc sdtp"},
})

// An isoLine is one rule for several children of one parent.
type isoLine struct {
	parent string
	rule   isoRule
	types  string // of four bytes each, one space apart
}

func isoRules(lines []isoLine) map[string]isoRule {
	m := map[string]isoRule{}
	for _, l := range lines {
		for i := 0; i < len(l.types); i += 5 {
			m[l.parent+l.types[i:i+4]] = l.rule
		}
	}
	return m
}
