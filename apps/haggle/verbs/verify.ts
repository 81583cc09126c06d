// haggle verify: checks a file of evidence offline, from the file alone, and asks a chain about what only a chain knows.

import { readFileSync } from 'node:fs'
import type { Args } from '../args.ts'
import { type ChainBoot, chainBootOf } from '../boot.ts'
import { EXIT, Failure } from '../failure.ts'
import { print, printJson } from '../out.ts'
import { CHAIN, JSON_FLAG, type Verb } from '../table.ts'
import { painter, screenOf } from '../term.ts'

/** The settings that say which chain is asked. */
const ASKED: readonly string[] = ['chain-rpc', 'chain-id', 'chain-token', 'chain-deployment']

export const verb: Verb = {
  name: 'verify',
  summary: 'check a transcript, a proof or evidence offline, from the file alone',
  positionals: [{ name: 'FILE', help: 'what haggle run, ledger export, prove, evidence or anchor get wrote; - is stdin', kind: 'file' }],
  flags: [
    { name: 'rpc', kind: 'url', value: 'URL', help: 'ask this chain whether a proof is anchored; otherwise the chain of the settings' },
    JSON_FLAG,
    ...CHAIN.filter(({ name }) => ASKED.includes(name)),
  ],
  notes: [
    'Needs no agent, no home and no network. Exit 0: everything in the file follows from its signatures. Exit 1: the first thing that is wrong is printed.',
    'Where a chain is set it is asked besides whether the head of a proof is anchored by its owner. What could not be asked is said.',
  ],
  examples: [
    'haggle verify out/a91.haggle',
    'haggle verify --json out/a91.haggle',
    'haggle verify proof.haggle --rpc http://127.0.0.1:8545',
  ],
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
    const claim = verdict.ok ? verdict.onChain : undefined
    const chain = claim === undefined ? undefined : await (await import('../chain_check.ts')).chainCheck(claim, chainAsked(args))
    const ok = verdict.ok && chain?.ok !== false
    if (args.on('json')) printJson(chain === undefined ? verdict.json : { ...(verdict.json as object), ok, chain: chain.json })
    else {
      const paint = painter(screenOf(process.stdout, args.env))
      const lines = [...verdict.summary.slice(1), ...(chain?.lines ?? [])].map((line) => `  ${line}`)
      if (verdict.ok) print(`${ok ? paint('good', '✓') : paint('bad', '✗')} ${verdict.summary[0] ?? ''}`, ...lines)
      else process.stderr.write(`haggle: ${file} does not check: ${verdict.wrong}\n`)
    }
    return ok ? EXIT.ok : EXIT.failed
  },
}

/** The chain that `--rpc` or the settings name. */
function chainAsked(args: Args): ChainBoot | null {
  const rpc = args.text('rpc')
  return chainBootOf(args, rpc === undefined ? args.list('chain-rpc') : [rpc])
}
