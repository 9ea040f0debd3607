#!/usr/bin/env node
// Checks that imports follow the design: scripts/arrows/rules.mjs has the table.
//   node scripts/check-arrows.mjs [ROOT]
import { fileURLToPath } from 'node:url'
import { checkArrows } from './arrows/check.mjs'

const root = process.argv[2] ?? fileURLToPath(new URL('..', import.meta.url))
const { files, violations } = checkArrows(root)
for (const violation of violations) console.log(violation)
console.log(`${files} files, ${violations.length} imports against the arrows`)
process.exitCode = violations.length > 0 ? 1 : 0
