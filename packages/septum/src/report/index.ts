export type { Area, HypothesisCase, Picture } from './cases.js'
export { type ContactSheet, renderContactSheet } from './contact-sheet.js'
export { type Curve, type CurvePanel, type CurvesFigure, renderCurves } from './curves.js'
export { type DatasetPage, renderDatasetPage } from './dataset-page.js'
export { type HypothesesFigure, renderHypothesesFigure } from './hypotheses.js'
export {
  formatCount,
  formatDuration,
  type ReportDataset,
  type ReportMethod,
  type ReportPage,
  renderReportPage,
} from './page.js'
export type { Theme } from './palette.js'
export { type PngOptions, svgToPng } from './raster.js'
export type { Estimate, Metric, ResultRow, Results } from './results.js'
