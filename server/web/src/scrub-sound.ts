import { flac } from './scrub/flac/flac';
import { mp3 } from './scrub/mp3/mp3';
import { ogg } from './scrub/ogg/ogg';
import { wav } from './scrub/wav';
import { serve } from './scrub/worker';

serve({ 'audio/mpeg': mp3, 'audio/ogg': ogg, 'audio/wav': wav, 'audio/flac': flac });
