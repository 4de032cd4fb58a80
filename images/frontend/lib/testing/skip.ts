/** skips returns whether tests are skipped, for a reason that undefined means the lack of.
 * The image of the checks sets SKIP_NO_TESTS: there, a reason is an error. */
export function skips(reason: string | undefined): boolean {
  if (reason === undefined) return false;
  if (process.env.SKIP_NO_TESTS) throw new Error(`SKIP_NO_TESTS is set, but ${reason}`);
  console.warn(`tests are skipped: ${reason}`);
  return true;
}
