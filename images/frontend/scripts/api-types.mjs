// Writes lib/api/schema.d.ts from the OpenAPI document of the backend. With --check, it fails
// when the file is not up to date. OPENAPI_FILE is the path of another document.
import { readFile, writeFile } from "node:fs/promises";
import openapiTypescript, { astToString } from "openapi-typescript";

const source = process.env.OPENAPI_FILE ?? "../backend/openapi.json";
const target = "lib/api/schema.d.ts";
const header = `// Written by "npm run api:generate" from the backend's openapi.json: do not edit.\n\n`;

const document = JSON.parse(await readFile(source, "utf8"));
const fresh =
  header + astToString(await openapiTypescript(document, { defaultNonNullable: false }));

if (process.argv.includes("--check")) {
  const current = await readFile(target, "utf8").catch(() => "");
  if (current !== fresh) {
    console.error(`${target} does not match ${source}: run "npm run api:generate"`);
    process.exit(1);
  }
  console.log(`${target} matches ${source}`);
} else {
  await writeFile(target, fresh);
  console.log(`${target} written from ${source}`);
}
