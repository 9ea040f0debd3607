#!/usr/bin/env node
import { existsSync } from 'node:fs'

const main = new URL('../dist/cli/main.js', import.meta.url)
if (existsSync(main)) {
  await import(main.href)
} else {
  process.stderr.write('error: Septum is not built yet.\n  Type npm run setup in its folder.\n')
  process.exitCode = 1
}
