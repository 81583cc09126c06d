import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { collectFiles } from './job_files.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'job-files-'))
})
afterEach(() => rm(folder, { recursive: true }))

it('collectFiles() brings a module with what it imports, from their common folder', async () => {
  await mkdir(join(folder, 'lib'))
  await writeFile(join(folder, 'main.ts'), 'import { a } from "./lib/a.ts"; await import("./lib/b.ts")')
  await writeFile(join(folder, 'lib/a.ts'), "export { c as a } from '../c.ts'")
  await writeFile(join(folder, 'lib/b.ts'), 'export {}')
  await writeFile(join(folder, 'c.ts'), 'import "npm:left-pad"; export const c = 1')
  await writeFile(join(folder, 'other.ts'), 'not imported')
  const { files, entry } = await collectFiles({ entry: join(folder, 'main.ts') })
  expect(entry).toBe('main.ts')
  expect(files.map(({ path }) => path)).toEqual(['c.ts', 'lib/a.ts', 'lib/b.ts', 'main.ts'])
})

it('collectFiles() carries small files inline and reads large ones from an offset', async () => {
  await writeFile(join(folder, 'small'), 'abc')
  await writeFile(join(folder, 'large'), Buffer.alloc(100_000, 7))
  const { files, inline, read } = await collectFiles({ inputs: folder })
  expect(files.map(({ path, size }) => [path, size])).toEqual([
    ['large', 100_000],
    ['small', 3],
  ])
  expect(inline.map(({ file }) => file)).toEqual([1])
  let octets = 0
  for await (const chunk of read(files[0] ?? expect.fail('no file'), 99_000)) octets += chunk.length
  expect(octets).toBe(1000)
})

it('collectFiles() refuses links, unsafe paths, a missing module and too many files', async () => {
  await expect(collectFiles({ files: { '../x': new Uint8Array(1) } })).rejects.toMatchObject({ code: 'E_RUN_FILE' })
  await expect(collectFiles({ entry: join(folder, 'none.ts') })).rejects.toMatchObject({ code: 'E_RUN_FILE' })
  const many = Object.fromEntries(Array.from({ length: 129 }, (_, at) => [`f${at}`, new Uint8Array(1)]))
  await expect(collectFiles({ files: many })).rejects.toMatchObject({ code: 'E_RUN_FILE' })
  await symlink('/etc/hostname', join(folder, 'link'))
  await expect(collectFiles({ inputs: folder })).rejects.toMatchObject({ code: 'E_RUN_FILE' })
})
