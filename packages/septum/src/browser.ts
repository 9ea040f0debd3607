/**
 * What of the toolkit runs in a browser too: readers and writers of bytes, and prediction with bundles. The viewer is
 * built from it; nothing here may lead to a module of Node, which the viewer's build holds against.
 */

export { looksLikeDicom } from './formats/dicom/file.js'
export type { PixelLayout } from './formats/dicom/pixel-layout.js'
export type { CompressedDecoder } from './formats/dicom/pixels/decode.js'
export { checkSize, decodeOwnJpeg } from './formats/dicom/pixels/own-jpeg.js'
export { broken as brokenDicom, unsupported as unsupportedDicom } from './formats/dicom/problem.js'
export { encodeSeg } from './formats/dicom/seg/encode.js'
export { type SourceSeries, sourceOfSeries } from './formats/dicom/seg/source-series.js'
export { chooseSeries, collectSeries, type Series, summaries } from './formats/dicom/series.js'
export type { ByteSource } from './formats/dicom/source.js'
export { readSeries } from './formats/dicom/volume.js'
export type { ImageHeader } from './formats/format.js'
export { niftiBytes } from './formats/nifti/encode.js'
export { type NiftiHeader, parseNiftiHeader, recogniseNifti } from './formats/nifti/header.js'
export { describeNifti, niftiSamples, storedBytes } from './formats/nifti/image.js'
export { isGzip } from './formats/volume/gzip.js'
export { inFile as inVolumeFile } from './formats/volume/problem.js'
export { largestValue } from './formats/volume/samples.js'
export { resizePlanes } from './inference/grid/axis.js'
export { fitToModel } from './inference/input/fit.js'
export { windowsOf } from './inference/planes.js'
export { noCleaning, type SegmentedCase, segmentImage } from './inference/segment.js'
export type { ClassStatistics } from './inference/statistics.js'
export { fileChannels, viewOf, viewSize } from './inference/view.js'
