// Takes the random keys of "next build" out of its output. They would make every
// image of the same sources differ, and whoever can pull the image could read them.
// They protect features that this application does not use, and Next.js offers no
// switch for any of them:
//
// - Preview keys, for draft mode and for revalidation on demand. Next.js compares
//   a cookie and headers of the request with them by "===". A request can leave a
//   header out or send an empty one, so neither a missing key nor "" would do; no
//   header is ever null.
// - The encryption key of server actions. Without it they fail.
import { refuseKeys, removeKeys } from "./keys.mjs";

const keys = await removeKeys(".next/standalone/.next");
await refuseKeys([".next/standalone", ".next/static"], keys);
