import { jpeg } from './scrub/jpeg';
import { serve } from './scrub/worker';

serve({ 'image/jpeg': jpeg });
