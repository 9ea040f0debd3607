export { type ExportRequest, type ExportResult, exportRun } from './export-run.js'
