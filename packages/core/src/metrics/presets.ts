/** Sets of metrics named after the tables of the papers, in the order of their columns. */
export const metricPresets = {
  plain: ['dice', 'iou', 'precision', 'recall', 'specificity', 'accuracy', 'hd95', 'assd'],
  polyp: ['meanDice', 'meanIou', 'weightedF', 'sMeasure', 'meanE', 'maxE', 'mae'],
  saliency: ['maxF', 'meanF', 'adaptiveF', 'weightedF', 'sMeasure', 'maxE', 'meanE', 'adaptiveE', 'mae'],
  m2snet: ['unthresholdedDice', 'smoothedIou', 'weightedF', 'sMeasure', 'adaptiveE', 'mae'],
  lung: ['meanDice', 'meanPrecision', 'meanRecall', 'meanSpecificity', 'sMeasure', 'meanE', 'mae'],
  ultrasound: ['jaccard', 'precision', 'recall', 'specificity', 'dice'],
  'multi-rater': [
    ...['ged', 'hmIou', 'softDice', 'dMax', 'dAvg', 'dMatch', 'sNcc', 'ci', 'ece'],
    ...['perSampleDice', 'consensusDice', 'consensusIou', 'cross', 'sampleDiversity', 'raterDiversity'],
  ],
  surface: ['hd', 'hd95', 'hd95Surfel', 'hd95Pooled', 'assd', 'asd', 'nsd', 'nsdSurfel', 'boundaryIou'],
  topology: ['clDice', 'betti0Error', 'betti1Error', 'bettiMatching', 'componentMatching', 'voi', 'ari'],
  nuclei: ['dice', 'objectDice', 'aji', 'pq', 'sq', 'dq'],
  volume: ['dice', 'iou', 'hd95', 'asdTwoSided', 'nsdSurfel', 'relativeVolumeDifference'],
  layers: ['dice', 'layerEdgeDistance', 'upperEdgeDistance', 'lowerEdgeDistance'],
  lesion: ['dice', 'absoluteVolumeDifference', 'lesionF1', 'lesionPrecision', 'lesionRecall'],
  calibration: ['ece', 'mce', 'brier'],
} as const satisfies Record<string, readonly string[]>

export type MetricPreset = keyof typeof metricPresets
