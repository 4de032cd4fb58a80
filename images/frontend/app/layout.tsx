import type { Metadata, Viewport } from "next";
import { cookies, headers } from "next/headers";
import type { ReactNode } from "react";
import { nonceOf } from "@/lib/server/nonce";
import { parseTheme, systemThemeScript, themeCookie } from "@/lib/theme";
import "./globals.css";

export const metadata: Metadata = {
  title: { default: "Todo Chatbot", template: "%s · Todo Chatbot" },
  description: "Keep your todos by hand, or talk to an assistant.",
};

export const viewport: Viewport = {
  width: "device-width",
  initialScale: 1,
  interactiveWidget: "resizes-content",
  themeColor: [
    { media: "(prefers-color-scheme: light)", color: "#f7f6f2" },
    { media: "(prefers-color-scheme: dark)", color: "#101613" },
  ],
};

export default async function Layout({ children }: { children: ReactNode }) {
  const theme = parseTheme((await cookies()).get(themeCookie)?.value);
  const nonce = nonceOf(await headers());
  return (
    <html lang="en" data-theme={theme} suppressHydrationWarning>
      <head>
        {/* Browsers hide a nonce from scripts, so hydration reads a different value. */}
        <script
          nonce={nonce}
          suppressHydrationWarning
          // biome-ignore lint/security/noDangerouslySetInnerHtml: a constant that prevents a flash of the wrong theme.
          dangerouslySetInnerHTML={{ __html: systemThemeScript }}
        />
      </head>
      <body className="antialiased">{children}</body>
    </html>
  );
}
