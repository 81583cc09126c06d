// The LevelDB store passes the seam's suite, shares one database per folder, keeps others out and never gives back damaged bytes.

import { fork, spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { errorCode } from '@haggle/wire'
import { afterAll, expect, it } from 'vitest'
import { seal, unseal } from './_checked_value.ts'
import { GroupCommit } from './_group_commit.ts'
import { type LevelStore, openLevelStore } from './level_store.ts'
import type { Write } from './store.ts'
import { testStore } from './testing.ts'

const root = await mkdtemp(join(tmpdir(), 'haggle-store-'))
afterAll(async () => await rm(root, { recursive: true }))
let folders = 0
const folder = (): string => join(root, String(++folders))

testStore('openLevelStore()', async () => await openLevelStore(folder()), { it })

const put = (key: string, value: number): Write => ({ key, value: Uint8Array.of(value) })

it('openLevelStore() shares one database when a folder is opened twice, by another name too', async () => {
  const path = folder()
  const first = await openLevelStore(path)
  await symlink(path, `${path}-link`)
  const [second, third] = await Promise.all([openLevelStore(path), openLevelStore(`${path}-link`)])
  await first.write([put('a', 1)])
  await first.close()
  await first.close()
  expect(await second.get('a')).toEqual(Uint8Array.of(1))
  await second.close()
  expect(await third.get('a')).toEqual(Uint8Array.of(1))
  await third.close()
})

it('openLevelStore() holds as many writes in memory as it is told, and makes a table of them then', async () => {
  const tables = async (options: { writeBufferBytes?: number }): Promise<number> => {
    const path = folder()
    const store = await openLevelStore(path, options)
    for (let n = 0; n < 40; n++) await store.write([{ key: `k${n}`, value: new Uint8Array(8_192).fill(n) }])
    await store.close()
    return (await readdir(path)).filter((name) => name.endsWith('.ldb')).length
  }
  expect(await tables({ writeBufferBytes: 65_536 })).toBeGreaterThan(0)
  expect(await tables({})).toBe(0)
})

it('openLevelStore() opens anew when the last handle is being closed', async () => {
  const path = folder()
  const first = await openLevelStore(path)
  await first.write([put('a', 1)])
  const closing = first.close()
  const second = await openLevelStore(path)
  await closing
  expect(await second.get('a')).toEqual(Uint8Array.of(1))
  await second.close()
})

it('openLevelStore() throws E_HOME_BUSY with the pid when another process has the folder', async () => {
  const path = folder()
  const program = `import { openLevelStore } from ${JSON.stringify(join(import.meta.dirname, 'level.ts'))}
    await openLevelStore(${JSON.stringify(path)}); process.send('open'); setInterval(() => {}, 1e6)`
  await writeFile(`${path}.ts`, program)
  const child = fork(`${path}.ts`, { execArgv: ['--conditions=@haggle/source'] })
  try {
    await once(child, 'message')
    const error: unknown = await openLevelStore(path).catch((e: unknown) => e)
    expect(error).toMatchObject({ code: 'E_HOME_BUSY', details: { pid: child.pid } })
  } finally {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  await (await openLevelStore(path)).close()
})

it('openLevelStore() repairs when CURRENT names a file that is not there, and says so', async () => {
  const path = folder()
  const store = await openLevelStore(path)
  await store.write([put('a', 1)])
  await store.close()
  await writeFile(join(path, 'CURRENT'), 'MANIFEST-999999\n')
  await expect(openLevelStore(path, { repair: false })).rejects.toMatchObject({ code: 'E_STORE_CORRUPT' })
  const again = await openLevelStore(path)
  expect(again.repaired).toBe(true)
  expect(await again.get('a')).toEqual(Uint8Array.of(1))
  await again.close()
})

it('get() throws E_STORE_CORRUPT when a value changed on disk', async () => {
  const path = folder()
  const needle = 'a value to be found again in the file'
  const store = await openLevelStore(path)
  await store.write([{ key: 'a', value: new TextEncoder().encode(needle) }])
  await store.close()
  await (await openLevelStore(path)).close() // a second open moves the log into a table, which LevelDB reads unverified
  for (const name of (await readdir(path)).filter((n) => n.endsWith('.ldb'))) {
    const bytes = await readFile(join(path, name))
    const at = bytes.indexOf(needle)
    if (at >= 0) bytes[at + 3]! ^= 1
    await writeFile(join(path, name), bytes)
  }
  const damaged = await openLevelStore(path, { repair: false }) // which would take the block out
  await expect(damaged.get('a')).rejects.toMatchObject({ code: 'E_STORE_CORRUPT' })
  await damaged.close()
})

it('unseal() throws when any one bit of value, checksum or key differs', () => {
  const sealed = seal('key', Uint8Array.of(1, 2, 3))
  expect(unseal('key', sealed)).toEqual(Uint8Array.of(1, 2, 3))
  for (let bit = 0; bit < sealed.length * 8; bit++) {
    const flipped = sealed.slice()
    flipped[bit >> 3]! ^= 1 << (bit & 7)
    expect(() => unseal('key', flipped)).toThrow()
  }
  expect(() => unseal('kez', sealed)).toThrow()
  expect(() => unseal('key', Uint8Array.of(1))).toThrow()
})

it('GroupCommit joins the writes that come while one is under way, in order, and tells each of a failure', async () => {
  const commits: { keys: string[]; sync: boolean }[] = []
  let gate = Promise.withResolvers<void>()
  const group = new GroupCommit(async (batch, sync) => {
    commits.push({ keys: batch.map((w) => w.key), sync })
    await gate.promise
  })
  const first = group.write([put('a', 1)], false)
  await Promise.resolve()
  await Promise.resolve()
  const rest = [group.write([put('b', 1)], false), group.write([put('c', 1), put('d', 1)], true)]
  gate.resolve()
  await Promise.all([first, ...rest])
  expect(commits).toEqual([
    { keys: ['a'], sync: false },
    { keys: ['b', 'c', 'd'], sync: true },
  ])
  gate = Promise.withResolvers()
  const failing = [group.write([put('e', 1)], true), group.write([put('f', 1)], true)]
  gate.reject(new Error('disk full'))
  expect((await Promise.allSettled(failing)).map((r) => r.status)).toEqual(['rejected', 'rejected'])
  await group.idle()
})

it('write() shares syncs when many ask at once', async () => {
  const store = await openLevelStore(folder())
  await Promise.all(Array.from({ length: 500 }, (_, i) => store.write([put(`k${i}`, i & 255)])))
  expect(await store.get('k499')).toEqual(Uint8Array.of(499 & 255))
  await store.close()
})

it('range() and get() see only damage as damage when the store is closed meanwhile', async () => {
  const store = await openLevelStore(folder())
  await store.write([put('a', 1), put('b', 1)])
  const reading = (async () => {
    for await (const [key] of store.range()) if (key === 'a') await store.close()
  })()
  expect(await reading.catch(errorCode)).toBe('E_STORE_CLOSED')
})

it('write() says E_STORE_WRITE while the disk takes no more, and loses nothing that it acknowledged before or after', async () => {
  const path = folder()
  // A limit on the size of files stands for a full disk; taking it off, for room that somebody made.
  const program = `import { execFileSync } from 'node:child_process'
    import { openLevelStore } from ${JSON.stringify(join(import.meta.dirname, 'level.ts'))}
    const store = await openLevelStore(${JSON.stringify(path)})
    const [acked, refused] = [[], new Set()]
    const put = (n) => store.write([{ key: 'k' + n, value: new Uint8Array(3000).fill(n) }]).then(() => acked.push(n), (error) => refused.add(error.code))
    await store.write(Array.from({ length: 1200 }, (_, n) => ({ key: 'r' + String(n).padStart(4, '0'), value: new Uint8Array(1) })))
    let seen = 0
    for await (const [key] of store.range({ gte: 'r', lt: 's', limit: 1100 })) {
      if (seen++ !== 5) continue
      for (let n = 0; n < 20; n++) await put(n)
      refused.add((await store.get('k0')).length)
      execFileSync('prlimit', ['--pid', String(process.pid), '--fsize=unlimited'])
      for (let n = 100; n < 120; n++) await put(n)
    }
    process.send({ acked, refused: [...refused], seen })
    setInterval(() => {}, 1e6)`
  await writeFile(`${path}.ts`, program)
  const args = ['-c', 'ulimit -S -f 128; exec "$0" "$@"', process.execPath, '--conditions=@haggle/source', `${path}.ts`]
  const child = spawn('sh', args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], env: { PATH: process.env['PATH'] } })
  const [told] = (await once(child, 'message')) as [{ acked: number[]; refused: unknown[]; seen: number }]
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(told.refused).toEqual(['E_STORE_WRITE', 3000])
  expect(told.seen).toBe(1100)
  expect(told.acked.length).toBeGreaterThan(20)
  expect(told.acked).toContain(100)
  await using store = await openedAgain(path)
  for (const n of told.acked) expect(await store.get(`k${n}`)).toEqual(new Uint8Array(3000).fill(n))
})

/** Opened by another process than the one that wrote. */
async function openedAgain(path: string): Promise<LevelStore & AsyncDisposable> {
  const store = await openLevelStore(path)
  return { ...store, [Symbol.asyncDispose]: () => store.close() }
}
