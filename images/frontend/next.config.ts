import type { NextConfig } from "next";
import { buildId } from "./scripts/build-id.mjs";
import { dataPolicy, securityHeaders } from "./scripts/security-headers.mjs";

/** The address of the backend in development. */
const developmentBackend = process.env.BACKEND_URL ?? "http://127.0.0.1:8000";

/** The configuration that is the same in every environment. Other settings are read at run
 * time (lib/server/settings.ts), so one image works in all environments. */
const config: NextConfig = {
  output: "standalone",
  generateBuildId: () => buildId(import.meta.dirname),
  outputFileTracingRoot: import.meta.dirname,
  // The application optimizes no pictures, so it does not need the native library for that.
  outputFileTracingExcludes: { "*": ["node_modules/sharp/**", "node_modules/@img/**"] },
  images: { unoptimized: true },
  turbopack: { root: import.meta.dirname },
  poweredByHeader: false,
  experimental: {
    // The root file system in the cluster is read-only.
    isrFlushToDisk: false,
    // The number of processes that render pages during the build. Next.js writes it to the
    // output, so it must not depend on the machine.
    cpus: 1,
    // Each route is loaded on its first request. With the 0.3 processors of the chart, the
    // server is ready half a second earlier.
    preloadEntriesOnStart: false,
  },
  // proxy.ts sets the Content-Security-Policy of pages.
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
  // For "npm run dev", which runs without the gateway.
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
