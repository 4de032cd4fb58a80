/** The fewest characters of a new password. NIST SP 800-63B-4 (section 3.1.1.2) wants 15
 * where the password is the only factor, and no rule about kinds of characters. Earlier
 * passwords keep working. */
export const shortestPassword = 15;

/** The rule as the form shows it. */
export const passwordRule = `At least ${shortestPassword} characters; a few words in a row do well.`;
