import { describe, expect, it } from "vitest";
import { readMigrationSettings, readSettings, SettingsError } from "./settings";

const complete = {
  BETTER_AUTH_SECRET: "a secret of at least thirty-two bytes",
  DATABASE_HOST: "todo-postgresql",
  DATABASE_NAME: "todo",
  DATABASE_USER: "todo",
  DATABASE_PASSWORD: "p",
};

function problemsOf(env: Record<string, string | undefined>): readonly string[] {
  try {
    readSettings(env);
  } catch (error) {
    if (error instanceof SettingsError) return error.problems;
    throw error;
  }
  return [];
}

describe("readSettings", () => {
  it("reads a complete environment", () => {
    const settings = readSettings({ ...complete, DATABASE_PORT: "6543" });
    expect(settings.database).toEqual({
      host: "todo-postgresql",
      port: 6543,
      name: "todo",
      user: "todo",
      password: "p",
    });
    expect(settings.publicUrl).toBeUndefined();
  });

  it("reports every problem at once", () => {
    const problems = problemsOf({ DATABASE_PORT: "0" });
    expect(problems).toHaveLength(6);
    for (const name of [...Object.keys(complete), "DATABASE_PORT"]) {
      expect(problems.some((problem) => problem.startsWith(name))).toBe(true);
    }
  });

  it.each([
    ["an empty Secret entry", { DATABASE_PASSWORD: "" }, "DATABASE_PASSWORD is missing"],
    ["a blank value", { DATABASE_HOST: "  " }, "DATABASE_HOST is missing"],
    ["a short secret", { BETTER_AUTH_SECRET: "short" }, "BETTER_AUTH_SECRET has 5 bytes"],
    ["a port with letters", { DATABASE_PORT: "5432x" }, 'DATABASE_PORT is "5432x"'],
    ["an invalid public address", { PUBLIC_URL: "todo" }, 'PUBLIC_URL is "todo"'],
  ])("refuses %s", (_case, change, message) => {
    const problems = problemsOf({ ...complete, ...change });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(message);
  });

  it("does not repeat a secret in its message", () => {
    const problems = problemsOf({ ...complete, BETTER_AUTH_SECRET: "hunter2", DATABASE_HOST: "" });
    expect(problems.join()).not.toContain("hunter2");
  });
});

describe("readMigrationSettings", () => {
  it("ignores the public address", () => {
    const env = { ...complete, PUBLIC_URL: "todo" };
    expect(readMigrationSettings(env).database.host).toBe("todo-postgresql");
  });

  it("treats an empty role as missing", () => {
    expect(readMigrationSettings({ ...complete, DATABASE_ROLE: "" }).role).toBeUndefined();
    const role = "todo_frontend";
    expect(readMigrationSettings({ ...complete, DATABASE_ROLE: role }).role).toBe(role);
  });
});
