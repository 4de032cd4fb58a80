// Bundles the migration, which runs before Next.js's standalone server, into one file:
// the server's folder holds no package that the server does not load itself.
import { build } from "esbuild";

await build({
  entryPoints: ["migrate.ts"],
  outdir: ".next/standalone",
  outExtension: { ".js": ".mjs" },
  bundle: true,
  platform: "node",
  target: "node20",
  format: "esm",
  minifySyntax: true,
  external: ["pg-native"],
  // CommonJS packages in the bundle call require for Node's own modules.
  banner: {
    js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
  },
  logLevel: "warning",
});
