// Loaded before Next.js's server, in the same process ("node --import").
import { interceptRequests } from "./lib/server/intercept";
import { BackendProxy } from "./lib/server/proxy";
import { readSettings, type Settings } from "./lib/server/settings";

// A server that cannot work must not become ready.
function settings(): Settings {
  try {
    return readSettings(process.env);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  }
}

interceptRequests(new BackendProxy(settings().backendUrl));
