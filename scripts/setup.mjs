#!/usr/bin/env node
// Makes a fresh clone ready: Debian packages, npm packages, the native bridge, TypeScript, the viewer's page.
//   node scripts/setup.mjs [--check]
// Only this file must be readable by an old Node, so that it can say that it is too old.

const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 9)) {
  console.error(
    `Septum needs Node 20.9 or newer; this is ${process.versions.node}. Install one from https://nodejs.org/en/download`,
  )
  process.exit(1)
}

import('./setup/main.mjs')
  .then(({ main }) => main(process.argv.slice(2)))
  .then((code) => {
    process.exitCode = code
  })
