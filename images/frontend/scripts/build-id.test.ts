import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { buildId } from "./build-id.mjs";

vi.mock("node:fs/promises", { spy: true });

const sources = {
  "app/page.tsx": "export default () => null;",
  "lib/a.ts": "export const a = 1;",
  "package-lock.json": "{}",
};
let root = "";

async function write(folder: string, files: Record<string, string>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
}

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "build-id-"));
  await write(root, sources);
});
afterEach(() => rm(root, { recursive: true }));

test("the id is independent of the folder and of the order of its files", async () => {
  const before = await buildId(root);
  const { readdir: list } =
    await vi.importActual<typeof import("node:fs/promises")>("node:fs/promises");
  const reversed = async (...args: Parameters<typeof list>) => (await list(...args)).reverse();
  vi.mocked(readdir).mockImplementation(reversed as typeof readdir);
  await rename(root, `${root}-moved`);
  root = `${root}-moved`;
  expect(await buildId(root)).toBe(before);
});

test.each([
  ["a source", () => writeFile(join(root, "lib/a.ts"), "export const a = 2;")],
  ["the lockfile", () => writeFile(join(root, "package-lock.json"), "{} ")],
  ["the name of a file", () => rename(join(root, "lib/a.ts"), join(root, "lib/b.ts"))],
  ["the folder of a file", () => rename(join(root, "lib/a.ts"), join(root, "app/a.ts"))],
  ["the set of files", () => rm(join(root, "lib/a.ts"))],
])("a change of %s changes the id", async (_, change) => {
  const before = await buildId(root);
  await change();
  expect(await buildId(root)).not.toBe(before);
});

test("installed and generated files do not change the id", async () => {
  const before = await buildId(root);
  await write(root, {
    "node_modules/pg/index.js": "1",
    ".next/BUILD_ID": "1",
    "next-env.d.ts": "1",
    "tsconfig.tsbuildinfo": "1",
  });
  expect(await buildId(root)).toBe(before);
});

test("an id never contains the letter a, which ad blockers could match", async () => {
  for (let change = 0; change < 200; change++) {
    await writeFile(join(root, "lib/a.ts"), String(change));
    expect(await buildId(root)).toMatch(/^[b-g0-9]{32}$/);
  }
});
