import { expect, it } from "vitest";
import { advance, type Turn, type TurnEvent } from "./turn";

const call = { name: "add_task", arguments: {}, result: {} };

function play(...events: TurnEvent[]): Turn | undefined {
  return events.reduce<Turn | undefined>(advance, undefined);
}

it("collects the answer", () => {
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

it("keeps what was said when the answer fails, and begins anew with a retry", () => {
  const failed = play({ type: "sent", text: "hi" }, { type: "failed", problem: "away" });
  expect(failed).toMatchObject({ text: "hi", stored: false, problem: "away" });
  expect(advance(failed, { type: "sent", text: "hi" })?.problem).toBeUndefined();
});

it("waits anew when it is retried, without forgetting that the backend holds the message", () => {
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

it("ignores what comes after the end", () => {
  expect(
    play({ type: "sent", text: "hi" }, { type: "finished" }, { type: "delta", text: "late" }),
  ).toBeUndefined();
});
