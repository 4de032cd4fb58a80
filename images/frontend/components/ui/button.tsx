import type { ComponentProps } from "react";

const variants = {
  primary: "bg-accent text-on-accent hover:bg-accent-strong font-semibold",
  secondary: "border bg-surface text-ink hover:bg-sunken font-medium",
  ghost: "text-muted hover:bg-sunken hover:text-ink font-medium",
  danger: "bg-danger text-surface hover:opacity-90 font-semibold",
};

const sizes = {
  medium: "h-10 px-4 rounded-xl text-sm",
  small: "h-8 px-3 rounded-lg text-sm",
  icon: "size-9 rounded-lg shrink-0",
};

interface ButtonProps extends ComponentProps<"button"> {
  variant?: keyof typeof variants;
  size?: keyof typeof sizes;
}

/** A button in the style of the application. An icon button needs an aria-label. */
export function Button({
  variant = "secondary",
  size = "medium",
  className = "",
  type = "button",
  ...props
}: ButtonProps) {
  return (
    <button
      type={type}
      className={`inline-flex items-center justify-center gap-2 whitespace-nowrap transition-colors disabled:opacity-50 disabled:cursor-not-allowed ${variants[variant]} ${sizes[size]} ${className}`}
      {...props}
    />
  );
}
