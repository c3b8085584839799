import { gif } from './scrub/gif';
import { png } from './scrub/png';
import { webp } from './scrub/webp';
import { serve } from './scrub/worker';

serve({ 'image/png': png, 'image/gif': gif, 'image/webp': webp });
