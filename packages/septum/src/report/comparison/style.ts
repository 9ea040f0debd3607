/** What the page of a comparison adds to the style of evaluations. */
export const comparisonStyle = `
.papers,.settings{font-size:15px;min-width:100%}
.papers th,.papers td,.settings th,.settings td{padding:9px 24px 9px 0;white-space:nowrap}
.papers thead th,.papers td{text-align:right}.papers th:first-child{text-align:left}
.papers thead th:last-child,.papers td:last-child{padding-right:0}
.papers caption{max-width:100ch}
.papers td{font-size:16.5px;line-height:1.3}
.papers small{display:block;color:var(--muted);font-size:13px;font-weight:400}
.papers strong{color:var(--accent)}
.papers tr:has(+.published){border-bottom:0}
.papers .published th,.papers .published td{padding-top:0;color:var(--muted);font-size:14px;font-weight:400}
.papers .published th{padding-left:14px}
details{margin-top:18px}summary{cursor:pointer;color:var(--muted);font-size:14.5px}
details .scroll{margin-top:14px}
.settings td:last-child{white-space:normal;min-width:220px}
`
