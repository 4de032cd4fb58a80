// Bundles the migration into one file. The folder of the standalone server has only the
// packages that the server loads.
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
  // CommonJS packages in the bundle use require for the modules of Node.
  banner: {
    js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
  },
  logLevel: "warning",
});
