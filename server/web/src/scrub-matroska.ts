import { matroska } from './scrub/matroska/matroska';
import { serve } from './scrub/worker';

serve({ 'video/webm': matroska, 'video/x-matroska': matroska });
