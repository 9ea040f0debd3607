import { Actions } from './app/actions.js'
import { Derived } from './app/derived.js'
import { Store } from './app/state.js'
import { Engine } from './engine/client.js'
import { listModels } from './engine/models.js'
import { bundledExamples } from './files/examples.js'
import { problemOf } from './files/problem.js'
import { SegmentServer, type ServerImage } from './server/client.js'
import { backend } from './ui/backend.js'
import { controls } from './ui/controls.js'
import { display } from './ui/display.js'
import { byId } from './ui/dom.js'
import { exports } from './ui/exports.js'
import { findings } from './ui/findings.js'
import { growth } from './ui/growth.js'
import { header } from './ui/header.js'
import { keys } from './ui/keys.js'
import { Pictures } from './ui/pictures.js'
import { pointer } from './ui/pointer.js'
import { raters } from './ui/raters.js'
import { samples } from './ui/samples.js'
import { Stage } from './ui/stage.js'
import { status } from './ui/status.js'
import { theme } from './ui/theme.js'
import { volumeExports } from './ui/volume-exports.js'
import { volumeFindings } from './ui/volume-findings.js'
import { volumeStage } from './ui/volume-stage.js'
import { volumeStrip } from './ui/volume-strip.js'
import { where } from './ui/where.js'

const page = new URL('.', document.baseURI)
const store = new Store()
const derived = new Derived(store)
const pictures = new Pictures(store, derived)
const images = bundledExamples(new URL('examples/', page))
const engine = new Engine(new URL('worker.js', page), new URL('ort/', page))
const actions = new Actions(store, engine, images)
const stage = new Stage(store, derived, pictures)

theme()
const examples = await images.list().catch((error: unknown) => {
  store.update({ problem: problemOf(error) })
  return []
})
let serverImages: readonly ServerImage[] = []
const views = [
  header(store, actions, examples, () => serverImages),
  where(store),
  status(store, actions),
  volumeStrip(store, actions),
  volumeStage(store, actions),
  volumeFindings(store),
  volumeExports(store),
  controls(store, derived),
  growth(store, pictures),
  findings(store, derived, pictures),
  samples(store, derived, pictures),
  raters(store, actions, derived, pictures),
  exports(store, derived, pictures, stage),
  display(store, pictures),
  () => stage.draw(),
  pointer(store, actions, derived, stage),
]
keys(store, actions, derived, stage)
backend(store, engine)
store.subscribe(() => {
  for (const update of views) update()
})
if (examples[0]) await actions.openExample(examples[0].id)
requestAnimationFrame(() => performance.mark('septum-picture'))
const { models, api, training } = await listModels(page)
byId('training-link').hidden = !training
const server = api ? new SegmentServer(api) : null
if (server) serverImages = await server.images()
store.update({ models, server })
if (models[0]) await actions.openModel(models[0])
document.documentElement.dataset.ready = 'true'
