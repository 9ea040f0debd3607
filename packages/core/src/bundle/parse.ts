import { Field } from './check.js'
import {
  type BundleGraph,
  type BundleManifest,
  bundleFormat,
  bundleVersion,
  manifestFile,
} from './manifest.js'
import { bundleProblem } from './problem.js'

const sha256 = /^[0-9a-f]{64}$/

/** A file beside the manifest: no way out of the bundle. */
const fileName = /^(?!\.)[A-Za-z0-9._-]+$/

/**
 * Reads and checks `model.json`: everything that a runtime relies on. Fields that it does not know are left alone.
 * @throws SeptumError `bundle-manifest` naming the field, `bundle-version` for one from a newer Septum.
 */
export function parseManifest(text: string, file: string = manifestFile): BundleManifest {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw bundleProblem('bundle-manifest', 'The manifest is no JSON document', file, { cause })
  }
  const root = new Field(value, '', file)
  if (root.object().format !== bundleFormat) root.at('format').fail(`bundle of Septum`)
  const version = root.at('version').whole(1)
  if (version > bundleVersion) {
    throw bundleProblem(
      'bundle-version',
      `The bundle has version ${version} of the format, this Septum reads up to ${bundleVersion}`,
      file,
    )
  }
  checkAbout(root)
  const dimensions = root.at('dimensions').whole(2)
  if (dimensions > 3) root.at('dimensions').fail('2 or 3')
  checkClasses(root.at('classes'), root.at('paintOrder'))
  root.at('channels').whole(1)
  checkSize(root.at('size'), dimensions)
  checkPreprocessing(root.at('preprocessing'), dimensions)
  const graphs = checkModel(root.at('model'))
  const files = new Set(
    root
      .at('files')
      .list()
      .map((entry) => {
        entry.at('bytes').whole()
        entry.at('sha256').matching(sha256, 'SHA-256 in hexadecimal')
        return entry.at('file').matching(fileName, 'name of a file in the bundle')
      }),
  )
  for (const graph of graphs) {
    const named = graph.at('file').text()
    if (!files.has(named)) graph.at('file').fail('file of the list files')
  }
  return value as BundleManifest
}

function checkAbout(root: Field): void {
  for (const name of ['septum', 'notice']) root.at(name).text()
  root.at('licence').nullable((field) => field.text())
  const method = root.at('method')
  for (const name of ['name', 'title', 'paper']) method.at(name).text()
  method.at('options').object()
  method.at('parameters').whole()
  checkTraining(root.at('training'))
  const metrics = root.at('metrics')
  for (const name of Object.keys(metrics.object())) metrics.at(name).number()
  const verification = root.at('verification')
  verification.at('engine').text()
  verification.at('maxDifference').number()
  verification.at('tolerance').number()
  verification.at('images').whole()
  root.at('precision').optional(checkPrecision)
}

function checkTraining(training: Field): void {
  training.at('dataset').text()
  for (const name of ['licence', 'source']) training.at(name).nullable((field) => field.text())
  for (const work of training.at('citation').list()) work.text()
  training.at('raters').whole(1)
  training.at('seed').whole()
  training.at('seconds').nullable((field) => field.number())
  training.at('fingerprint').nullable((field) => field.matching(sha256, 'SHA-256 in hexadecimal'))
  training.at('cases').nullable((cases) => {
    for (const split of ['train', 'val', 'test']) cases.at(split).whole()
  })
}

function checkPrecision(precision: Field): void {
  precision.at('kind').choice('fp16', 'int8')
  precision.at('layers').whole()
  precision.at('kept').optional((kept) => {
    for (const path of kept.list()) path.text()
  })
  precision.at('calibration').optional((calibration) => {
    calibration.at('ranges').choice('minmax', 'percentile', 'entropy')
    calibration.at('images').whole(1)
  })
  for (const name of ['maxDifference', 'meanDifference']) precision.at(name).number()
  const dice = precision.at('dice')
  dice.at('images').whole(1)
  dice.at('split').choice('train', 'val', 'test')
  for (const name of ['single', 'reduced', 'agreement']) dice.at(name).number()
}

function checkClasses(field: Field, order: Field): void {
  const classes = field.list()
  const regions = order.value !== undefined
  if (classes.length === 0) field.fail('list of one class or more')
  for (const [i, entry] of classes.entries()) {
    entry.at('name').text()
    entry.at('colour').matching(/^#[0-9a-f]{6}$/i, 'colour as #rrggbb')
    for (const code of ['category', 'type']) {
      entry.at(code).optional((field) => {
        for (const part of ['value', 'scheme', 'meaning']) field.at(part).text()
      })
    }
    if (regions) checkRegion(entry)
    else if (entry.at('label').whole(1) !== i + 1) entry.at('label').fail(`label ${i + 1}`)
  }
  if (!regions) return
  const numbers = order.list().map((number) => number.whole())
  const each = classes.every((_, c) => numbers.includes(c))
  if (!each || numbers.length !== classes.length) order.fail('list of every class once')
}

/** Regions are painted with labels of the data set, which lie in them. */
function checkRegion(entry: Field): void {
  const label = entry.at('label').whole(1)
  if (label > 255) entry.at('label').fail('label up to 255')
  const own = entry.at('region').list()
  const labels = own.map((field) => field.whole(1))
  if (!labels.includes(label)) entry.at('region').fail(`list of labels with ${label}`)
}

function checkSize(size: Field, dimensions: number): void {
  const trained = size.at('trained')
  if (trained.list().length !== dimensions) trained.fail(`list of ${dimensions} sides`)
  for (const side of trained.list()) side.whole(1)
  size.at('fixed').flag()
  size.at('multipleOf').whole(1)
}

const intensities = ['scale', 'none', 'windows', 'zScore', 'percentiles', 'minMax', 'meanStd'] as const

function checkPreprocessing(field: Field, dimensions: number): void {
  const channels = field.at('channels')
  if (channels.list().length === 0) channels.fail('list of one entry or more')
  for (const channel of channels.list()) channel.at('kind').choice(...intensities)
  field.at('spacingMm').nullable((spacing) => {
    if (spacing.list().length !== dimensions) spacing.fail(`list of ${dimensions} distances`)
    for (const distance of spacing.list()) if (distance.number() <= 0) distance.fail('positive number')
  })
  field.at('interpolation').choice('linear', 'cubic', 'nearest')
  field.at('fit').choice('crop', 'stretch')
  field.at('crops').optional((crops) => crops.choice('centre', 'anywhere'))
  field.at('maxValue').nullable((value) => value.number())
}

/** @returns the graphs that the bundle names */
function checkModel(model: Field): Field[] {
  const graphs = model.at('graphs')
  if (model.at('kind').choice('mask', 'next-scale') === 'mask') {
    model.at('output').choice('sigmoid', 'softmax')
    return [checkGraph(graphs.at('model'))]
  }
  const scales = model.at('scales').list()
  if (scales.length === 0) model.at('scales').fail('list of one side or more')
  for (const side of scales) side.whole(1)
  model.at('vocabulary').whole(2)
  model.at('layers').whole(1)
  model.at('prefix').whole(1)
  model.at('noClass').nullable((field) => field.whole())
  model.at('context').optional((field) => field.choice('all', 'previous'))
  const lowRank = model.at('lowRank')
  lowRank.optional((share) => {
    if (!(share.number() > 0 && share.number() <= 1)) share.fail('share above 0 and up to 1')
  })
  const sampling = model.at('sampling')
  sampling.at('samples').whole(1)
  if (sampling.at('temperature').list().length !== scales.length)
    sampling.at('temperature').fail('list of one temperature for each scale')
  for (const each of sampling.at('temperature').list()) each.number()
  sampling.at('topK').nullable((field) => field.whole(1))
  sampling.at('topP').number()
  sampling.at('guidance').number()
  const quantizer = graphs.at('quantizer').list()
  if (quantizer.length !== scales.length) graphs.at('quantizer').fail('list of one graph for each scale')
  const names = [
    'encoder',
    ...(lowRank.value === undefined ? [] : ['condition']),
    'start',
    'transformer',
    'decoder',
  ]
  const single = names.map((name) => graphs.at(name))
  return [...single, ...quantizer].map(checkGraph)
}

function checkGraph(graph: Field): Field {
  graph.at('file').matching(fileName, 'name of a file in the bundle')
  for (const side of ['inputs', 'outputs'] as const satisfies readonly (keyof BundleGraph)[]) {
    for (const tensor of graph.at(side).list()) {
      tensor.at('name').text()
      tensor.at('type').choice('float32', 'int64')
      for (const axis of tensor.at('shape').list()) if (typeof axis.value !== 'string') axis.whole()
    }
  }
  return graph
}
