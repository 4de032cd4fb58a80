import { readSettings } from "./lib/server/settings";

// A server that cannot work must not become ready.
try {
  readSettings(process.env);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
