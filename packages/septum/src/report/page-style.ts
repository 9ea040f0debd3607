import { dark, fontFamily, light, type Role } from './palette.js'

const variables = (palette: Readonly<Record<Role, string>>) =>
  Object.entries(palette)
    .map(([role, colour]) => `--${role}:${colour}`)
    .join(';')

/** Style sheet of the report: one column of text, wide figures, both colour schemes, and paper. */
export const pageStyle = `
:root{color-scheme:light dark;${variables(light)};--raised:#f5f7f9;--accent:#00785c}
@media screen and (prefers-color-scheme:dark){:root{${variables(dark)};--raised:#171d24;--accent:#2fe0b5}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 ${fontFamily};-webkit-text-size-adjust:100%}
main,body>header,body>footer{max-width:1296px;margin:0 auto;padding:0 36px}
body>header{padding-top:44px}
.brand{margin:0 0 10px;color:var(--accent);font-size:13px;font-weight:700;letter-spacing:.09em;text-transform:uppercase}
h1{margin:0;font-size:33px;line-height:1.2;letter-spacing:-.012em}
.lead{margin:12px 0 0;max-width:76ch;color:var(--muted);font-size:18px}
.warning{display:inline-block;margin:18px 0 0;padding:5px 12px;border:1px solid var(--rule);border-radius:99px;font-size:14px;font-weight:600}
section{margin-top:52px}
h2{margin:0 0 16px;font-size:22px;letter-spacing:-.008em}
h3{margin:0;font-size:16px;overflow-wrap:anywhere}
p,li,dd{max-width:80ch}
a{color:var(--accent)}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(250px,1fr));gap:20px 36px;margin:0}
.facts dt{color:var(--muted);font-size:13.5px}
.facts dd{margin:1px 0 0;overflow-wrap:anywhere}
.facts small{display:block;color:var(--muted);font-size:13.5px;line-height:1.45}
.facts .wide{grid-column:1/-1}
.scroll{overflow-x:auto}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
caption{margin-bottom:12px;color:var(--muted);font-size:14.5px;text-align:left}
th,td{padding:11px 30px 11px 0;text-align:left;vertical-align:top}
thead th{border-bottom:1.5px solid var(--ink);font-size:14.5px;white-space:nowrap}
tbody tr{border-bottom:1px solid var(--rule)}
tbody th{font-weight:600}
.results{min-width:100%}
.results td{font-size:18px;line-height:1.3;white-space:nowrap}
.results small{display:block;color:var(--muted);font-size:13px;margin:2px 0 3px}
.results strong{color:var(--accent)}
.reference th,.reference td{color:var(--muted);font-weight:400}
.none{color:var(--muted)}
.whisker{display:block}
.whisker .track{stroke:var(--rule);stroke-width:1}
.whisker .interval{stroke:var(--series0);stroke-width:2.4;stroke-linecap:round}
.whisker circle{fill:var(--series0)}
.reference .interval{stroke:var(--muted)}.reference circle{fill:var(--muted)}
.terms{display:grid;grid-template-columns:max-content 1fr;gap:4px 18px;margin:16px 0 0;font-size:14px}
.terms dt{font-weight:600}.terms dd{margin:0;color:var(--muted)}
.bleed{margin:0 -36px;overflow-x:auto}
.bleed>svg{display:block;min-width:860px;width:100%;height:auto}
.case{padding:20px 0 26px;border-top:1px solid var(--rule)}
.case>header{display:flex;flex-wrap:wrap;justify-content:space-between;gap:4px 24px;margin-bottom:12px}
.scores{margin:0;color:var(--muted);font-size:14px}.scores span{margin-left:18px}.scores b{color:var(--ink)}
.players{display:grid;grid-template-columns:repeat(auto-fill,minmax(250px,1fr));gap:26px}
.panel{margin:0}
.panel>svg{display:block;width:100%;height:auto}
figcaption{margin-bottom:6px;font-size:14px;font-weight:600}
.off{display:none}
.px{image-rendering:pixelated}
.controls{display:flex;align-items:center;gap:12px;height:44px}
.controls[hidden]{display:none}
.controls button{flex:none;width:34px;height:34px;padding:0;border:1px solid var(--rule);border-radius:50%;background:var(--raised);color:var(--ink);font-size:12px;line-height:1;cursor:pointer}
.controls button:hover{border-color:var(--accent)}
.controls input{flex:1;min-width:0;accent-color:var(--accent)}
.controls output{flex:none;min-width:64px;font-size:14px;font-variant-numeric:tabular-nums;text-align:right}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
.keys,.hint{min-height:44px;margin:0;padding:8px 0 0;color:var(--muted);font-size:13px;line-height:1.5}
.keys{display:grid;grid-template-columns:max-content max-content;gap:0 24px;list-style:none}
.notes li{margin:6px 0}
pre{margin:0;padding:16px 18px;border:1px solid var(--rule);border-radius:8px;background:var(--raised);font:14px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;overflow-x:auto}
details pre{margin-top:12px;font-size:13px}
summary{cursor:pointer}
body>footer{margin-top:60px;padding-bottom:44px;color:var(--muted);font-size:14px}
body>footer p{margin:0;padding-top:16px;border-top:1px solid var(--rule);max-width:none}
@media(max-width:640px){main,body>header,body>footer{padding-left:20px;padding-right:20px}.bleed{margin:0 -20px}h1{font-size:27px}}
@page{margin:14mm}
@media print{.controls{display:none!important}tr,.results,.case,.facts>div,figure,svg{break-inside:avoid}h2,h3,section>p{break-after:avoid}body>footer{margin-top:14px;padding-bottom:0}section{margin-top:28px}body{font-size:10.5pt}h1{font-size:24pt}.facts{grid-template-columns:repeat(3,1fr)}.players{grid-template-columns:repeat(4,1fr);gap:12px}.panel>svg{max-width:100%}.keys,.hint{font-size:8pt;padding-top:4px;min-height:0}.keys{gap:0 8px}th,td{padding-right:14px}details pre{white-space:pre-wrap}main,body>header,body>footer{max-width:none;padding:0}.bleed{margin:0;overflow:visible}.bleed>svg{min-width:0}body>header{padding-top:0}}
`
