"use client";

import { LogOut, Moon, Sun } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import { toast } from "sonner";
import { Logo } from "@/components/logo";
import { Button } from "@/components/ui/button";
import { account } from "@/lib/account";
import { applyTheme } from "@/lib/theme";

interface HeaderProps {
  user: { name: string; email: string };
}

function toggleTheme(): void {
  applyTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark");
}

async function signOut(): Promise<void> {
  try {
    await account.signOut();
    window.location.assign("/sign-in");
  } catch (error) {
    toast(error instanceof Error ? error.message : "Signing out failed. Please try again.");
  }
}

function initials(name: string): string {
  const words = name.trim().split(/\s+/);
  const letters = [words[0]?.[0], words.length > 1 ? words.at(-1)?.[0] : undefined];
  return letters.join("").toUpperCase() || "?";
}

function AccountMenu({ user }: HeaderProps) {
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger className="grid size-9 place-items-center rounded-full bg-accent-soft text-sm font-semibold text-accent">
        <span className="sr-only">Account of {user.name}</span>
        <span aria-hidden="true">{initials(user.name)}</span>
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content
          align="end"
          sideOffset={8}
          className="z-20 w-64 animate-appear rounded-xl border bg-surface p-1.5 shadow-card"
        >
          <DropdownMenu.Label className="px-3 py-2">
            <span className="block truncate font-semibold">{user.name}</span>
            <span className="block truncate text-sm text-muted">{user.email}</span>
          </DropdownMenu.Label>
          <DropdownMenu.Separator className="my-1 border-t" />
          <DropdownMenu.Item
            onSelect={signOut}
            className="flex cursor-pointer items-center gap-2.5 rounded-lg px-3 py-2 text-sm outline-none data-highlighted:bg-sunken"
          >
            <LogOut className="size-4 text-muted" aria-hidden="true" /> Sign out
          </DropdownMenu.Item>
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

/** The bar at the top: name, theme and account. */
export function Header({ user }: HeaderProps) {
  return (
    <header className="flex h-14 shrink-0 items-center gap-2 border-b bg-surface px-4 lg:px-6">
      <h1 className="mr-auto flex items-center gap-2.5 font-semibold tracking-tight">
        <Logo /> Todo Chatbot
      </h1>
      <Button
        variant="ghost"
        size="icon"
        aria-label="Switch between light and dark"
        onClick={toggleTheme}
      >
        <Sun className="size-4.5 dark:hidden" aria-hidden="true" />
        <Moon className="hidden size-4.5 dark:block" aria-hidden="true" />
      </Button>
      <AccountMenu user={user} />
    </header>
  );
}
