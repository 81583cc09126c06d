// Reading somebody's log as it shows it to everybody, and checking that what it shows is what it signed.

import type { PeerTarget } from '@haggle/mesh'
import { Frontier, type SignedHead, TreeHasher } from '@haggle/reputation'
import { equalBytes, HaggleError, type Suite } from '@haggle/wire'
import { ask, type AskParts } from './ask.ts'
import { type LineFrame, MAX_LINES } from './protocol.ts'

/** Lines read at most: of a longer log the last such many, whose root can't be checked then. */
const MAX_READ = 65_536

/** Who asks too fast waits for so long, ms, and so often in all: enough for the longest log that is read. */
const PAUSE_MS = 2_000
const MAX_PAUSES = 64

/** The lines under `head`. Throws `E_LOG_UNPROVEN` when they are not all shown, or don't come to its root. */
export async function readLines(parts: AskParts & { readonly suite: Suite }, target: PeerTarget, head: SignedHead): Promise<LineFrame[]> {
  const { size, root } = head.body
  const from = Math.max(0, size - MAX_READ)
  const lines: LineFrame[] = []
  let pauses = 0
  const tree = new Frontier(new TreeHasher(parts.suite.sha256))
  while (from + lines.length < size) {
    const at = from + lines.length
    const answer = await ask(parts, target, { name: 'lines', body: { from: at, to: Math.min(size, at + MAX_LINES) } })
    if (answer.name === 'refused' && answer.body.reason === 'rate' && pauses++ < MAX_PAUSES) {
      await new Promise<void>((resolve) => void parts.clock.after(PAUSE_MS, resolve))
      continue
    }
    const page = answer.name === 'lines' ? answer.body.lines : []
    if (page.length === 0 || page.some((line, i) => line.index !== at + i)) throw unproven(target, `it does not show entry ${at}`)
    for (const line of page) {
      lines.push(line)
      tree.push(line.leaf)
    }
  }
  if (from === 0 && !equalBytes(tree.root(), root)) throw unproven(target, 'the entries that it shows do not come to its head')
  return lines
}

function unproven({ peerId }: PeerTarget, why: string): HaggleError {
  return new HaggleError('E_LOG_UNPROVEN', `Cannot audit ${peerId}: ${why}`, { details: { peerId } })
}
