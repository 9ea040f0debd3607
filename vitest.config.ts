import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const source = (name: string) => fileURLToPath(new URL(`packages/${name}/src/index.ts`, import.meta.url))

export default defineConfig({
  resolve: {
    alias: {
      '@septum/core': source('core'),
      '@septum/torch': source('torch'),
      'septum/browser': source('septum').replace('index.ts', 'browser.ts'),
      septum: source('septum'),
    },
  },
  test: {
    include: ['packages/*/src/**/*.test.ts', 'packages/*/test/**/*.test.ts'],
    // libtorch owns process-wide state (threads, generator): each file gets a process of its own.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    // Pages are waited for on machines that do other work, too.
    expect: { poll: { timeout: 10_000 } },
  },
})
