// Makes spec/vectors: `node --conditions=@haggle/source tools/vectors/main.ts [--check]`. With --check it only says whether they are up to date.
//
// A library adds its vectors with a file `<name>_vectors.ts` here that exports `make()`: file names of spec/vectors and their JSON, the same every time.

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { flag, namedCommand } from '../named_command.ts'

/** Anything that JSON can hold. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }

/** What a file of vectors exports. */
export interface VectorModule {
  make(): Readonly<Record<string, Json>> | Promise<Readonly<Record<string, Json>>>
}

const OUTPUT = join(import.meta.dirname, '../../spec/vectors')

/** Every vector file of every `*_vectors.ts` in this folder, as text by file name. Throws when two make the same one. */
export async function makeAll(): Promise<ReadonlyMap<string, string>> {
  const texts = new Map<string, string>()
  const modules = readdirSync(import.meta.dirname)
    .filter((name) => name.endsWith('_vectors.ts'))
    .toSorted()
  for (const name of modules) {
    const { make } = (await import(`./${name}`)) as VectorModule
    for (const [file, json] of Object.entries(await make())) {
      if (texts.has(file)) throw new Error(`${name} makes ${file}, which another file makes too`)
      texts.set(file, `${JSON.stringify(json, null, 2)}\n`)
    }
  }
  return texts
}

/** The content of a file, or undefined when there is none. */
function current(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

async function make(isCheck: boolean) {
  const texts = await makeAll()
  const changed: string[] = []
  mkdirSync(OUTPUT, { recursive: true })
  for (const [file, text] of texts) {
    const path = join(OUTPUT, file)
    if (current(path) === text) continue
    changed.push(file)
    if (!isCheck) writeFileSync(path, text)
    console.error(`${isCheck ? 'out of date' : 'written'}: spec/vectors/${file}`)
  }
  const ok = !isCheck || changed.length === 0
  if (!ok) console.error('run: node --conditions=@haggle/source tools/vectors/main.ts')
  return { ok, files: [...texts.keys()].toSorted(), changed }
}

if (import.meta.main) {
  await namedCommand({
    name: 'vectors',
    what: 'makes spec/vectors',
    options: { check: flag('only say whether they are what the code makes') },
    run: ({ check }) => make(check),
  })
}
