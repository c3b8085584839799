import { jpeg } from './scrub/jpeg/jpeg';
import { serve } from './scrub/worker';

serve({ 'image/jpeg': jpeg });
