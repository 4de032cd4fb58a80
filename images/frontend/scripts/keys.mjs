import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

/**
 * removeKeys makes the keys in a built server's folder (the one with BUILD_ID)
 * unusable. It throws when the application has server actions, which need theirs.
 * It returns the keys that it removed.
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
        "which need one; give it at run time as NEXT_SERVER_ACTIONS_ENCRYPTION_KEY, " +
        "from a Secret, before you allow them in scripts/keys.mjs",
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
 * refuseKeys throws when a file under one of the folders holds one of the keys:
 * another version of Next.js may write them elsewhere, too.
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
        throw new Error(`${path} still holds a key of "next build": remove it there, too`);
      }
    }
  }
}
