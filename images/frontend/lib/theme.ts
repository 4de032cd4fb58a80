export type Theme = "light" | "dark";

/** The name of the cookie for the chosen theme. The server renders pages in that theme. */
export const themeCookie = "todo.theme";

/** parseTheme returns the theme of a cookie. Without one it returns undefined, and the theme
 * of the system is used. */
export function parseTheme(value: string | undefined): Theme | undefined {
  return value === "light" || value === "dark" ? value : undefined;
}

/** Sets the theme of the system before the first paint, unless a theme was chosen. */
export const systemThemeScript = `
if (!document.documentElement.dataset.theme) {
  document.documentElement.dataset.theme =
    matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}`;

/** applyTheme shows the theme at once and stores it for a year. */
export function applyTheme(theme: Theme): void {
  document.documentElement.dataset.theme = theme;
  // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store API is not available on plain http.
  document.cookie = `${themeCookie}=${theme}; Path=/; Max-Age=31536000; SameSite=Lax`;
}
