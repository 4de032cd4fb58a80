import type { NextConfig } from "next";
import { buildId } from "./scripts/build-id.mjs";

/** Nothing is fetched from another origin: the browser enforces it. Next.js
 * inlines its hydration data, hence 'unsafe-inline' for scripts. */
const contentSecurityPolicy = [
  "default-src 'self'",
  `script-src 'self' 'unsafe-inline'${process.env.NODE_ENV === "development" ? " 'unsafe-eval'" : ""}`,
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "object-src 'none'",
  "base-uri 'self'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join("; ");

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
      headers: [
        { key: "Content-Security-Policy", value: contentSecurityPolicy },
        { key: "X-Content-Type-Options", value: "nosniff" },
        { key: "X-Frame-Options", value: "DENY" },
        { key: "Referrer-Policy", value: "same-origin" },
        { key: "Permissions-Policy", value: "camera=(), microphone=(), geolocation=()" },
      ],
    },
  ],
};

export default config;
