import { afterEach } from "vitest";

// Component tests run in jsdom; the others have no document to clean.
if (typeof document !== "undefined") {
  const { cleanup } = await import("@testing-library/react");
  afterEach(cleanup);
}
