/** The mark of the application: a check inside a speech bubble. */
export function Logo({ className = "size-7" }: { className?: string }) {
  return (
    <svg viewBox="0 0 32 32" className={className} aria-hidden="true">
      <path
        className="fill-accent"
        d="M8 3h16a6 6 0 0 1 6 6v10a6 6 0 0 1-6 6h-8.5l-6.3 4.7A1 1 0 0 1 7.6 28.9V25A6 6 0 0 1 2 19V9a6 6 0 0 1 6-6z"
      />
      <path
        className="stroke-on-accent"
        fill="none"
        strokeWidth="3"
        strokeLinecap="round"
        strokeLinejoin="round"
        d="m10 14.500 4.200 4.200L22.500 10"
      />
    </svg>
  );
}
