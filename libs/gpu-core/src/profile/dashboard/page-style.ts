/** Colours are named once, for light and dark; classes of the drawings refer to them. */
export const PAGE_STYLE = `
:root {
  color-scheme: light dark;
  --ground: #f6f7f9; --card: #ffffff; --ink: #1c2430; --soft: #5b6676; --line: #dde2e9; --accent: #1f5fbf; --warn: #b3401b;
  --queue: #75808f; --upload: #2f72b3; --kernel: #23835a; --readback: #8059bd; --overhead: #b06a12; --other: #c3cad4;
  --h0: #3a72b3; --h1: #2b8564; --h2: #a9681c; --h3: #8059bd; --h4: #b94a62; --h5: #3f7f8d; --h6: #737f26; --h7: #97624a;
  --label: #ffffff; --good: #23835a;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #12161c; --card: #1a2029; --ink: #e4e9f0; --soft: #99a5b5; --line: #2d3643; --accent: #79aef2; --warn: #f0895f;
    --queue: #66727f; --upload: #3f7fc0; --kernel: #2f8f66; --readback: #8563c4; --overhead: #b0732a; --other: #465161;
    --h0: #4377b5; --h1: #358a6b; --h2: #ad7128; --h3: #7d5db0; --h4: #ad5064; --h5: #4e8794; --h6: #798633; --h7: #94654e; --good: #4cc08f;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.5 system-ui, "Segoe UI", Roboto, sans-serif; }
a { color: var(--accent); }
#live { max-width: 1240px; margin: 0 auto; padding: 10px 20px 0; font-size: 13px; }
main { max-width: 1240px; margin: 0 auto; padding: 20px 20px 60px; }
header { display: flex; flex-wrap: wrap; gap: 8px 24px; align-items: end; justify-content: space-between; margin-bottom: 16px; }
h1 { font-size: 22px; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 16px; margin: 0 0 2px; }
p { margin: 0; }
.soft, caption { color: var(--soft); font-size: 13px; overflow-wrap: anywhere; }
.controls { display: flex; flex-wrap: wrap; gap: 8px 16px; align-items: center; font-size: 13px; }
.controls label { display: flex; gap: 6px; align-items: center; }
select, button, input { font: inherit; font-size: 13px; color: inherit; }
select, button { background: var(--card); border: 1px solid var(--line); border-radius: 6px; padding: 3px 10px; max-width: 260px; }
button:hover { border-color: var(--accent); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 16px 18px; margin-top: 16px; }
section > .soft { margin-bottom: 10px; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(130px, 1fr)); gap: 12px; }
.facts div { border-left: 3px solid var(--accent); padding-left: 10px; }
.facts strong { display: block; font-size: 20px; line-height: 1.25; font-variant-numeric: tabular-nums; }
ul.advice { margin: 12px 0 0; padding-left: 18px; }
ul.advice li { overflow-wrap: anywhere; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: 13px; }
th, td { padding: 4px 8px; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; white-space: normal; overflow-wrap: anywhere; min-width: 130px; padding-left: 0; }
th { color: var(--soft); font-weight: 600; }
th button { border: 0; padding: 0; background: none; font-weight: 600; color: inherit; cursor: pointer; white-space: nowrap; }
th[aria-sort] button { color: var(--ink); }
tr:last-child td { border-bottom: 0; }
svg { display: block; width: 100%; overflow: hidden; }
svg text { fill: var(--ink); font: 12px system-ui, "Segoe UI", Roboto, sans-serif; }
svg text.tick { fill: var(--soft); font-size: 11px; }
svg text.inside { fill: var(--label); font-size: 11px; pointer-events: none; }
svg text.dim { fill: var(--ink); }
svg text.halo { paint-order: stroke; stroke: var(--card); stroke-width: 4px; stroke-linejoin: round; }
.grid { stroke: var(--line); stroke-width: 1; fill: none; }
.axis { stroke: var(--soft); stroke-width: 1; fill: none; }
.line { fill: none; stroke-width: 2; }
.mark { stroke: var(--warn); stroke-width: 1.5; stroke-dasharray: 6 4; fill: none; }
svg text.warn, .warn { fill: var(--warn); color: var(--warn); }
.good { color: var(--good); }
.area { opacity: .16; stroke: none; }
.queue { fill: var(--queue); } .upload { fill: var(--upload); } .kernel { fill: var(--kernel); }
.readback { fill: var(--readback); } .overhead { fill: var(--overhead); } .other { fill: var(--other); }
.h0 { fill: var(--h0); } .h1 { fill: var(--h1); } .h2 { fill: var(--h2); } .h3 { fill: var(--h3); }
.h4 { fill: var(--h4); } .h5 { fill: var(--h5); } .h6 { fill: var(--h6); } .h7 { fill: var(--h7); }
.s0 { stroke: var(--h0); } .s1 { stroke: var(--h1); } .s2 { stroke: var(--h2); } .s3 { stroke: var(--h3); }
.s4 { stroke: var(--h4); } .s5 { stroke: var(--h5); } .s6 { stroke: var(--h6); } .s7 { stroke: var(--h7); }
.chosen { stroke: var(--ink); stroke-width: 2; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 16px; font-size: 13px; color: var(--soft); margin: 6px 0; }
.legend span { display: inline-flex; align-items: center; gap: 6px; }
.legend svg { width: 12px; height: 12px; flex: none; }
output { display: block; min-height: 1.5em; font-size: 13px; color: var(--soft); overflow-wrap: anywhere; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 380px), 1fr)); gap: 16px; }
@media (max-width: 640px) {
  main { padding: 12px 10px 40px; }
  section { padding: 12px; border-radius: 8px; }
}
@media print {
  :root {
    color-scheme: light;
    --ground: #fff; --card: #fff; --ink: #000; --soft: #444; --line: #bbb; --accent: #1f5fbf; --warn: #b3401b; --label: #fff; --good: #23835a;
    --queue: #75808f; --upload: #2f72b3; --kernel: #23835a; --readback: #8059bd; --overhead: #b06a12; --other: #c3cad4;
  }
  #live, .controls, .zoom, output { display: none; }
  section { break-inside: avoid; border: 0; padding: 8px 0; }
  .scroll { overflow: visible; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
`;
