// Removes the random keys from the output of "next build". With them, two images of the same
// sources would differ, and everybody who can pull the image could read the keys. They protect
// features that this application does not use. Next.js has no option to omit them:
//
// - Preview keys, for draft mode and for revalidation on demand. Next.js compares a cookie and
//   headers of the request with them by "===". The keys become null: a header can be missing or
//   empty, but never null.
// - The encryption key of server actions. Without it, server actions fail.
import { refuseKeys, removeKeys } from "./keys.mjs";

const keys = await removeKeys(".next/standalone/.next");
await refuseKeys([".next/standalone", ".next/static"], keys);
