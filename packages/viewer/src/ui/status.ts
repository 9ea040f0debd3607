import type { Actions } from '../app/actions.js'
import type { Session, Store } from '../app/state.js'
import { byId, make, say, show } from './dom.js'
import { short } from './numbers.js'

/** Problems, progress, credits, facts about the model, and what a screen reader hears. */
export function status(store: Store, actions: Actions): () => void {
  const bar = byId<HTMLProgressElement>('progress-bar')
  byId('cancel').onclick = () => actions.cancel()
  byId('problem-close').onclick = () => store.update({ problem: null })
  let credited: unknown
  let described: unknown
  return () => {
    const { problem, busy, picture, manifest } = store.session
    show(byId('problem'), problem !== null)
    say(byId('problem-message'), problem ? `${problem.message}.` : '')
    say(byId('problem-hint'), problem?.hint ?? '')
    show(byId('progress'), busy !== null)
    if (busy) {
      say(byId('progress-text'), busy.text)
      if (busy.share === null) bar.removeAttribute('value')
      else bar.value = busy.share
    }
    say(byId('live'), spoken(store))
    if (credited !== picture) {
      credited = picture
      creditOf(picture)
    }
    if (described !== manifest) {
      described = manifest
      aboutModel(manifest)
    }
  }
}

function creditOf(picture: Session['picture']): void {
  const credit = picture?.credit
  const link = credit && make('a', { href: credit.url, rel: 'noopener', target: '_blank' }, credit.licence)
  byId('credit').replaceChildren(...(link ? [`${credit.text}, `, link] : []))
}

function spoken({ session }: Store): string {
  const { busy, result, volumeResult, scene, problem } = session
  if (problem) return ''
  if (busy) return busy.share === null || busy.share < 0.5 ? 'Working.' : 'Half of the work is done.'
  if (volumeResult && scene === 'volume') return `Done in ${short(volumeResult.seconds)} seconds.`
  if (!result) return ''
  const masks = result.classes[0]!.samples.length
  return `Done in ${short(result.seconds)} seconds: ${masks} ${masks === 1 ? 'mask' : 'masks'}.`
}

function aboutModel(manifest: Session['manifest']): void {
  show(byId('about-model'), manifest !== null)
  if (!manifest) return
  const { method, training, size, metrics, licence, verification } = manifest
  const cases = training.cases
  const rows: readonly (readonly [string, string])[] = [
    ['Method', `${method.title}, ${method.parameters.toLocaleString('en-GB')} parameters`],
    ['Paper', method.paper],
    ['Finds', manifest.classes.map(({ name }) => name).join(', ')],
    [
      'Sees',
      `${size.trained.join(' × ')} ${manifest.dimensions === 3 ? 'voxels' : 'pixels'}${size.fixed ? '' : ', or another size'}`,
    ],
    ['Trained on', cases ? `${training.dataset}: ${cases.train} images` : training.dataset],
    ['Data licence', training.licence ?? 'not stated'],
    ['Model licence', licence ?? 'not stated'],
    ...Object.entries(metrics).map(([name, value]) => [name, short(value)] as const),
    ['Export differs by', `${verification.maxDifference.toExponential(1)} at most`],
    ['Note', manifest.notice],
  ]
  byId('model-facts').replaceChildren(
    ...rows.flatMap(([name, value]) => [make('dt', {}, name), make('dd', {}, value)]),
  )
}
