#!/usr/bin/env -S node --conditions=@haggle/source --
// Starts the haggle command: finds a Node that can run it, turns the compile cache on, and hands over to main. Node looks for its own --env-file in all that it is
// given, also behind the script: what follows its -- it leaves alone.

import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const NODE_MAJOR = 24
const here = dirname(fileURLToPath(import.meta.url))
const source = here.includes('/node_modules/') ? undefined : join(here, '../main.ts')

/** The Node that the clone installed, when this one is too old. */
const clonesNode = ({ existsSync }) => {
  for (let folder = here, parent = dirname(here); ; folder = parent, parent = dirname(parent)) {
    const candidate = join(folder, 'node_modules/.bin/node')
    if (existsSync(candidate)) return candidate
    if (parent === folder) return undefined
  }
}

if (Number.parseInt(process.versions.node, 10) < NODE_MAJOR) {
  const node = process.env.HAGGLE_RESTARTED ? undefined : clonesNode(await import('node:fs'))
  if (node === undefined) {
    process.stderr.write(
      `haggle: needs Node ${NODE_MAJOR} or newer, this is ${process.versions.node} (E_NODE_VERSION)\n  next: npm install in the clone brings one, or see https://nodejs.org\n`,
    )
    process.exit(3)
  }
  const flags = source === undefined ? [] : ['--conditions=@haggle/source']
  // Signals reach the child through the terminal's process group; this one only waits and passes its end on.
  for (const signal of ['SIGINT', 'SIGQUIT']) process.on(signal, () => undefined)
  const { spawnSync } = await import('node:child_process')
  const child = spawnSync(node, [...flags, '--', fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: 'inherit',
    env: { ...process.env, HAGGLE_RESTARTED: '1' },
  })
  process.exit(child.status ?? 128 + 15)
}

// The person's own cache folder, never a shared one: whoever can write there decides what code runs.
// Not imported: collecting all exports of Node's modules is a good part of a command's start.
const home = process.getBuiltinModule('node:os').homedir()
process.getBuiltinModule('node:module').enableCompileCache(join(process.env.XDG_CACHE_HOME || join(home, '.cache'), 'haggle'))
const { main } = await import(source === undefined ? '../dist/main.js' : '../main.ts')
await main(process.argv.slice(2))
