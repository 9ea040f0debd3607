import type { Actions } from '../app/actions.js'
import type { Store } from '../app/state.js'
import type { CatalogueEntry } from '../files/examples.js'
import type { ServerImage } from '../server/client.js'
import { byId, make, say, show } from './dom.js'

const opened = 'opened:'
const onServer = 'server:'

/** Choice of image and model, number of masks, and the button that starts. */
export function header(
  store: Store,
  actions: Actions,
  examples: readonly CatalogueEntry[],
  serverImages: () => readonly ServerImage[],
): () => void {
  const imageList = byId<HTMLSelectElement>('image-list')
  const modelList = byId<HTMLSelectElement>('model-list')
  const imageFile = byId<HTMLInputElement>('image-file')
  const folder = byId<HTMLInputElement>('image-folder')
  const modelFiles = byId<HTMLInputElement>('model-files')
  const count = byId<HTMLInputElement>('sample-count')
  const run = byId<HTMLButtonElement>('run')

  for (const { id, title } of examples) imageList.append(make('option', { value: id }, title))
  imageList.onchange = () => {
    const { value } = imageList
    if (value.startsWith(onServer)) void actions.openReference(value.slice(onServer.length))
    else if (!value.startsWith(opened)) void actions.openExample(value)
  }
  byId('open-image').onclick = () => imageFile.click()
  imageFile.onchange = () => {
    void actions.openFiles([...(imageFile.files ?? [])])
    imageFile.value = ''
  }
  byId('open-folder').onclick = () => folder.click()
  folder.onchange = () => {
    void actions.openFiles([...(folder.files ?? [])])
    folder.value = ''
  }
  byId('open-model').onclick = () => modelFiles.click()
  modelFiles.onchange = () => {
    void actions.openModelFiles([...(modelFiles.files ?? [])])
    modelFiles.value = ''
  }
  modelList.onchange = () => {
    const model = store.session.models.find(({ id }) => id === modelList.value)
    if (model) void actions.openModel(model)
  }
  count.onchange = () => {
    const samples = Math.min(32, Math.max(1, Math.round(count.valueAsNumber || 1)))
    count.value = String(samples)
    store.update({ samples })
  }
  run.onclick = () => void actions.run()

  let shownModels: unknown
  let shownImages: unknown
  return () => {
    const { picture, volume, models, model, manifest, busy, samples } = store.session
    const images = serverImages()
    if (shownImages !== images) {
      shownImages = images
      if (images.length > 0) imageList.append(serverGroup(images))
    }
    const shown = volume ?? picture
    syncOpened(imageList, shown?.name, shown?.reference, examples)
    if (shownModels !== models) {
      shownModels = models
      modelList.replaceChildren(...models.map(({ id, title }) => make('option', { value: id }, title)))
      if (models.length === 0) modelList.append(make('option', { value: '' }, 'None: open a folder'))
    }
    modelList.value = model?.id ?? ''
    if (document.activeElement !== count) count.value = String(samples)
    show(count.parentElement!, manifest?.model.kind !== 'mask')
    run.disabled = (!picture && !volume) || !model || busy !== null
    say(run, !volume ? 'Segment' : picture ? 'Segment slice' : 'Segment volume')
  }
}

/** An opened file is an entry of the list too, so that the list always names what is shown. */
function syncOpened(
  list: HTMLSelectElement,
  name: string | undefined,
  reference: string | undefined,
  examples: readonly CatalogueEntry[],
): void {
  const example = examples.find(({ title }) => title === name)
  const old = [...list.options].find(({ value }) => value.startsWith(opened))
  if (name && !example && reference === undefined && old?.value !== opened + name) {
    old?.remove()
    list.prepend(make('option', { value: opened + name }, name))
  }
  const own = reference === undefined ? opened + name : onServer + reference
  const value = example ? example.id : name ? own : ''
  if (list.value !== value) list.value = value
}

function serverGroup(images: readonly ServerImage[]): HTMLOptGroupElement {
  const options = images.map(({ reference }) => make('option', { value: onServer + reference }, reference))
  return make('optgroup', { label: 'On the server' }, ...options)
}
