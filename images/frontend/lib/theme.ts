export type Theme = "light" | "dark";

/** Holds the chosen theme, so that the server already renders in it. */
export const themeCookie = "todo.theme";

/** parseTheme returns the theme a cookie names, or undefined: then the
 * system's preference decides. */
export function parseTheme(value: string | undefined): Theme | undefined {
  return value === "light" || value === "dark" ? value : undefined;
}

/** Runs before the first paint, for people who have chosen no theme. */
export const systemThemeScript = `
if (!document.documentElement.dataset.theme) {
  document.documentElement.dataset.theme =
    matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}`;

/** applyTheme shows the theme at once and remembers it for a year. */
export function applyTheme(theme: Theme): void {
  document.documentElement.dataset.theme = theme;
  // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store API is not available on plain http.
  document.cookie = `${themeCookie}=${theme}; Path=/; Max-Age=31536000; SameSite=Lax`;
}
