"""How a card's page looks: on wide and narrow windows, light and dark, on paper."""

STYLE = """
:root { color-scheme: light dark; --line: #8884; --track: #8882; --band: #8886; --fill: #4a7dbd; --span: #d9822b; }
* { box-sizing: border-box; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 0; }
main { max-width: 64rem; margin: 2rem auto; padding: 0 1rem; overflow-wrap: anywhere; }
h1 { margin: 0; line-height: 1.2; } h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line); }
h4 { margin: 1.2rem 0 0; font-family: ui-monospace, monospace; }
.quiet { opacity: .7; } .reason { margin: 0 0 .3rem; }
.warning { border-left: .3rem solid var(--span); padding: .4rem .8rem; background: var(--track); }
.bars { display: grid; grid-template-columns: max-content max-content 1fr; gap: .3rem .8rem; align-items: center; }
.figure { font-variant-numeric: tabular-nums; text-align: right; white-space: nowrap; }
.track { position: relative; height: 1.1rem; background: var(--track); border-radius: 2px; }
.track span { position: absolute; }
.track .band { top: 0; bottom: 0; } .track .fill { top: 25%; bottom: 25%; }
.track .span { top: 0; bottom: 0; height: 3px; margin: auto 0; min-width: 3px; }
.track .span::before, .track .span::after { content: ""; position: absolute; top: -4px; height: 11px; width: 2px;
  background: var(--span); }
.track .span::before { left: 0; } .track .span::after { right: 0; }
.fill { background: var(--fill); } .span { background: var(--span); } .band { background: var(--band); }
.legend { font-size: 13px; } .swatch { display: inline-block; width: 1.6em; height: .7em; margin-left: .8em; }
.swatch.span { height: 3px; vertical-align: middle; } .legend .swatch:first-child { margin-left: 0; }
.beyond { color: var(--span); font-weight: bold; }
.mark { text-decoration: none; color: var(--span); font-weight: bold; padding-left: .15em; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; overflow-wrap: normal; }
td, th { padding: .2rem .7rem; text-align: right; border-bottom: 1px solid var(--line); vertical-align: bottom; }
td { white-space: nowrap; } th { font-weight: 600; }
td:first-child, th:first-child { text-align: left; padding-left: 0; position: sticky; left: 0; background: Canvas; }
.wide td:first-child { white-space: normal; min-width: 9rem; }
.facts td { text-align: left; vertical-align: top; white-space: normal; overflow-wrap: anywhere; min-width: 8rem; }
details { border-bottom: 1px solid var(--line); padding: .4rem 0; } summary { cursor: pointer; }
pre { overflow-x: auto; border: 1px solid var(--line); padding: .7rem; font-size: 13px; margin: 0; tab-size: 4;
  unicode-bidi: plaintext; }
pre .before { opacity: .65; } mark { background: #f5d76e; color: #000; } code { font-size: 12px; }
@media (max-width: 40rem) {
  main { margin: 1rem auto; }
  .bars { grid-template-columns: 1fr max-content; gap: 0 .8rem; }
  .bars .track { grid-column: 1 / -1; margin-bottom: .7rem; }
}
@media print {
  main { max-width: none; margin: 0; } .bars, mark { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  .wide, pre { overflow: visible; white-space: pre-wrap; } table { font-size: 10px; } td, th { padding: .1rem .3rem; }
  details::details-content { content-visibility: visible; } h2, h4, summary { break-after: avoid; }
}
"""
