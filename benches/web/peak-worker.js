// The loops of peak.js, away from the page's own thread.

import { measurePeak, PEAKS } from "./peak.js";
import { serve } from "./remote.js";

serve({
  async measure() {
    const peaks = {};
    for (const name of PEAKS) peaks[name] = await measurePeak(name);
    return peaks;
  },
});
