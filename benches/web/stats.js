// The numbers behind the tables, from durations and sizes.

/** The middle value; of an even number of values the mean of the two in the middle. */
export function median(values) {
  if (values.length === 0) throw new RangeError("no values have a median");
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * Multiplications with an addition that a plain forward pass of `tokens` tokens takes in the encoder's matrix products:
 * four H×H and two H×F for each token, and the two of attention. `config` is a Hugging Face config.json.
 */
export function macs(config, tokens) {
  const { num_hidden_layers: layers, hidden_size: hidden, intermediate_size: intermediate } = config;
  return layers * (tokens * (4 * hidden ** 2 + 2 * hidden * intermediate) + 2 * tokens ** 2 * hidden);
}

/** 10⁹ multiplications with an addition a second. */
export const gmacs = (count, ms) => count / ms / 1e6;

/** The largest difference between two lists of logits. */
export function largestDifference(a, b) {
  return Math.max(...a.flat().map((value, at) => Math.abs(value - b.flat()[at])));
}

/** How far `logits` stand out of their differences to `reference`, in decibels; Infinity where there are none. */
export function signalToNoise(reference, logits) {
  const [signal, other] = [reference.flat(), logits.flat()];
  const energy = (values) => values.reduce((sum, value) => sum + value * value, 0);
  return 10 * Math.log10(energy(signal) / energy(signal.map((value, at) => value - other[at])));
}
