// Bundles the schema migration into one file beside the standalone server,
// which holds no package the server itself does not load.
import { build } from "esbuild";

await build({
  entryPoints: ["migrate.ts"],
  outfile: ".next/standalone/migrate.mjs",
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
