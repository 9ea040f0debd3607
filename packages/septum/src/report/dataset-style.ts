/** What the page of a data check has beyond the report's style sheet. */
export const datasetStyle = `
.verdict{display:inline-block;margin:18px 0 0;padding:5px 14px;border-radius:99px;font-size:14.5px;font-weight:600}
.verdict.good{background:color-mix(in srgb,var(--accent) 14%,transparent);color:var(--accent)}
.verdict.bad{background:color-mix(in srgb,var(--series1) 16%,transparent);color:var(--series1)}
.findings{margin:0;padding:0;list-style:none}
.findings li{margin:0 0 10px;padding:10px 16px;border-left:4px solid var(--series1);background:var(--raised);border-radius:0 8px 8px 0}
.findings.mild li{border-color:var(--series4)}
.findings p{margin:0;max-width:100ch}
.findings .where{display:flex;flex-wrap:wrap;gap:2px 16px;margin-top:3px;color:var(--muted);font-size:13px}
.findings code{overflow-wrap:anywhere}
.sheet{margin-top:18px;overflow-x:auto}
.sheet>svg{display:block;min-width:900px;width:100%;height:auto}
.numbers td,.numbers thead th:not(:first-child){text-align:right}
.numbers td,.numbers th{padding:8px 34px 8px 0;white-space:nowrap}
.numbers tbody th{white-space:normal}
.numbers small{color:var(--muted);margin-left:4px}
.numbers .bar{text-align:left}
.numbers thead th:nth-child(3){text-align:left}
.pair .numbers thead th:nth-child(3),.numbers:not(:has(.bar)) thead th:nth-child(3){text-align:right}
.bar i{display:inline-block;height:10px;margin-right:8px;border-radius:2px;background:var(--series0);vertical-align:baseline}
.key{display:inline-block;width:11px;height:11px;margin-right:9px;border-radius:3px;box-shadow:0 0 0 1px rgba(0,0,0,.25)}
.pair{display:flex;flex-wrap:wrap;gap:20px 72px;margin-top:18px}
.histograms{display:grid;grid-template-columns:repeat(auto-fill,minmax(380px,1fr));gap:24px 40px;margin-top:26px}
.histograms figure{margin:0}
.histograms svg{display:block;width:100%;height:auto}
.hash{color:var(--muted);font-size:14px}
.hash code{overflow-wrap:anywhere}
@media print{.findings li,.histograms figure{break-inside:avoid}}
`
