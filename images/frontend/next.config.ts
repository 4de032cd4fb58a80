import type { NextConfig } from "next";
import { buildId } from "./scripts/build-id.mjs";
import { dataPolicy, securityHeaders } from "./scripts/security-headers.mjs";

/** Where the backend listens while developing. */
const developmentBackend = process.env.BACKEND_URL ?? "http://127.0.0.1:8000";

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
  // Pages get their Content-Security-Policy in proxy.ts.
  headers: async () => [
    {
      source: "/:path*",
      headers: Object.entries(securityHeaders).map(([key, value]) => ({ key, value })),
    },
    ...["/api/:path*", "/livez", "/icon.svg"].map((source) => ({
      source,
      headers: [{ key: "content-security-policy", value: dataPolicy }],
    })),
  ],
  // "npm run dev" works without the gateway, which does this in the cluster.
  rewrites: async () => ({
    fallback:
      process.env.NODE_ENV === "development"
        ? [
            { source: "/api/:probe(livez|readyz)", destination: `${developmentBackend}/:probe` },
            { source: "/api/:path*", destination: `${developmentBackend}/api/:path*` },
          ]
        : [],
  }),
};

export default config;
