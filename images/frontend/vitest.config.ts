import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: { alias: { "@": import.meta.dirname } },
  // Without this, the transformer keeps JSX for Next.js, as set in tsconfig.json.
  oxc: { jsx: { runtime: "automatic" } },
  test: {
    environment: "node",
    include: ["{app,components,lib,scripts}/**/*.test.{ts,tsx}"],
    setupFiles: ["vitest.setup.ts"],
    // Component tests can be slow on a busy machine.
    testTimeout: 30_000,
    restoreMocks: true,
    unstubGlobals: true,
  },
});
