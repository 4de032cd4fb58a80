import { expect, it } from "vitest";
import { passwordProblem } from "./password-policy";

const ann = { name: "Ann Archer", email: "ann.archer@example.com" };

it.each([
  ["blanks only", " ".repeat(20), "blanks only"],
  ["too short", "correct horse", "at least 15 characters"],
  ["one character again and again", "a".repeat(40), "repeats a few characters"],
  ["four characters again and again", "abab".repeat(10), "repeats a few characters"],
  ["a common password, twice", "password1password1", "tried first"],
  ["a common password with signs around it", "!!!!!!password!!!!!!", "tried first"],
  ["a row of keys", "qwertyuiopasdfghjkl", "row of keys"],
  ["a row of digits", "1234567890123456", "row of keys"],
  ["a row of keys backwards", "0987654321098765", "row of keys"],
  ["wide blanks", "\u00a0\u2003\u3000".repeat(6), "blanks only"],
  ["a common password and digits", "Password123456789", "tried first"],
  ["the alphabet", "abcdefghijklmnopqrstuvwxyz", "row of keys"],
  ["the person's address", "ann.archer@example.com", "your email"],
  ["the person's name", "Ann Archer Ann Archer", "your name"],
  ["the name of the service", "Todo Chatbot Todo Chatbot", "name of this service"],
])("refuses %s", async (_, password, says) => {
  expect(await passwordProblem(password, ann)).toContain(says);
});

it.each([
  "walrus under a lilac sky",
  "fünf grüne Äpfel im Korb",
  "пять зелёных яблок",
  "五つの緑色の林檎が籠の中にあります",
  "xK9#mQ2$vL7@nR4!wT",
  "🐙🦑🐚🦀🐠🐟🐬🐳🐋🦈🐊🐅🐆🦓🦍",
  "!@#$%^&*()_+{}|:<>?",
  "smoke-k3v9xq2m7pzt-k3v9xq2m7pzt",
])("takes %s", async (password) => {
  expect(await passwordProblem(password, ann)).toBeUndefined();
});

it("counts characters as people do, whatever form they come in", async () => {
  const composed = "a b c d e f \u00e9 \u00e8"; // 15
  expect(await passwordProblem(composed, ann)).toBeUndefined();
  expect(await passwordProblem(composed.normalize("NFD"), ann)).toBeUndefined();
  expect(await passwordProblem("e\u0301".repeat(8), ann)).toContain("at least 15");
});

it("takes little processor time for the longest password, whatever it is made of", async () => {
  await passwordProblem("to load the list first", ann);
  const began = process.cpuUsage();
  for (const text of ["ab".repeat(64), `${"a".repeat(127)}b`, "ﷺ".repeat(128), "1!".repeat(64)]) {
    await passwordProblem(text, { name: "a".repeat(100), email: `${"a".repeat(240)}@a.example` });
  }
  const { user, system } = process.cpuUsage(began); // microseconds
  expect((user + system) / 1_000).toBeLessThan(500);
});
