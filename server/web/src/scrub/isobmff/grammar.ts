import {
  isoAuxi,
  isoColr,
  isoCslg,
  isoDfLa,
  isoElst,
  isoFirst,
  isoHdlr,
  isoMdhd,
  isoMvhd,
  isoStsz,
  isoStz2,
  isoTable,
  isoTkhd,
  isoTrex,
  isoVendor,
} from './edit';
import { IsoEdit } from './file';
import { isoQuiet } from './pass';

// What becomes of a box.
export const isoDrop = 0; // becomes free, full of zeros
export const isoBlank = 1; // keeps its type, full of zeros
export const isoKeep = 2; // stays, as far as its edit says
export const isoKids = 3; // stays, and so do the boxes in it that are named
export const isoCoded = 4; // stays without the signatures of encoders
export const isoSpecial = 5; // see special
export type IsoAction = 0 | 1 | 2 | 3 | 4 | 5;

interface IsoRule {
  do: IsoAction;
  edit?: IsoEdit;
  says: string; // the class of what is dropped, when words in it do not tell
}

/** isoGrammar says what may stand where: parent/child. */
export const isoGrammar = new Map<string, IsoRule>();

/** isoRules adds one rule for several children of one parent, of four bytes each, one space apart. */
function isoRules(parent: string, action: IsoAction, types: string, edit?: IsoEdit, says = ''): void {
  for (let i = 0; i < types.length; i += 5) isoGrammar.set(parent + types.slice(i, i + 4), { do: action, edit, says });
}

isoRules('/', isoKeep, 'ftyp styp pdin sidx ssix');
isoRules('/', isoSpecial, 'moov moof mdat imda meta');
isoRules('/', isoKids, 'mfra');
isoRules('/', isoBlank, 'free skip wide');
isoRules('/', isoDrop, 'udta uuid prft emsg mpvd meco jumb sefd');
isoRules('mfra/', isoKeep, 'tfra mfro');

isoRules('moov/', isoKeep, 'mvhd', isoMvhd);
isoRules('moov/', isoSpecial, 'trak cmov gps ');
isoRules('moov/', isoKids, 'mvex');
isoRules('moov/', isoDrop, 'iods ctab', undefined, isoQuiet);
isoRules('mvex/', isoKeep, 'mehd leva');
isoRules('mvex/', isoKeep, 'trex', isoTrex);
isoRules('trak/', isoKeep, 'tkhd', isoTkhd);
isoRules('trak/', isoKids, 'edts mdia tapt tref');
isoRules('edts/', isoKeep, 'elst', isoElst);
isoRules('tapt/', isoKeep, 'clef prof enof', isoFirst(12));
isoRules('tref/', isoKeep, 'auxl prem');
isoRules('tref/', isoDrop, 'cdsc cdep tmcd chap hint sync subt font vdep vplx', undefined, isoQuiet);
isoRules('mdia/', isoKeep, 'mdhd', isoMdhd);
isoRules('mdia/', isoKeep, 'hdlr', isoHdlr);
isoRules('mdia/', isoKids, 'minf');
isoRules('minf/', isoKeep, 'vmhd', isoFirst(12));
isoRules('minf/', isoKeep, 'smhd', isoFirst(8));
isoRules('minf/', isoKeep, 'hmhd', isoFirst(20));
isoRules('minf/', isoKeep, 'nmhd sthd', isoFirst(4));
isoRules('minf/', isoKeep, 'hdlr', isoHdlr);
isoRules('minf/', isoKids, 'gmhd dinf stbl');
isoRules('gmhd/', isoKeep, 'gmin', isoFirst(16));
isoRules('dinf/', isoSpecial, 'dref');
isoRules('dref/', isoKeep, 'url  urn  alis rsrc', isoFirst(4));

isoRules('stbl/', isoSpecial, 'stsd stco co64');
isoRules('stbl/', isoKeep, 'stts ctts stsh', isoTable(8));
isoRules('stbl/', isoKeep, 'stsc', isoTable(12));
isoRules('stbl/', isoKeep, 'stss stps', isoTable(4));
isoRules('stbl/', isoKeep, 'stsz', isoStsz);
isoRules('stbl/', isoKeep, 'stz2', isoStz2);
isoRules('stbl/', isoKeep, 'cslg', isoCslg);
isoRules('stbl/', isoKeep, 'padb stdp sdtp sbgp sgpd subs saiz saio');

isoRules('entry/', isoCoded, 'avcC hvcC lhvC vvcC av1C vpcC esds');
isoRules('entry/', isoKeep, 'dOps alac dac3 dec3 dac4 ddts dmlp mhaC dapa pcmC chnl dvcC dvvC dvwC SmDm CoLL');
isoRules('entry/', isoKeep, 'SMI  glbl dvc1 strf jp2h');
isoRules('entry/', isoSpecial, 'chan');
isoRules('entry/', isoKeep, 'dfLa', isoDfLa);
isoRules('entry/', isoKeep, 'damr d263 dqcp devc dsmv dawp', isoVendor);
isoRules('entry/', isoKeep, 'colr', isoColr);
isoRules('entry/', isoKeep, 'fiel', isoFirst(2));
isoRules('entry/', isoKeep, 'gama clli', isoFirst(4));
isoRules('entry/', isoKeep, 'pasp amve ccst srat', isoFirst(8));
isoRules('entry/', isoKeep, 'btrt', isoFirst(12));
isoRules('entry/', isoKeep, 'mdcv', isoFirst(24));
isoRules('entry/', isoKeep, 'clap', isoFirst(32));
isoRules('entry/', isoKeep, 'auxi', isoAuxi);
isoRules('entry/', isoKids, 'wave sinf');
isoRules('wave/', isoKeep, 'frma mp4a samr', isoFirst(4));
isoRules('wave/', isoKeep, 'enda', isoFirst(2));
isoRules('wave/', isoKeep, 'alac QDCA QDCP QDCT ms\0\x02 ms\0\x11 ms\0U');
isoRules('wave/', isoSpecial, 'chan');
isoRules('wave/', isoCoded, 'esds');
isoRules('sinf/', isoKeep, 'frma', isoFirst(4));
isoRules('sinf/', isoKeep, 'schm', isoFirst(12));
isoRules('sinf/', isoKids, 'schi');
isoRules('schi/', isoKeep, 'tenc');

isoRules('moof/', isoKeep, 'mfhd', isoFirst(8));
isoRules('moof/', isoSpecial, 'traf');
isoRules('traf/', isoKeep, 'tfhd tfdt trun sbgp sgpd subs saiz saio senc sdtp');
