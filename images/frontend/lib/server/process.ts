/** perProcess returns the value that the first call with this name has made. Next.js evaluates
 * a module once for each bundle. Pages and route handlers are in different bundles, but share
 * globalThis. */
export function perProcess<T>(name: string, make: () => T): T {
  const key = Symbol.for(`todo-chatbot.${name}`);
  const store = globalThis as { [key]?: T };
  store[key] ??= make();
  return store[key];
}
