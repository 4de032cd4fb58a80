// Looks, before anything is installed, for what its pods would wait for in
// vain: credentials that can be used, and volumes that the cluster gives. A
// Secret or a key that is not there leaves its variable unset. What a
// credential holds is never printed.
import { readFileSync, rmSync, writeFileSync } from "node:fs";

// Secrets copied from examples are as good as published.
const published = /change|example|secret|password|better-auth|your-|default/i;

function fault(value, bytes) {
  if (value === undefined) return "is not there; make the Secret before the installation";
  if (value.trim() === "") return "is empty";
  if (value.trim() !== value) return "begins or ends with a blank or a line break, which some programs keep and others drop";
  if (/[\r\n]/.test(value)) return "has more than one line";
  const given = Buffer.byteLength(value);
  if (given < bytes) return `has ${given} bytes of at least ${bytes}; make one with: openssl rand -hex 32`;
  // As the backend has it, which would not start.
  if (bytes > 1 && (new Set(value).size < 10 || published.test(value))) return "looks like an example; make one with: openssl rand -hex 32";
  return "";
}

function refusal(folder) {
  try {
    const file = `${folder}/preflight`;
    writeFileSync(file, folder);
    if (readFileSync(file, "utf8") !== folder) return "does not hold what was written";
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
  tell(`a volume as ${claim} asks for it`, refusal(folder));
}
