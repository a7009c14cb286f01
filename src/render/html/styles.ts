// How pages look: one set of rules for both themes (light-dark()), paper always light.

export const STYLES = `
:root {
  color-scheme: light dark;
  --bg: light-dark(#ffffff, #14171c);
  --panel: light-dark(#f6f7f9, #1c2027);
  --line: light-dark(#d9dde3, #333a45);
  --text: light-dark(#1b1f26, #dfe3ea);
  --muted: light-dark(#5c6675, #98a2b3);
  --accent: light-dark(#2563c9, #7fb0ff);
  --tint: light-dark(#dbe7fa, #24364f);
  --good: light-dark(#18713a, #6fd08c);
  --bad: light-dark(#b3261e, #ff8a80);
  --warn: light-dark(#8a5a00, #f0b83f);
  --used: light-dark(#4c7fd0, #6c9ff0);
  --waste: light-dark(#e08214, #f2a33c);
}
:root[data-theme=light] { color-scheme: light; }
:root[data-theme=dark] { color-scheme: dark; }
* { box-sizing: border-box; }
html { scroll-padding-top: 3.2rem; }
body { margin: 0; background: var(--bg); color: var(--text);
  font: 15px/1.5 system-ui, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
header, main { max-width: 1360px; margin: 0 auto; padding: 0 1.5rem; }
header { display: grid; grid-template-columns: 1fr auto; align-items: start; padding-top: 1.25rem; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0; overflow-wrap: anywhere; }
header p { margin: .25rem 0 0; color: var(--muted); overflow-wrap: anywhere; }
nav { grid-column: 1 / -1; position: static; display: flex; flex-wrap: wrap; gap: .2rem 1.1rem;
  margin-top: .9rem; padding: .55rem 0; border-block: 1px solid var(--line); }
a { color: var(--accent); text-decoration: none; }
a:hover { text-decoration: underline; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .6rem; }
h3 { font-size: 1rem; margin: 1.2rem 0 .4rem; }
p { margin: .4rem 0; max-width: 60rem; }
code, .mono { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: .87em; overflow-wrap: anywhere; }
p.note { color: var(--muted); font-size: .9rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(11.5rem, 1fr)); gap: .75rem; }
.tile { background: var(--panel); border: 1px solid var(--line); border-radius: 6px;
  padding: .65rem .85rem; }
.tile b { display: block; font-size: 1.45rem; line-height: 1.25; font-weight: 600; }
.tile span { color: var(--muted); font-size: .85rem; }
.tile span.name { color: var(--text); font-size: .9rem; }
dl.facts { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.2rem; margin: .4rem 0; }
dl.facts dt { color: var(--muted); }
dl.facts dd { margin: 0; max-width: 62rem; }
.bad { color: var(--bad); }
.good { color: var(--good); }

/* tables */
.tools { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: center; margin: .5rem 0; }
.table { overflow: auto; max-height: 34rem; border: 1px solid var(--line); border-radius: 6px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums;
  font-size: .87rem; line-height: 1.35; }
th, td { padding: .28rem .55rem; text-align: left; vertical-align: top; }
td + td, th + th { padding-left: .5rem; }
td[data-v], th.num { text-align: right; white-space: nowrap; }
thead th { position: sticky; top: 0; background: var(--panel); font-weight: 600; white-space: nowrap;
  box-shadow: inset 0 -1px var(--line); z-index: 1; }
tbody tr { border-top: 1px solid color-mix(in srgb, var(--line) 55%, transparent); }
tbody tr:first-child { border-top: 0; }
tbody tr:hover { background: var(--panel); }
td pre { white-space: pre; overflow: auto; max-width: 46rem; font-size: .92em; }
td.prose { min-width: 16rem; }
td.nowrap { white-space: nowrap; }
td code { overflow-wrap: break-word; }
tr.error td:first-child { box-shadow: inset 3px 0 var(--bad); }
tr.warning td:first-child { box-shadow: inset 3px 0 var(--warn); }
tr.note td:first-child { box-shadow: inset 3px 0 var(--line); }
tfoot td { border-top: 1px solid var(--line); color: var(--muted); }
td.bar { background: linear-gradient(to left, var(--tint) var(--w), transparent var(--w)); }
table.plain { width: auto; min-width: 34rem; }
th button { all: unset; cursor: pointer; }
th button:hover { color: var(--accent); }
th button:focus-visible, .box:focus-visible { outline: 2px solid var(--accent); outline-offset: -2px; }
th[aria-sort=ascending] button::after { content: " \\2191"; }
th[aria-sort=descending] button::after { content: " \\2193"; }
details summary { cursor: pointer; color: var(--muted); }
ol.stack { margin: .2rem 0; padding-left: 1.6rem; }
button, select, input[type=search] { font: inherit; font-size: .9rem; color: var(--text);
  background: var(--panel); border: 1px solid var(--line); border-radius: 5px; padding: .25rem .6rem; }
button { cursor: pointer; }
button:disabled { opacity: .5; cursor: default; }
input[type=search] { width: 18rem; max-width: 100%; }
label { color: var(--muted); font-size: .9rem; }
output { color: var(--muted); font-size: .9rem; }

/* figures */
figure { margin: .6rem 0; }
figure svg { display: block; width: 100%; height: auto; }
figcaption { color: var(--muted); font-size: .9rem; max-width: 60rem; }
svg text { fill: var(--text); font-size: 12px; font-variant-numeric: tabular-nums; }
svg text.muted { fill: var(--muted); }
svg .axis { stroke: var(--line); }
svg .used { fill: var(--used); }
svg .waste { fill: var(--waste); }
.key { display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; font-size: .87rem; margin: .4rem 0;
  padding: 0; list-style: none; }
.key i { display: inline-block; width: .8rem; height: .8rem; border-radius: 2px; margin-right: .4rem;
  vertical-align: -1px; }
.key li > b { font-weight: 400; color: var(--muted); margin-left: .4rem;
  font-variant-numeric: tabular-nums; }
.u-select { background: color-mix(in srgb, var(--accent) 18%, transparent); }
.icicle { position: relative; overflow: hidden; border: 1px solid var(--line); border-radius: 6px; }
.box { position: absolute; height: 20px; padding: 0 4px; overflow: hidden; white-space: nowrap;
  text-overflow: ellipsis; font: 11.5px/19px ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  border-right: 1px solid var(--bg); border-bottom: 1px solid var(--bg); cursor: pointer;
  color: var(--text); }
.box.thin { padding: 0; }
.box:hover { filter: brightness(1.08); }
.box.outside { opacity: .55; }
.box.faded { opacity: .28; }
.info { min-height: 1.5em; margin: .35rem 0; font-size: .9rem; color: var(--muted); overflow-wrap: anywhere; }
.scroll { overflow: auto; max-height: 32rem; border: 1px solid var(--line); border-radius: 6px;
  padding: .5rem; }
.scroll canvas { display: block; }
pre { margin: .3rem 0; white-space: pre-wrap; overflow-wrap: anywhere; }
@media (max-width: 700px) {
  header, main { padding-inline: .8rem; }
  dl.facts { grid-template-columns: 1fr; gap: 0; }
  dl.facts dd { margin-bottom: .4rem; }
  table.plain { min-width: 0; }
}
@page { size: landscape; margin: 12mm; }
@media print {
  :root, :root[data-theme] { color-scheme: light; }
  body { font-size: 10pt; }
  nav, #theme, .tools, .info { display: none; }
  .uplot, .u-wrap { width: 100% !important; height: auto !important; }
  canvas { max-width: 100%; height: auto !important; }
  .table, .scroll { max-height: none; overflow: visible; border: 0; }
  .table tbody tr:nth-child(n+31) { display: none; }
  table { font-size: 7.5pt; }
  th, td { padding: .15rem .35rem; }
  thead th { position: static; }
  section, figure { break-inside: auto; }
  tr, .tile, figure svg { break-inside: avoid; }
  h2 { break-after: avoid; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
`;
