import { Field } from './check.js'
import {
  type BundleGraph,
  type BundleManifest,
  bundleFormat,
  bundleVersion,
  manifestFile,
} from './manifest.js'
import { bundleProblem } from './problem.js'

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
  checkClasses(root.at('classes'))
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
        entry.at('sha256').matching(/^[0-9a-f]{64}$/, 'SHA-256 in hexadecimal')
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
  root.at('training').object()
  root.at('metrics').object()
  const verification = root.at('verification')
  verification.at('maxDifference').number()
  verification.at('tolerance').number()
  verification.at('images').whole()
}

function checkClasses(field: Field): void {
  const classes = field.list()
  if (classes.length === 0) field.fail('list of one class or more')
  for (const [i, entry] of classes.entries()) {
    entry.at('name').text()
    entry.at('colour').matching(/^#[0-9a-f]{6}$/i, 'colour as #rrggbb')
    if (entry.at('label').whole(1) !== i + 1) entry.at('label').fail(`label ${i + 1}`)
  }
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
  const single = ['encoder', 'start', 'transformer', 'decoder'].map((name) => graphs.at(name))
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
