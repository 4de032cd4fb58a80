import { passwordRule, shortestPassword } from "../password-rule";
import { perProcess } from "./process";

/** The common list is large and only needed for new passwords, so it is loaded then. */
async function commonPasswords(): Promise<ReadonlySet<string>> {
  const { dictionary } = await import("@zxcvbn-ts/language-common");
  return perProcess("common-passwords", () => new Set(dictionary["passwords-common"]));
}

/** Rows of keys, and the alphabet, in which a run of keys is easily guessed. */
const rows = ["1234567890", "abcdefghijklmnopqrstuvwxyz", "qwertyuiopasdfghjklzxcvbnm"];
const runs = rows.flatMap((row) => [row.repeat(4), [...row].reverse().join("").repeat(4)]);

/** unit returns the shortest text of which the whole is a repetition, perhaps cut off at
 * its end: "abc" of "abcabcab". */
function unit(text: string): string {
  for (let length = 1; length <= text.length / 2; length++) {
    const part = text.slice(0, length);
    if (part.repeat(Math.ceil(text.length / length)).startsWith(text)) return part;
  }
  return text;
}

/** words returns what of a person or of the service must not be all of a password. */
function ownWords({ name, email }: { name: string; email: string }): string[] {
  const [local = "", domain = ""] = email.split("@");
  return [email, local, domain, name, "Todo Chatbot"];
}

const plain = (text: string) => text.normalize("NFKC").toLowerCase();
const letters = (text: string) => text.replace(/[^\p{L}\p{N}]+/gu, "");
/** Digits and signs before and after a word add little to it. */
const core = (text: string) => text.replace(/^[^\p{L}]+|[^\p{L}]+$/gu, "");

/** passwordProblem returns why a new password is not taken, as a sentence, or undefined.
 * It follows NIST SP 800-63B-4: length, a list of common ones, words of the context; any
 * character goes, and none is demanded. */
export async function passwordProblem(
  password: string,
  person: { name: string; email: string },
): Promise<string | undefined> {
  const text = plain(password);
  if (text.trim() === "") return "The password consists of blanks only.";
  if ([...text].length < shortestPassword) {
    return `The password needs at least ${shortestPassword} characters. ${passwordRule}`;
  }
  if (new Set(text).size < 5) return "The password repeats a few characters. Choose a longer mix.";
  const own = ownWords(person)
    .map((word) => letters(plain(word)))
    .filter((word) => word !== "");
  const forms = new Set([text, letters(text), core(text), unit(text), unit(letters(text))]);
  const common = await commonPasswords();
  for (const form of forms) {
    const word = letters(form);
    if (own.includes(word) || own.includes(core(form))) {
      return "The password is your name, your email or the name of this service. Choose another.";
    }
    if (common.has(form) || common.has(word) || common.has(unit(core(form)))) {
      return "This password is one of those that are tried first. Choose another.";
    }
  }
  const keys = unit(letters(text));
  if (keys !== "" && runs.some((run) => run.includes(keys))) {
    return "The password is a row of keys or letters. Choose another.";
  }
  return undefined;
}
