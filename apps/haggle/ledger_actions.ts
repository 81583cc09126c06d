// What haggle ledger does beside listing: each action asks the agent once and says in a line what came of it.

import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Explanation, ImportedProof, MemoryStatus } from '@haggle/market'
import type { Args } from './args.ts'
import { explainPage } from './explain_page.ts'
import { EXIT, Failure, usage } from './failure.ts'
import { bytes, counted, shortPeer } from './format.ts'
import { stateText } from './memory_state.ts'
import { note, print, printJson } from './out.ts'
import type { Session } from './reach.ts'
import { screenOf } from './term.ts'

/** One action: resolves with the exit code. */
export type LedgerAction = (open: Session, args: Args) => Promise<number>

/** How {@link writeEvidence} writes. */
export interface EvidenceFile {
  /** Name of the file when none is given. */
  readonly fallback: string
  /** What the JSON says beside where it was written. */
  readonly about: Readonly<Record<string, unknown>>
  /** True: without `--to` it goes to stdout where that is no terminal. */
  readonly pipe: boolean
}

/** Refuses `--to -` with `--json`, before anything is asked: stdout has room for one of them. Throws E_USAGE. */
export function checkTo(args: Args): void {
  if (args.text('to') === '-' && args.on('json')) throw usage('--to - and --json both want stdout', '--to FILE, or leave --json out')
}

/** Writes a file of evidence to `--to`, or where {@link EvidenceFile} says. */
export function writeEvidence(args: Args, file: Uint8Array, { fallback, about, pipe }: EvidenceFile): void {
  const to = args.text('to') ?? (pipe && !process.stdout.isTTY && !args.on('json') ? '-' : fallback)
  if (to === '-' && process.stdout.isTTY) throw usage('A terminal is no place for a file of bytes', '--to FILE, or > FILE')
  if (to === '-') return void process.stdout.write(file)
  try {
    writeFileSync(to, file, { mode: 0o600 })
  } catch (cause) {
    throw new Failure('E_FILE_WRITE', `Cannot write ${to}: ${(cause as NodeJS.ErrnoException).code ?? String(cause)}`, {
      next: '--to FILE',
      cause,
    })
  }
  if (args.on('json')) printJson({ ...about, file: resolve(to), bytes: file.length })
  else note(`wrote ${to}, ${bytes(file.length)}: haggle verify ${to}`)
}

/** The positional that an action is about. */
function subject(args: Args, what: string): string {
  const [action, given] = args.positionals
  if (given === undefined) throw usage(`haggle ledger ${action} needs ${what}`, 'haggle ledger --help')
  return given
}

/** The bytes of a file that the agent sent. */
export const fileOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'))

const standing: LedgerAction = async (open, args) => {
  const status = await open.ask<MemoryStatus>('memory')
  if (args.on('json')) printJson(status)
  else {
    const { text, fix } = stateText(status)
    print(`ledger    ${text}`, ...(fix === undefined ? [] : [`  → ${fix}`]))
    if (status.convicted > 0) print(`evidence  ${counted(status.convicted, 'peer')} lied in its log`)
  }
  return stateText(status).state === 'bad' ? EXIT.failed : EXIT.ok
}

/** The actions by name. `list`, `show` and `export` are the verb's own. */
export const ACTIONS: Readonly<Record<string, LedgerAction>> = {
  status: standing,
  explain: async (open, args) => {
    const peer = subject(args, 'a PeerId')
    const explanation = await open.ask<Explanation>('explain', { peer, receipts: args.count('limit') })
    if (args.on('json')) printJson(explanation)
    else print(...explainPage(explanation, screenOf(process.stdout, args.env)))
    return EXIT.ok
  },
  prove: async (open, args) => {
    const found = await open.ask<{ file: string; contract: string; index: number; bothSigned: boolean }>('prove', {
      contract: subject(args, 'a contract'),
    })
    const { contract, index, bothSigned } = found
    if (!bothSigned) note("only this node signed it: a stranger takes it for this node's word")
    writeEvidence(args, fileOf(found.file), {
      fallback: `${contract.slice(0, 16)}.proof`,
      about: { contract, index, bothSigned },
      pipe: true,
    })
    return EXIT.ok
  },
  import: async (open, args) => {
    const path = subject(args, 'a FILE that haggle ledger prove wrote')
    let file: Buffer
    try {
      file = readFileSync(path === '-' ? 0 : path)
    } catch (cause) {
      throw new Failure('E_FILE_MISSING', `Cannot read ${path}: ${(cause as NodeJS.ErrnoException).code ?? String(cause)}`, { cause })
    }
    const imported = await open.ask<ImportedProof>('import', { file: file.toString('base64') })
    if (args.on('json')) printJson(imported)
    else if (imported.kind === 'carried')
      note(
        `${shortPeer(imported.owner)} vouches for this node now: shown to whoever it deals with, and counted by those who trust ${shortPeer(imported.owner)}`,
      )
    else
      note(
        `counted for ${shortPeer(imported.about)}, as far as ${shortPeer(imported.owner)} is trusted: haggle ledger explain ${imported.about}`,
      )
    return EXIT.ok
  },
  evidence: async (open, args) => {
    const peer = subject(args, 'a PeerId')
    const { file } = await open.ask<{ file: string | null }>('evidence', { peer })
    if (file === null)
      throw new Failure('E_EVIDENCE_NONE', `Nothing here shows that ${peer} lied`, { next: `haggle ledger explain ${peer}` })
    writeEvidence(args, fileOf(file), { fallback: `${peer.slice(-12)}.evidence`, about: { peer }, pipe: true })
    return EXIT.ok
  },
  checkpoint: async (open, args) => {
    const { size, cosigned, failed } = await open.ask<{ size: number; cosigned: number; failed: number }>('checkpoint')
    if (args.on('json')) printJson({ size, cosigned, failed })
    else
      note(
        `signed a head of ${counted(size, 'entry', 'entries')}: ${cosigned} cosigned it${failed === 0 ? '' : `, ${failed} get it when they are met`}`,
      )
    return EXIT.ok
  },
  fetch: async (open, args) => {
    const { entries, status } = await open.ask<{ entries: number; status: MemoryStatus }>('fetch')
    if (args.on('json')) printJson({ entries, status })
    else note(`${counted(entries, 'entry', 'entries')} came from counterparties; ledger ${stateText(status).text}`)
    return stateText(status).state === 'bad' ? EXIT.failed : EXIT.ok
  },
  check: async (open, args) => {
    const report = await open.ask<{
      ok: boolean
      entries: number
      healedRecords: number
      healedFrames: number
      healedRows: number
      lost: readonly unknown[]
      conflicts: readonly number[]
    }>('check')
    if (args.on('json')) printJson(report)
    else {
      const healed = report.healedRecords + report.healedFrames + report.healedRows
      const wrong = report.lost.length + report.conflicts.length
      note(
        `${counted(report.entries, 'entry', 'entries')} read twice${healed === 0 ? '' : `, ${healed} mended`}: ${report.ok ? 'they come to the signed root' : `${counted(wrong, 'place')} can not be mended here: haggle ledger fetch`}`,
      )
    }
    return report.ok ? EXIT.ok : EXIT.failed
  },
  succeed: async (open, args) => {
    const status = await open.ask<MemoryStatus>('succeed')
    if (args.on('json')) printJson(status)
    else note(`began log ${status.log} in the open: scores count the gap, and counterparties cosign it from now on`)
    return EXIT.ok
  },
}
