// Checks the browser-safe libraries (core and domain) with Deno: types without Node's or the DOM's, slow types, and undocumented public symbols.

import { spawnSync } from 'node:child_process'
import { loadWorkspace, sourceExports, tagOf } from './workspace.ts'

const root = `${import.meta.dirname}/..`
const entries = loadWorkspace(root)
  .packages.filter((one) => ['core', 'domain'].includes(tagOf(one, 'layer')))
  .flatMap((one) => [...sourceExports(one)].filter(([subpath]) => subpath === '.').map(([, path]) => path))
// Deno colours its output for any FORCE_COLOR, "0" included.
const { FORCE_COLOR: _, ...rest } = process.env
const env = { ...rest, NO_COLOR: '1' }
const deno = (...args: string[]): boolean => {
  const { status, error } = spawnSync(`${root}/node_modules/.bin/deno`, args, {
    cwd: root,
    stdio: ['ignore', 2, 2],
    env,
  })
  if (error) console.error(String(error))
  return status === 0
}
const results = [deno('check', '--quiet', ...entries), deno('doc', '--quiet', '--lint', ...entries)]
process.exitCode = results.every(Boolean) ? 0 : 1
