/** Blue and orange of Okabe and Ito (2008), which every kind of colour vision tells apart; lighter where it is dark. */
export const STYLES = `
:root { color-scheme: light dark; --paper: #ffffff; --ink: #1d1d1f; --quiet: #6b6b70; --grid: #dcdce0;
  --first: #0072b2; --second: #b34700; --third: #006b4f; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #17181b; --ink: #ececf0; --quiet: #9a9aa2; --grid: #37383d;
    --first: #56b4e9; --second: #f0a030; --third: #3cc29a; }
}
body { margin: 0 auto; padding: 1.5rem; max-width: 46rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; overflow-wrap: anywhere; } h2 { font-size: 1.2rem; margin-top: 2.5rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: 0.3rem 1rem 0.3rem 0; border-bottom: 1px solid var(--grid);
  overflow-wrap: anywhere; }
caption { text-align: left; color: var(--quiet); }
th { font-weight: 600; width: 12rem; overflow-wrap: normal; }
figure { margin: 1rem 0; } figcaption { color: var(--ink); }
[role=img] { overflow-x: auto; } svg { max-width: 100%; height: auto; }
pre { max-height: 16rem; overflow: auto; border: 1px solid var(--grid); padding: 0.5rem; user-select: all; font-size: 0.8rem; }
summary:focus-visible, pre:focus-visible { outline: 3px solid var(--first); }
pre.wrapped { white-space: pre-wrap; overflow-wrap: anywhere; }
@media (max-width: 40rem) { body { padding: 1rem; } th { width: 7rem; padding-right: 0.5rem; } svg { min-width: 36rem; } }
@media print { details { display: none; } }
`;
