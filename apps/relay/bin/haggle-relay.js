#!/usr/bin/env -S MALLOC_ARENA_MAX=1 node --conditions=@haggle/source --max-semi-space-size=4 --min-semi-space-size=4 --v8-pool-size=1 --no-sparkplug --expose-gc --
// Starts haggle-relay: says clearly when Node is too old, then hands over to main: in a clone to its bundle, or its source when that was edited since. The environment
// and the flags are an agent's (apps/haggle/agent_flags.ts), without V8's baseline compiler: little of a relay runs often, and what that compiles of it takes 4 MiB.
// Behind its -- Node takes nothing for a flag of its own.

import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const NODE_MAJOR = 24
if (Number.parseInt(process.versions.node, 10) < NODE_MAJOR) {
  process.stderr.write(
    `haggle-relay: needs Node ${NODE_MAJOR} or newer, this is ${process.versions.node} (E_NODE_VERSION)\n  next: run it as "npx haggle-relay" in the clone, which brings one, or see https://nodejs.org\n`,
  )
  process.exit(3)
}
const isSource = !dirname(fileURLToPath(import.meta.url)).includes(join('/', 'node_modules', '/'))
const bundle = isSource ? (await import('../../../tools/bundle/fresh.mjs')).bundled('relay') : undefined
const { main } = await import(isSource ? (bundle ?? '../main.ts') : '../dist/main.js')
await main(process.argv.slice(2), process.env)
