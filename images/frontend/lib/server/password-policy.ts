import { passwordRule, shortestPassword } from "../password-rule";
import { perProcess } from "./process";

/** The list of common passwords is large, so it is loaded for the first new password. */
async function commonPasswords(): Promise<ReadonlySet<string>> {
  const { dictionary } = await import("@zxcvbn-ts/language-common");
  return perProcess("common-passwords", () => new Set(dictionary["passwords-common"]));
}

/** Sequences of keys that are easy to guess: the rows of a keyboard and the alphabet. */
const rows = ["1234567890", "abcdefghijklmnopqrstuvwxyz", "qwertyuiopasdfghjklzxcvbnm"];
const runs = rows.flatMap((row) => [row.repeat(4), [...row].reverse().join("").repeat(4)]);

/** unit returns the shortest part whose repetition gives the text; the last repetition may be
 * incomplete: "abc" for "abcabcab". */
function unit(text: string): string {
  for (let length = 1; length <= text.length / 2; length++) {
    const part = text.slice(0, length);
    if (part.repeat(Math.ceil(text.length / length)).startsWith(text)) return part;
  }
  return text;
}

/** ownWords returns the words of the person and the service that are too weak alone. */
function ownWords({ name, email }: { name: string; email: string }): string[] {
  const [local = "", domain = ""] = email.split("@");
  return [email, local, domain, name, "Todo Chatbot"];
}

const plain = (text: string) => text.normalize("NFKC").toLowerCase();
const letters = (text: string) => text.replace(/[^\p{L}\p{N}]+/gu, "");
/** Removes digits and signs around a word, because they add little strength. */
const core = (text: string) => text.replace(/^[^\p{L}]+|[^\p{L}]+$/gu, "");

/** passwordProblem returns the reason to refuse a new password, as a text for people, or
 * undefined. It follows NIST SP 800-63B-4: it checks the length, a list of common passwords and
 * words of the context; all characters are allowed, and none is required. */
export async function passwordProblem(
  password: string,
  person: { name: string; email: string },
): Promise<string | undefined> {
  const text = plain(password);
  if (text.trim() === "") return "The password has only spaces.";
  if ([...text].length < shortestPassword) {
    return `The password is too short. ${passwordRule}`;
  }
  if (new Set(text).size < 5)
    return "The password repeats a few characters. Use more different ones.";
  const own = ownWords(person)
    .map((word) => letters(plain(word)))
    .filter((word) => word !== "");
  const forms = new Set([text, letters(text), core(text), unit(text), unit(letters(text))]);
  const common = await commonPasswords();
  for (const form of forms) {
    const word = letters(form);
    if (own.includes(word) || own.includes(core(form))) {
      return "The password is your name, your email or the name of this service. Choose another one.";
    }
    if (common.has(form) || common.has(word) || common.has(unit(core(form)))) {
      return "This password is too common. Choose another one.";
    }
  }
  const keys = unit(letters(text));
  if (keys !== "" && runs.some((run) => run.includes(keys))) {
    return "The password is a sequence of keys or letters. Choose another one.";
  }
  return undefined;
}
