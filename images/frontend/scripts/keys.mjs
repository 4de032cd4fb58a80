import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

/**
 * removeKeys removes the keys from the folder of a built server (the one with BUILD_ID) and
 * returns them. It throws when the application has server actions, because these need their
 * key.
 *
 * @param {string} folder
 * @returns {Promise<string[]>}
 */
export async function removeKeys(folder) {
  /** @param {string} name */
  const read = async (name) => JSON.parse(await readFile(join(folder, name), "utf8"));
  /** @param {string} name @param {string} text */
  const write = (name, text) => writeFile(join(folder, name), text);
  const json = (/** @type {unknown} */ value) => JSON.stringify(value, null, 2);

  const preview = await read("server/preview-props.json");
  const prerendered = await read("prerender-manifest.json");
  const { encryptionKey, ...actions } = await read("server/server-reference-manifest.json");
  if (Object.values(actions).some((ofRuntime) => Object.keys(ofRuntime).length > 0)) {
    throw new Error(
      `remove the key of server actions from ${folder}: the application has server actions, ` +
        "which need a key; set NEXT_SERVER_ACTIONS_ENCRYPTION_KEY at run time from a Secret, " +
        "then allow server actions in scripts/keys.mjs",
    );
  }

  const noPreview = Object.fromEntries(Object.keys(preview).map((name) => [name, null]));
  await write("server/preview-props.json", json(noPreview));
  await write("prerender-manifest.json", json({ ...prerendered, preview: noPreview }));
  await write("server/server-reference-manifest.json", json(actions));
  await write(
    "server/server-reference-manifest.js",
    `self.__RSC_SERVER_MANIFEST=${JSON.stringify(json(actions))}`,
  );
  const keys = [encryptionKey, ...Object.values(preview), ...Object.values(prerendered.preview)];
  return [...new Set(keys.filter((key) => typeof key === "string"))];
}

/**
 * refuseKeys throws when a file in one of the folders contains one of the keys. A new version
 * of Next.js can write them to other files.
 *
 * @param {string[]} folders
 * @param {string[]} keys
 */
export async function refuseKeys(folders, keys) {
  for (const folder of folders) {
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      const content = await readFile(path);
      if (keys.some((key) => content.includes(key))) {
        throw new Error(
          `${path} still contains a key of "next build": remove it in scripts/keys.mjs`,
        );
      }
    }
  }
}
