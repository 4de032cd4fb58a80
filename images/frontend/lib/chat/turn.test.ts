import { expect, it } from "vitest";
import { advance, type Turn, type TurnEvent } from "./turn";

const call = { name: "add_task", arguments: {}, result: {} };

function play(...events: TurnEvent[]): Turn | undefined {
  return events.reduce<Turn | undefined>(advance, undefined);
}

it("collects the parts of the answer", () => {
  expect(
    play(
      { type: "sent", text: "hi" },
      { type: "stored" },
      { type: "tool", call },
      { type: "delta", text: "He" },
      { type: "delta", text: "llo" },
    ),
  ).toEqual({ text: "hi", reply: "Hello", tools: [call], stored: true });
});

it("keeps the message when the answer fails, and removes the failure when it is sent again", () => {
  const failed = play({ type: "sent", text: "hi" }, { type: "failed", problem: "away" });
  expect(failed).toMatchObject({ text: "hi", stored: false, problem: "away" });
  expect(advance(failed, { type: "sent", text: "hi" })?.problem).toBeUndefined();
});

it("removes the partial answer on a retry, and keeps that the backend has the message", () => {
  expect(
    play(
      { type: "sent", text: "hi" },
      { type: "stored" },
      { type: "delta", text: "He" },
      { type: "failed", problem: "cut" },
      { type: "retried" },
    ),
  ).toEqual({ text: "hi", reply: "", tools: [], stored: true });
});

it("ignores events after the end", () => {
  expect(
    play({ type: "sent", text: "hi" }, { type: "finished" }, { type: "delta", text: "late" }),
  ).toBeUndefined();
});
