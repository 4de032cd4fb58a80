// Loaded before Next.js's server, in the same process ("node --import").
import { openDoor } from "./lib/server/door";
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

openDoor(new BackendProxy(settings().backendUrl));
