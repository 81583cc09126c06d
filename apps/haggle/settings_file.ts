// Writes settings into a home's config.json: whole or not at all.

import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { loadConfig } from './home.ts'

/** Changes settings in the file at `path`; `undefined` takes one away. Throws E_CONFIG_FILE when the file that is there can't be read. */
export function keepSettings(path: string, changes: Readonly<Record<string, unknown>>): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const next = Object.fromEntries(Object.entries({ ...loadConfig(path), ...changes }).filter(([, value]) => value !== undefined))
  writeFileSync(`${path}.new`, `${JSON.stringify(next, null, 2)}\n`, { mode: 0o600 })
  renameSync(`${path}.new`, path)
}
