// Statistics of durations, sizes and logits.

/** Returns the middle value, or the mean of the two middle values. */
export function median(values) {
  if (values.length === 0) throw new RangeError("the median of no values is undefined");
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * Returns the number of multiply-accumulates in the encoder's matrix products for a pair of `tokens` tokens, without any
 * shortcut: per layer and token, four products with H×H weights and two with H×F; and per layer, the two products of attention.
 * `config` is a Hugging Face config.json.
 */
export function macs(config, tokens) {
  const { num_hidden_layers: layers, hidden_size: hidden, intermediate_size: intermediate } = config;
  return layers * (tokens * (4 * hidden ** 2 + 2 * hidden * intermediate) + 2 * tokens ** 2 * hidden);
}

/** Returns the speed in GMAC/s (10⁹ multiply-accumulates per second). */
export const gmacs = (count, ms) => count / ms / 1e6;

/** Returns the largest absolute difference between two lists of logits. */
export function largestDifference(a, b) {
  return Math.max(...a.flat().map((value, at) => Math.abs(value - b.flat()[at])));
}

/** Returns the energy of `reference` divided by that of its differences to `logits`, in decibels; Infinity without differences. */
export function signalToNoise(reference, logits) {
  const [signal, other] = [reference.flat(), logits.flat()];
  const energy = (values) => values.reduce((sum, value) => sum + value * value, 0);
  return 10 * Math.log10(energy(signal) / energy(signal.map((value, at) => value - other[at])));
}
