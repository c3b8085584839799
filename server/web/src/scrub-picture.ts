import { gif } from './scrub/gif/gif';
import { png } from './scrub/png/png';
import { webp } from './scrub/webp/webp';
import { serve } from './scrub/worker';

serve({ 'image/png': png, 'image/gif': gif, 'image/webp': webp });
