// Finds the bundle of an app, when it is of these very sources. Plain JavaScript without dependencies: set-up asks on any Node, before anything
// is installed.

import { readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../..')

/** Where an app's bundles lie: a folder for each, and `current.json`. */
export const bundlesOf = (app, root = ROOT) => join(root, 'apps', app, 'dist/bundle')

/** What a source file's change shows in. */
export const markOf = (path, root = ROOT) => {
  const { mtimeMs, size } = statSync(join(root, path))
  return `${size} ${mtimeMs}`
}

/** The module `name` of the app's bundle, or undefined when there is none or a source has changed since. */
export const bundled = (app, name = 'main.js', root = ROOT) => {
  try {
    const { folder, sources } = JSON.parse(readFileSync(join(bundlesOf(app, root), 'current.json'), 'utf8'))
    for (const [path, mark] of sources) if (markOf(path, root) !== mark) return undefined
    return join(bundlesOf(app, root), folder, name)
  } catch (error) {
    // No bundle yet, or a source that is gone.
    if (error.code === 'ENOENT') return undefined
    throw error
  }
}
