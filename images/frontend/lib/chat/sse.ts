/** One server-sent event. */
export interface ServerEvent {
  name: string;
  data: string;
}

/** EventParser parses a text/event-stream that arrives in pieces of any size. See the WHATWG
 * HTML standard, "Interpreting an event stream". */
export class EventParser {
  private rest = "";
  private name = "";
  private data: string[] = [];

  /** push parses the next piece and returns the completed events. */
  push(piece: string): ServerEvent[] {
    const lines = (this.rest + piece).split(/\r\n|\n|\r(?!$)/);
    this.rest = lines.pop() ?? "";
    return lines.flatMap((line) => this.line(line));
  }

  private line(line: string): ServerEvent[] {
    if (line === "") return this.dispatch();
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") this.name = value;
    if (field === "data") this.data.push(value);
    return [];
  }

  private dispatch(): ServerEvent[] {
    const event = { name: this.name || "message", data: this.data.join("\n") };
    const empty = this.data.length === 0;
    this.name = "";
    this.data = [];
    return empty ? [] : [event];
  }
}
