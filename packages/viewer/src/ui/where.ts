import { type Store, volumeInSight } from '../app/state.js'
import { byId, say, show } from './dom.js'

/** Where the model runs, and in plain words where the image goes. */
export function where(store: Store): () => void {
  const field = byId('where-field')
  const list = byId<HTMLSelectElement>('where')
  list.onchange = () => store.update({ where: list.value as 'browser' | 'server' })
  return () => {
    const { server, model } = store.session
    const offered = server !== null && model?.serverId !== undefined
    show(field, offered)
    list.value = store.session.where
    say(byId('where-note'), offered ? goesTo(store) : 'The image stays in this browser: nothing is uploaded.')
  }
}

function goesTo({ session }: Store): string {
  const { server, where: place, picture } = session
  if (place === 'browser') return 'The image stays in this browser: nothing is uploaded.'
  const computer = server!.local ? 'this computer' : 'another computer'
  const image = volumeInSight(session) ?? picture
  const after = 'It is deleted there when the mask has come back.'
  if (image?.reference !== undefined) return `The server ${server!.host} reads the image from its own folder.`
  const part = image && 'file' in image && image.file ? 'the file' : 'values and position, no name'
  return `Segment sends the image (${part}) to ${server!.host}, ${computer}. ${after}`
}
