/** perProcess returns what make returned when it was first called under this
 * name. Next.js evaluates a module once per bundle, and pages and route handlers
 * are in different ones; they share globalThis. */
export function perProcess<T>(name: string, make: () => T): T {
  const key = Symbol.for(`todo-chatbot.${name}`);
  const store = globalThis as { [key]?: T };
  store[key] ??= make();
  return store[key];
}
