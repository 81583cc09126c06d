// haggle verify: checks a file of evidence offline, from the file alone.

import { readFileSync } from 'node:fs'
import { EXIT, Failure } from '../failure.ts'
import { print, printJson } from '../out.ts'
import { JSON_FLAG, type Verb } from '../table.ts'
import { painter, screenOf } from '../term.ts'

export const verb: Verb = {
  name: 'verify',
  summary: 'check a transcript, a proof or evidence offline, from the file alone',
  positionals: [{ name: 'FILE', help: 'what haggle run, haggle ledger export, prove or evidence wrote; - is stdin', kind: 'file' }],
  flags: [JSON_FLAG],
  notes: [
    'Needs no agent, no home and no network. Exit 0: everything in the file follows from its signatures. Exit 1: the first thing that is wrong is printed.',
  ],
  examples: ['haggle verify out/a91.haggle', 'haggle verify --json out/a91.haggle'],
  async run(args) {
    const file = args.positionals[0] ?? '-'
    let bytes: Buffer
    try {
      bytes = readFileSync(file === '-' ? 0 : file)
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException
      throw new Failure(
        'E_FILE_MISSING',
        code === 'ENOENT' ? `There is no file ${file}` : `Cannot read ${file}: ${code ?? String(cause)}`,
        { cause },
      )
    }
    const { check } = await import('../evidence.ts')
    const verdict = await check(bytes)
    if (args.on('json')) printJson(verdict.json)
    else {
      const paint = painter(screenOf(process.stdout, args.env))
      if (verdict.ok) print(`${paint('good', '✓')} ${verdict.summary[0] ?? ''}`, ...verdict.summary.slice(1).map((line) => `  ${line}`))
      else process.stderr.write(`haggle: ${file} does not check: ${verdict.wrong}\n`)
    }
    return verdict.ok ? EXIT.ok : EXIT.failed
  },
}
