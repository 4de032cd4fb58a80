import type { NextConfig } from "next";
import { buildId } from "./scripts/build-id.mjs";
import { securityHeaders } from "./scripts/security-headers.mjs";

/** Holds what is the same in every environment. What differs is read from the
 * process environment at run time (lib/server/settings.ts), so one image serves all. */
const config: NextConfig = {
  output: "standalone",
  generateBuildId: () => buildId(import.meta.dirname),
  outputFileTracingRoot: import.meta.dirname,
  // No image is optimised, so the native image library stays out of the image.
  outputFileTracingExcludes: { "*": ["node_modules/sharp/**", "node_modules/@img/**"] },
  images: { unoptimized: true },
  turbopack: { root: import.meta.dirname },
  poweredByHeader: false,
  // Paths under /api are forwarded as they are, a trailing slash included.
  skipTrailingSlashRedirect: true,
  experimental: {
    // The root file system is read-only in the cluster.
    isrFlushToDisk: false,
    // The number of processes that render pages while building. Next.js takes it
    // from the machine and writes it to the output; few pages need rendering here.
    cpus: 1,
    // A route is loaded when it is first asked for: with the chart's 0.3 processors
    // the server is ready half a second sooner.
    preloadEntriesOnStart: false,
  },
  headers: async () => [
    {
      source: "/:path*",
      headers: Object.entries(securityHeaders).map(([key, value]) => ({ key, value })),
    },
  ],
};

export default config;
