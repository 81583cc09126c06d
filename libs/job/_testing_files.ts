// The part of the compliance suite that is about the files of jobs.

import { equalBytes, utf8 } from '@haggle/wire'
import type { FileRef } from './spec.ts'
import { type Bench, codeOf, collect, decode, fail, iterate, same } from './_testing_bench.ts'

/** Registers the tests of JobFiles; a host without files passes them. */
export function registerFileTests(test: (title: string, run: (bench: Bench) => Promise<void>) => void): void {
  const refOf = (bench: Bench, path: string, content: Uint8Array): FileRef => ({
    path,
    size: content.length,
    sha256: bench.setup.sha256(content),
    executable: false,
  })

  test('files: inline and staged files are there for the job, and missing() names the others', async (bench) => {
    const { files } = bench.setup
    if (files === undefined) return
    const inline = utf8('inline content')
    const staged = utf8('staged content')
    const refs = [refOf(bench, 'a.txt', inline), refOf(bench, 'in/b.txt', staged)]
    for (const path of ['a.txt', 'in/b.txt']) {
      const job = bench.job('show', [path], { files: refs, inline: [{ file: 0, bytes: inline }] })
      await bench.host.prepare(job)
      const all = bench.filesOf(job)
      const missing = await files.missing(job.id, all)
      same(
        missing.map(({ file }) => all[file]?.path),
        ['in/b.txt'],
      )
      for (const { file, offset } of missing)
        await files.stage(job.id, all[file] ?? fail(), { offset, content: iterate(staged.subarray(offset)) })
      same(await files.missing(job.id, all), [])
      await bench.host.start(job.id)
      same(await bench.text(job.id, 'stdout'), path === 'a.txt' ? 'inline content' : 'staged content')
    }
  })

  test('files: stage() refuses content of another size or hash, and paths out of the folder', async (bench) => {
    const { files } = bench.setup
    if (files === undefined) return
    const good = utf8('right')
    const job = bench.job('say', ['x'], { files: [refOf(bench, 'f', good)] })
    await bench.host.prepare(job)
    const stage = (file: FileRef, content: string): Promise<string> =>
      codeOf(files.stage(job.id, file, { offset: 0, content: iterate(utf8(content)) }))
    same(await stage(refOf(bench, 'f', good), 'wrong'), 'E_JOB_FILE')
    same(await stage(refOf(bench, 'f', good), 'longer than it should be'), 'E_JOB_FILE')
    same(await stage(refOf(bench, 'f', good), 'cut'), 'E_JOB_FILE')
    for (const path of ['../f', '/etc/f', 'a/../../f', '']) same(await stage({ ...refOf(bench, 'f', good), path }, 'right'), 'E_JOB_PATH')
    same(await codeOf(files.open(job.id, 'f', { globs: ['**'], offset: 0 })), 'E_JOB_FILE')
  })

  test('files: list() and open() give what the job left and its globs name, and nothing else', async (bench) => {
    const { files } = bench.setup
    if (files === undefined) return
    const id = await bench.run('result', ['picture'])
    same(await bench.host.wait(id), { kind: 'exit', code: 0 })
    const { files: listed, leftOut } = await files.list(id, ['out/**'], { mostBytes: 7 })
    same(leftOut, 0)
    same(
      listed.map(({ path, size }) => [path, size]),
      [['out/result.txt', 7]],
    )
    same(equalBytes(listed[0]?.sha256 ?? new Uint8Array(), bench.setup.sha256(utf8('picture'))), true)
    same(await files.list(id, [], { mostBytes: 7 }), { files: [], leftOut: 0 })
    same(await files.list(id, ['out/**'], { mostBytes: 6 }), { files: [], leftOut: 1 })
    const opened = await files.open(id, 'out/result.txt', { globs: ['out/**'], offset: 3 })
    same([opened.size, decode(await collect(opened.content))], [7, 'ture'])
    await opened.close()
    same(await codeOf(files.open(id, 'out/result.txt', { globs: ['other/**'], offset: 0 })), 'E_JOB_PATH')
    same(await codeOf(files.open(id, '../stdout', { globs: ['**'], offset: 0 })), 'E_JOB_PATH')
    same(await codeOf(files.open(id, 'out/none', { globs: ['**'], offset: 0 })), 'E_JOB_FILE')
  })
}
