import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'vite'

const root = fileURLToPath(new URL('../../../../../', import.meta.url))
const sourceOf = (name: string) => join(root, 'packages', name, 'src/index.ts')

/** A program of this package's sources as one JavaScript file, which a test starts as a thread or process. */
export async function bundle(entry: URL): Promise<{ readonly program: URL; readonly remove: () => void }> {
  // Inside the repository, so that packages from npm are found.
  const parent = join(root, 'node_modules', '.cache')
  mkdirSync(parent, { recursive: true })
  const dir = mkdtempSync(join(parent, 'septum-test-'))
  await build({
    root,
    configFile: false,
    logLevel: 'error',
    resolve: { alias: { '@septum/core': sourceOf('core'), '@septum/torch': sourceOf('torch') } },
    build: {
      ssr: true,
      target: 'node20',
      outDir: dir,
      emptyOutDir: false,
      minify: false,
      rollupOptions: {
        input: fileURLToPath(entry),
        output: { entryFileNames: 'program.mjs', format: 'esm' },
      },
    },
  })
  const remove = () => rmSync(dir, { recursive: true, force: true })
  return { program: pathToFileURL(join(dir, 'program.mjs')), remove }
}
