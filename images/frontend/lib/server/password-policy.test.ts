import { expect, it } from "vitest";
import { passwordProblem } from "./password-policy";

const ann = { name: "Ann Archer", email: "ann.archer@example.com" };

it.each([
  ["only spaces", " ".repeat(20), "only spaces"],
  ["too short", "correct horse", "at least 15 characters"],
  ["one repeated character", "a".repeat(40), "repeats a few characters"],
  ["two repeated characters", "abab".repeat(10), "repeats a few characters"],
  ["a common password, twice", "password1password1", "too common"],
  ["a common password with signs around it", "!!!!!!password!!!!!!", "too common"],
  ["a sequence of keys", "qwertyuiopasdfghjkl", "sequence of keys"],
  ["a sequence of digits", "1234567890123456", "sequence of keys"],
  ["a reversed sequence of keys", "0987654321098765", "sequence of keys"],
  ["only wide spaces", "\u00a0\u2003\u3000".repeat(6), "only spaces"],
  ["a common password and digits", "Password123456789", "too common"],
  ["the alphabet", "abcdefghijklmnopqrstuvwxyz", "sequence of keys"],
  ["the person's email", "ann.archer@example.com", "your email"],
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
])("accepts %s", async (password) => {
  expect(await passwordProblem(password, ann)).toBeUndefined();
});

it("counts the same characters in every Unicode form", async () => {
  const composed = "a b c d e f \u00e9 \u00e8"; // 15
  expect(await passwordProblem(composed, ann)).toBeUndefined();
  expect(await passwordProblem(composed.normalize("NFD"), ann)).toBeUndefined();
  expect(await passwordProblem("e\u0301".repeat(8), ann)).toContain("at least 15");
});

it("needs little processor time for the longest passwords", async () => {
  await passwordProblem("to load the list first", ann);
  const began = process.cpuUsage();
  for (const text of ["ab".repeat(64), `${"a".repeat(127)}b`, "ﷺ".repeat(128), "1!".repeat(64)]) {
    await passwordProblem(text, { name: "a".repeat(100), email: `${"a".repeat(240)}@a.example` });
  }
  const { user, system } = process.cpuUsage(began); // microseconds
  expect((user + system) / 1_000).toBeLessThan(500);
});
