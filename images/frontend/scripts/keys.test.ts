import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkIsOnDemandRevalidate } from "next/dist/server/api-utils/index.js";
import { tryGetPreviewData } from "next/dist/server/api-utils/node/try-get-preview-data.js";
import { DraftModeProvider } from "next/dist/server/async-storage/draft-mode-provider.js";
import { RequestCookiesAdapter } from "next/dist/server/web/spec-extension/adapters/request-cookies.js";
import { RequestCookies, ResponseCookies } from "next/dist/server/web/spec-extension/cookies.js";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { refuseKeys, removeKeys } from "./keys.mjs";

const preview = {
  previewModeId: "1d1d1d1d1d1d1d1d",
  previewModeSigningKey: "2e2e2e2e2e2e2e2e",
  previewModeEncryptionKey: "3f3f3f3f3f3f3f3f",
};
const encryptionKey = "c2VydmVyLWFjdGlvbnM=";
const keys = [encryptionKey, ...Object.values(preview)];
let server = "";

const json = async (name: string) => JSON.parse(await readFile(join(server, name), "utf8"));

async function writeActions(node: Record<string, unknown>): Promise<void> {
  const text = JSON.stringify({ node, edge: {}, encryptionKey });
  await writeFile(join(server, "server/server-reference-manifest.json"), text);
  await writeFile(
    join(server, "server/server-reference-manifest.js"),
    `self.__RSC_SERVER_MANIFEST=${JSON.stringify(text)}`,
  );
}

/** Writes the manifests of "next build". */
beforeEach(async () => {
  server = await mkdtemp(join(tmpdir(), "keys-"));
  await mkdir(join(server, "server"));
  await writeFile(join(server, "server/preview-props.json"), JSON.stringify(preview));
  await writeFile(
    join(server, "prerender-manifest.json"),
    JSON.stringify({ version: 4, routes: { "/icon.svg": {} }, preview }),
  );
  await writeActions({});
});
afterEach(() => rm(server, { recursive: true }));

test("removes all keys and nothing else", async () => {
  await expect(refuseKeys([server], keys)).rejects.toThrow("still contains a key");
  expect((await removeKeys(server)).sort()).toEqual([...keys].sort());
  await refuseKeys([server], keys);
  expect(await json("prerender-manifest.json")).toMatchObject({
    version: 4,
    routes: { "/icon.svg": {} },
  });
  expect(await json("server/server-reference-manifest.json")).toEqual({ node: {}, edge: {} });
});

test("finds a key in an unknown file", async () => {
  await mkdir(join(server, "server/chunks"));
  await writeFile(join(server, "server/chunks/1.js"), `const id="${preview.previewModeId}"`);
  const removed = await removeKeys(server);
  await expect(refuseKeys([server], removed)).rejects.toThrow("server/chunks/1.js still contains");
});

test("refuses an application with server actions", async () => {
  await writeActions({ "40ab": { workers: {} } });
  await expect(removeKeys(server)).rejects.toThrow("NEXT_SERVER_ACTIONS_ENCRYPTION_KEY");
});

// These tests call Next.js, because its comparison decides whether a removed key is safe.
describe("a removed key cannot be forged for", () => {
  const guesses = [undefined, "", "null", "undefined", "[object Object]", preview.previewModeId];
  const cookieOf = (id?: string) => (id === undefined ? "" : `__prerender_bypass=${id}`);
  const propsOf = () => json("server/preview-props.json");

  function draftMode(props: typeof preview, id?: string): DraftModeProvider {
    const cookies = new RequestCookies(new Headers({ cookie: cookieOf(id) }));
    const sealed = RequestCookiesAdapter.seal(cookies);
    return new DraftModeProvider(props, {}, sealed, new ResponseCookies(new Headers()));
  }
  const revalidates = (props: typeof preview, id?: string) =>
    checkIsOnDemandRevalidate(id === undefined ? {} : { "x-prerender-revalidate": id }, props)
      .isOnDemandRevalidate;

  function previewData(props: typeof preview, cookie: string) {
    const response = { getHeader: () => undefined, setHeader: () => undefined };
    const request = { headers: { cookie } } as IncomingMessage;
    return tryGetPreviewData(request, response as unknown as ServerResponse, props, false);
  }

  test("the keys of the build give access before they are removed", () => {
    expect(draftMode(preview, preview.previewModeId).isEnabled).toBe(true);
    expect(revalidates(preview, preview.previewModeId)).toBe(true);
    expect(previewData(preview, cookieOf(preview.previewModeId))).toEqual({});
  });

  test.each(guesses)("draft mode with the cookie %j", async (guess) => {
    await removeKeys(server);
    expect(draftMode(await propsOf(), guess).isEnabled).toBe(false);
  });

  test.each(guesses)("preview data with the cookie %j", async (guess) => {
    await removeKeys(server);
    const cookie = cookieOf(guess);
    expect(previewData(await propsOf(), cookie)).toBe(false);
    expect(previewData(await propsOf(), `${cookie}; __next_preview_data=e30.e30.x`)).toBe(false);
  });

  test.each(guesses)("a revalidation on demand with the header %j", async (guess) => {
    await removeKeys(server);
    expect(revalidates(await propsOf(), guess)).toBe(false);
  });

  test("the application cannot enable draft mode either", async () => {
    await removeKeys(server);
    const provider = draftMode(await propsOf());
    expect(() => provider.enable()).toThrow("previewModeId");
  });
});
