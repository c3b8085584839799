import { isobmff } from './scrub/isobmff/isobmff';
import { serve } from './scrub/worker';

serve({
  'image/heic': isobmff,
  'image/avif': isobmff,
  'video/mp4': isobmff,
  'video/quicktime': isobmff,
  'video/3gpp': isobmff,
  'video/3gpp2': isobmff,
  'audio/mp4': isobmff,
});
