// Checks credentials and volumes before an installation, because pods would wait for
// missing ones until the time-out. A missing Secret or key leaves its variable unset.
// The values of credentials are never printed.
import { readFileSync, rmSync, writeFileSync } from "node:fs";

// Secrets copied from examples are public.
const published = /change|example|secret|password|better-auth|your-|default/i;

function fault(value, bytes) {
  if (value === undefined) return "does not exist; create the Secret before the installation";
  if (value.trim() === "") return "is empty; set its value";
  if (value.trim() !== value) return "begins or ends with a blank or a line break, which some programs remove; create the Secret without it";
  if (/[\r\n]/.test(value)) return "has more than one line; create the Secret with a single line";
  const given = Buffer.byteLength(value);
  if (given < bytes) return `has ${given} bytes, and at least ${bytes} are required; create one with: openssl rand -hex 32`;
  // The backend applies the same rule at its start.
  if (bytes > 1 && (new Set(value).size < 10 || published.test(value))) return "looks like an example; create one with: openssl rand -hex 32";
  return "";
}

function refusal(folder) {
  try {
    const file = `${folder}/preflight`;
    writeFileSync(file, folder);
    if (readFileSync(file, "utf8") !== folder) return "returned other data than was written";
    rmSync(file);
    return "";
  } catch (error) {
    return error.message;
  }
}

function tell(what, problem) {
  if (problem === "") return console.log(`ok    ${what}`);
  console.error(`FAIL  ${what} ${problem}`);
  process.exitCode = 1;
}

for (const { variable, secret, key, bytes } of JSON.parse(process.env.CREDENTIALS)) {
  tell(`key ${key} of Secret ${secret}`, fault(process.env[variable], bytes));
}
for (const { claim, folder } of JSON.parse(process.env.VOLUMES)) {
  tell(`volume with the settings of ${claim}`, refusal(folder));
}
