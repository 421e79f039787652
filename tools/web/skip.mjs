// Tests whose requirements are missing: skipped with a message, failed in CI.

const IN_CI = !["", "0", "false"].includes(process.env.CI ?? "");

/**
 * Returns a value for the `skip` option of a test: false if the requirement is met, otherwise the reason, which is also printed.
 *
 * Throws in CI (if the environment variable CI is set), unless the requirement is `optional`.
 */
export function skipUnless(met, reason, { optional = false } = {}) {
  if (met) return false;
  if (IN_CI && !optional) throw new Error(`${reason}; CI must not skip this test`);
  console.error(`skipped: ${reason}`);
  return reason;
}
