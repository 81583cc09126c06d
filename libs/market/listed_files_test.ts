import type { FileRef, FoundFiles, JobFiles } from '@haggle/job'
import { describe, expect, it } from 'vitest'
import { ListedFiles } from './listed_files.ts'

const REF: FileRef = { path: 'out/a', size: 1, sha256: new Uint8Array(32), executable: false }
const FOUND: FoundFiles = { files: [REF], leftOut: 0 }
const MOST = { mostBytes: 1 }

async function* octets(): AsyncGenerator<Uint8Array> {
  yield Uint8Array.of(1)
}

/** Files that say which folders were read. */
function folders(): { read: string[]; files: JobFiles } {
  const read: string[] = []
  const list = async (id: string): Promise<FoundFiles> => (read.push(id), FOUND)
  return {
    read,
    files: {
      missing: async () => [],
      stage: async () => undefined,
      list,
      open: async () => ({ size: 1, content: octets(), close: async () => undefined }),
    },
  }
}

describe('ListedFiles', () => {
  it('list() reads the folder of a running job each time, and of one that is over no more', async () => {
    const { read, files } = folders()
    const listed = new ListedFiles(files)
    await listed.list('a', ['out/*'], MOST)
    await listed.listLast('a', ['out/*'], MOST)
    expect(await listed.list('a', ['out/*'], MOST)).toEqual(FOUND)
    await listed.list('b', ['out/*'], MOST)
    expect(read).toEqual(['a', 'a', 'b'])
  })

  it('list() reads a folder once for all who ask meanwhile', async () => {
    const { read, files } = folders()
    const listed = new ListedFiles(files)
    const asked = Array.from({ length: 5 }, () => listed.list('a', ['out/*'], MOST))
    expect(await Promise.all(asked)).toEqual(Array(5).fill(FOUND))
    expect(read).toEqual(['a'])
    await listed.list('a', ['out/*'], MOST)
    expect(read).toEqual(['a', 'a'])
  })

  it('list() reads an old job again when 64 others have ended since', async () => {
    const { read, files } = folders()
    const listed = new ListedFiles(files)
    for (let i = 0; i < 65; i++) await listed.listLast(String(i), [], MOST)
    await listed.list('1', [], MOST)
    await listed.list('0', [], MOST)
    expect(read.slice(65)).toEqual(['0'])
  })

  it('open() knows the hash of a file that was listed last, unless it has another size by now', async () => {
    const { files } = folders()
    const listed = new ListedFiles(files)
    const hashOf = async (path: string, of = listed): Promise<Uint8Array | undefined> =>
      (await of.open('a', path, { globs: [], offset: 0 })).sha256
    expect(await hashOf('out/a')).toBeUndefined()
    await listed.listLast('a', [], MOST)
    expect(await hashOf('out/a')).toEqual(REF.sha256)
    expect(await hashOf('out/b')).toBeUndefined()
    const grown = new ListedFiles({ ...files, open: async () => ({ size: 2, content: octets(), close: async () => undefined }) })
    await grown.listLast('a', [], MOST)
    expect(await hashOf('out/a', grown)).toBeUndefined()
  })
})
