// Bundles the apps of a clone, so that their processes load a few files and not a thousand: a start takes a third of the time. Does nothing when nothing
// changed. Which bundle is fresh says `fresh.mjs`; a clone without one, or whose sources were edited since, runs from its sources.

import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, isAbsolute, join, relative } from 'node:path'
import { type OutputChunk, rolldown } from 'rolldown'
import { bundled, bundlesOf, markOf, ROOT } from './fresh.mjs'

/** Modules that processes are started from, by the path that they have in the bundle: the same, from module to module, as in the sources. */
const APPS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  haggle: { main: 'apps/haggle/main.ts', 'agent/main': 'apps/haggle/agent/main.ts', launcher_main: 'libs/runners/launcher_main.ts' },
  relay: { main: 'apps/relay/main.ts' },
}
/** Packages with native code, or that are looked up as files. */
const EXTERNAL = [/^classic-level$/, /^deno$/, /^@foundry-rs\//, /^haggle-relay/]
/** Sources that no module imports. */
const OTHER_SOURCES = ['package-lock.json', 'tools/bundle/main.ts']
/** Older bundles that stay: a running agent still loads parts of the one that it was started from. */
const KEPT = 4

/** Modules that start processes look for them beside themselves: `new URL('./launcher_main.js', import.meta.url)`. */
const BESIDE = /new URL\(`?['"]?(\.\/[\w/]+)/g

async function bundle(app: string, input: Readonly<Record<string, string>>): Promise<void> {
  const build = await rolldown({
    input: Object.fromEntries(Object.entries(input).map(([name, path]) => [name, join(ROOT, path)])),
    cwd: ROOT,
    platform: 'node',
    external: EXTERNAL,
    resolve: { conditionNames: ['@haggle/source', 'node', 'import', 'default'] },
    logLevel: 'silent',
  })
  const { output } = await build.generate({ format: 'esm', entryFileNames: '[name].js', chunkFileNames: '[name]-[hash].js' })
  await build.close()
  const chunks = output.filter((one): one is OutputChunk => one.type === 'chunk')
  const names = new Set(chunks.map(({ fileName }) => fileName))
  for (const { fileName, code } of chunks) {
    for (const [, beside = ''] of code.matchAll(BESIDE)) {
      const path = join(dirname(fileName), `${beside.replace(/\.js$/, '')}.js`)
      if (!names.has(path)) throw new Error(`${fileName} starts ${path}, which is not in the bundle of ${app}`)
    }
  }
  const sources = [...chunks.flatMap(({ moduleIds }) => moduleIds), ...OTHER_SOURCES.map((path) => join(ROOT, path))]
    .filter((id) => isAbsolute(id) && !id.includes('/node_modules/') && existsSync(id))
    .map((id) => relative(ROOT, id))
  const hash = createHash('sha256')
  for (const { fileName, code } of chunks) hash.update(`${fileName}\n${code}`)
  const folder = hash.digest('hex').slice(0, 16)
  const bundles = bundlesOf(app)
  for (const { fileName, code } of chunks) {
    mkdirSync(join(bundles, folder, dirname(fileName)), { recursive: true })
    writeFileSync(join(bundles, folder, fileName), code)
  }
  const current = join(bundles, 'current.json')
  writeFileSync(`${current}.new`, JSON.stringify({ folder, sources: [...new Set(sources)].map((path) => [path, markOf(path)]) }))
  renameSync(`${current}.new`, current)
  const older = readdirSync(bundles, { withFileTypes: true })
    .filter((one) => one.isDirectory() && one.name !== folder)
    .map(({ name }) => ({ path: join(bundles, name), at: statSync(join(bundles, name)).mtimeMs }))
    .toSorted((a, b) => b.at - a.at)
  for (const { path } of older.slice(KEPT)) rmSync(path, { recursive: true, force: true })
}

for (const [app, input] of Object.entries(APPS)) if (bundled(app) === undefined) await bundle(app, input)
