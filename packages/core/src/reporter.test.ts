import { expect, it } from 'vitest'
import { silentReporter } from './reporter.js'

it('the silent reporter takes everything and says nothing', () => {
  const handle = silentReporter.progress('training', 10, 'step')
  handle.update(1, { loss: 0.5 })
  handle.finish()
  expect(silentReporter.info('text')).toBeUndefined()
  expect(silentReporter.warn('text')).toBeUndefined()
})
