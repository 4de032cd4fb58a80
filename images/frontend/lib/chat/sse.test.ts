import { expect, it } from "vitest";
import { EventParser } from "./sse";

const stream =
  'event: start\ndata: {"conversation_id":1}\n\n: still working\n\ndata: a\ndata:  b\n\nevent: done\r\ndata: c\r\n\r\n';
const events = [
  { name: "start", data: '{"conversation_id":1}' },
  { name: "message", data: "a\n b" },
  { name: "done", data: "c" },
];

it.each([1, 2, 3, 7, 1_000])("parses the same events from pieces of %d characters", (size) => {
  const parser = new EventParser();
  const found = [];
  for (let at = 0; at < stream.length; at += size) {
    found.push(...parser.push(stream.slice(at, at + size)));
  }
  expect(found).toEqual(events);
});

it("returns an event only when it is complete", () => {
  const parser = new EventParser();
  expect(parser.push("data: half")).toEqual([]);
  expect(parser.push(" whole\n\n")).toEqual([{ name: "message", data: "half whole" }]);
});

it("ignores an event without data", () => {
  expect(new EventParser().push("event: ping\n\n")).toEqual([]);
});
