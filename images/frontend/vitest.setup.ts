import { afterEach } from "vitest";

// Only tests in jsdom have a document to clean up.
if (typeof document !== "undefined") {
  const { cleanup } = await import("@testing-library/react");
  afterEach(cleanup);
}
