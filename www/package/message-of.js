// @ts-check
// Words for what was thrown.

/**
 * Returns the message of an error, or whatever else was thrown as text.
 * @param {unknown} error
 */
export function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}
