// Runs a module of this package that becomes an agent: `agent.js main up --foreground …`, `agent.js agent/main HOME`. Such a process loads the network stack,
// a thousand modules: in a clone from its bundle (tools/bundle), or from the sources when those were edited since.

import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const [name, ...argv] = process.argv.slice(2)
const here = dirname(fileURLToPath(import.meta.url))
const isSource = !here.includes('/node_modules/')
const bundle = isSource ? (await import('../../../tools/bundle/fresh.mjs')).bundled('haggle', `${name}.js`) : undefined
process.argv.splice(2, 1)
// The person's own cache folder, never a shared one: whoever can write there decides what code runs.
const home = process.getBuiltinModule('node:os').homedir()
process.getBuiltinModule('node:module').enableCompileCache(join(process.env.XDG_CACHE_HOME || join(home, '.cache'), 'haggle'))
const { main } = await import(bundle ?? (isSource ? `../${name}.ts` : `../dist/${name}.js`))
await main?.(argv)
