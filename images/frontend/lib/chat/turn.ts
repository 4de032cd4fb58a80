import type { ToolCall } from "@/lib/api/client";

/** Turn is a message and its answer, until the history has both. */
export interface Turn {
  text: string;
  reply: string;
  tools: ToolCall[];
  /** Whether the backend has stored the message. Then the history has it too. */
  stored: boolean;
  /** The reason why the answer is incomplete; undefined while it arrives. */
  problem?: string;
}

export type TurnEvent =
  | { type: "sent"; text: string }
  | { type: "retried" }
  | { type: "stored" }
  | { type: "tool"; call: ToolCall }
  | { type: "delta"; text: string }
  | { type: "failed"; problem: string }
  | { type: "finished" };

/** advance returns the turn after an event, or undefined when the turn has ended. */
export function advance(turn: Turn | undefined, event: TurnEvent): Turn | undefined {
  if (event.type === "sent") return { text: event.text, reply: "", tools: [], stored: false };
  if (turn === undefined || event.type === "finished") return undefined;
  switch (event.type) {
    case "retried":
      return { text: turn.text, reply: "", tools: [], stored: turn.stored };
    case "stored":
      return { ...turn, stored: true };
    case "tool":
      return { ...turn, tools: [...turn.tools, event.call] };
    case "delta":
      return { ...turn, reply: turn.reply + event.text };
    case "failed":
      return { ...turn, problem: event.problem };
  }
}
