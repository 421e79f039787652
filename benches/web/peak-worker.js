// Runs the loops of peak.js outside of the page's main thread.

import { measurePeak, PEAKS } from "./peak.js";
import { serve } from "./remote.js";

serve({
  async measure() {
    const peaks = {};
    for (const name of PEAKS) peaks[name] = await measurePeak(name);
    return peaks;
  },
});
