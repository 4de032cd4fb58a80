/** The minimum length of a new password, in characters. NIST SP 800-63B-4 (section 3.1.1.2)
 * requires 15 where the password is the only factor, and forbids rules about kinds of
 * characters. Shorter passwords of earlier versions still work. */
export const shortestPassword = 15;

/** The rule that the form shows. */
export const passwordRule = `Use at least ${shortestPassword} characters, for example several words.`;
