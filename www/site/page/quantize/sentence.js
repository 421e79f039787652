// @ts-check

/**
 * Returns a message as a sentence. The name of a file stays as it is.
 * @param {string} message
 */
export function sentence(message) {
  const text = message.replace(/^[a-z]+(?= )/, (word) => word.charAt(0).toUpperCase() + word.slice(1));
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
