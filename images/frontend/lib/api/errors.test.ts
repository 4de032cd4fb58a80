import { expect, it } from "vitest";
import { asApiError, problemOf } from "./errors";

it.each([
  [404, { detail: "There is no such todo." }, "missing", "There is no such todo."],
  [
    422,
    { detail: "Invalid.", errors: [{ field: "title", message: "Title is too long." }] },
    "refused",
    "Title is too long.",
  ],
  [502, { detail: "Away." }, "unavailable", "Away."],
  [429, {}, "unavailable", "Something went wrong on our side. Please try again."],
  [500, "<html>", "unavailable", "Something went wrong on our side. Please try again."],
  [
    422,
    { detail: [{ msg: "raw" }] },
    "refused",
    "Something went wrong on our side. Please try again.",
  ],
])("makes a problem of status %d with %j", (status, body, kind, message) => {
  expect(problemOf(status, body)).toMatchObject({ kind, message, status });
});

it("takes anything unexpected for a lost connection", () => {
  expect(asApiError(new TypeError("fetch failed")).kind).toBe("offline");
});
