/** skips tells whether to skip tests: if there is a reason. With SKIP_NO_TESTS, which the image
 * of the checks sets, it throws the reason instead. */
export function skips(reason: string | undefined): boolean {
  if (reason === undefined) return false;
  if (process.env.SKIP_NO_TESTS) throw new Error(`SKIP_NO_TESTS is set, but ${reason}`);
  console.warn(`tests are skipped: ${reason}`);
  return true;
}
