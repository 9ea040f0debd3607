/** What the page of an evaluation adds to the style of reports. */
export const evaluationStyle = `
.legend{display:flex;flex-wrap:wrap;gap:6px 26px;margin:0 0 16px;padding:0;list-style:none;font-size:14px;color:var(--muted)}
.overlays{display:grid;grid-template-columns:repeat(auto-fill,minmax(230px,1fr));gap:20px}
figcaption small{color:var(--muted);font-weight:400;font-size:13px}
.pairs{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(500px,100%),1fr));gap:0 36px}
.pairs .overlays{grid-template-columns:1fr 1fr}
.filter{margin:0 0 14px;font-size:14.5px}
.filter input{margin-left:6px;padding:5px 10px;border:1px solid var(--rule);border-radius:6px;background:var(--raised);color:var(--ink);font:inherit}
.filter output{margin-left:10px;color:var(--muted)}
.tall{max-height:560px;overflow:auto;border:1px solid var(--rule);border-radius:8px}
.cases,.tests{font-size:14.5px;min-width:100%}
.cases th,.cases td,.tests th,.tests td{padding:7px 18px 7px 0;text-align:right;white-space:nowrap}
.cases th:first-child,.cases td:first-child{padding-left:16px}
.cases th[scope=row],.cases .word,.tests tbody th,.tests .word,.cases th:first-child,.tests th:first-child{text-align:left}
.cases th[scope=row]{font-weight:400}
ul.hint{padding:14px 0 0 18px;max-width:100ch;min-height:0}ul.hint li{max-width:none;margin:3px 0}
.cases thead th{position:sticky;top:0;background:var(--paper);z-index:1;box-shadow:0 1.5px 0 var(--ink);border:0}
.cases thead button{padding:0;border:0;background:none;color:inherit;font:inherit;font-weight:700;cursor:pointer}
.cases thead button:hover{color:var(--accent)}
.cases th[aria-sort=ascending] button::after{content:' ▴'}.cases th[aria-sort=descending] button::after{content:' ▾'}
.cases tbody tr:hover{background:var(--raised)}
.tests strong{color:var(--accent)}
.ranks tbody tr{border:0}.ranks tbody tr.first{border-top:1px solid var(--rule)}
.ranks th small{display:block;color:var(--muted);font-weight:400;font-size:13px}
.ranks .share{background:color-mix(in srgb,var(--series0) calc(var(--share)*55%),transparent);padding-right:12px}
.tests caption{max-width:90ch}
.block+.block{margin-top:30px}
.block h3{margin-bottom:12px}
.problems{margin:0;padding-left:20px}.problems li{margin:6px 0;max-width:100ch}
.problems b{font-weight:600}
.definitions{display:grid;grid-template-columns:max-content 1fr;gap:10px 24px;margin:0;font-size:14.5px}
.definitions dt{font-weight:600}.definitions dd{margin:0;color:var(--muted);max-width:95ch}
@media(max-width:640px){.definitions{grid-template-columns:1fr;gap:2px}.definitions dd{margin-bottom:10px}}
@media print{.tall{max-height:none;border:0;overflow:visible}.filter{display:none}.cases thead th{position:static}.overlays{grid-template-columns:repeat(4,1fr)}}
`
