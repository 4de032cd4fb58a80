// Loaded before the server: answers 405 to methods that nothing here has. Next
// makes a Request of everything, and fails with 500 on what fetch forbids, such
// as TRACE.
import { Server } from "node:http";

const known = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];
const { emit } = Server.prototype;

/**
 * @this {Server}
 * @param {string} event
 * @param {any[]} args
 * @returns {boolean}
 */
function emitKnown(event, ...args) {
  const [request, response] = args;
  if (event !== "request" || known.includes(request.method)) {
    return Reflect.apply(emit, this, [event, ...args]);
  }
  response.writeHead(405, { allow: known.join(", "), "content-type": "application/json" });
  response.end(JSON.stringify({ detail: "This address does not answer to that method." }));
  return true;
}

Server.prototype.emit = emitKnown;
