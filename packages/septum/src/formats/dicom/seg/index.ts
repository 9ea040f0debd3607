export type { Code } from './codes.js'
export type { SegDescription, SegmentInfo } from './dataset.js'
export { type DicomSeg, type ReadSegment, readDicomSeg, type SegGrid, segLabels } from './read.js'
export { encodeDicomSeg, type SegOptions, writeDicomSeg } from './write.js'
