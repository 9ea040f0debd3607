import type { Actions } from '../app/actions.js'
import type { Store } from '../app/state.js'
import type { CatalogueEntry } from '../files/examples.js'
import { byId, make, show } from './dom.js'

const opened = 'opened:'

/** Choice of image and model, number of masks, and the button that starts. */
export function header(store: Store, actions: Actions, examples: readonly CatalogueEntry[]): () => void {
  const imageList = byId<HTMLSelectElement>('image-list')
  const modelList = byId<HTMLSelectElement>('model-list')
  const imageFile = byId<HTMLInputElement>('image-file')
  const modelFiles = byId<HTMLInputElement>('model-files')
  const count = byId<HTMLInputElement>('sample-count')
  const run = byId<HTMLButtonElement>('run')

  for (const { id, title } of examples) imageList.append(make('option', { value: id }, title))
  imageList.onchange = () => {
    if (!imageList.value.startsWith(opened)) void actions.openExample(imageList.value)
  }
  byId('open-image').onclick = () => imageFile.click()
  imageFile.onchange = () => {
    const file = imageFile.files?.[0]
    if (file) void actions.openFile(file)
    imageFile.value = ''
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
  return () => {
    const { picture, models, model, manifest, busy, samples } = store.session
    syncOpened(imageList, picture?.name, examples)
    if (shownModels !== models) {
      shownModels = models
      modelList.replaceChildren(...models.map(({ id, title }) => make('option', { value: id }, title)))
      if (models.length === 0) modelList.append(make('option', { value: '' }, 'None: open a folder'))
    }
    modelList.value = model?.id ?? ''
    if (document.activeElement !== count) count.value = String(samples)
    show(count.parentElement!, manifest?.model.kind !== 'mask')
    run.disabled = !picture || !model || busy !== null
  }
}

/** An opened file is an entry of the list too, so that the list always names what is shown. */
function syncOpened(
  list: HTMLSelectElement,
  name: string | undefined,
  examples: readonly CatalogueEntry[],
): void {
  const example = examples.find(({ title }) => title === name)
  const old = [...list.options].find(({ value }) => value.startsWith(opened))
  if (name && !example && old?.value !== opened + name) {
    old?.remove()
    list.prepend(make('option', { value: opened + name }, name))
  }
  const value = example ? example.id : name ? opened + name : ''
  if (list.value !== value) list.value = value
}
