// How a node's log stands, in words: for status, doctor and haggle ledger.

import type { MemoryStatus } from '@haggle/market'
import { counted } from './format.ts'

/** What a state means to the owner. */
export interface StateText {
  readonly state: 'ok' | 'weak' | 'bad'
  readonly text: string
  /** What to type. */
  readonly fix?: string
}

/** The state of a log, and the next step where one is needed. */
export function stateText(status: MemoryStatus): StateText {
  const { state, size, signedSize, missing, cosigners, log, waiting } = status
  const entries = size === 0 ? 'empty' : counted(size, 'entry', 'entries')
  const where = log === 0 ? entries : `${entries} in successor ${log}`
  const which = waiting === 0 ? where : `${where}, ${counted(waiting, 'entry waits', 'entries wait')} to be appended`
  // First: a head is not signed either while the disk refuses, and that is not the ledger's fault.
  if (status.ledger === 'failed')
    return { state: 'bad', text: `${which}, the disk refused a write`, fix: 'make room: whatever is written next tries again' }
  if (status.ledger === 'damaged' || state === 'damaged')
    return { state: 'bad', text: `${which}, damaged: some are on neither copy, and no head is signed`, fix: 'haggle ledger fetch' }
  switch (state) {
    case 'behind':
      return {
        state: 'bad',
        text: `${which}, behind: others have seen up to ${missing} more signed, and no head is signed until they are back`,
        fix: 'haggle ledger fetch; when nobody has them, haggle ledger succeed',
      }
    case 'forked':
      return { state: 'bad', text: `${which}, forked: others have seen it say something else`, fix: 'haggle ledger succeed' }
    case 'unconfirmed':
      return signedSize === 0
        ? { state: 'ok', text: `${which}${size === 0 ? '' : ', no head signed yet'}` }
        : { state: 'weak', text: `${which}, no head is signed until a counterparty has shown the last one, of ${signedSize}` }
    case 'ok':
      return { state: 'ok', text: `${which} ok${signedSize === 0 ? '' : `, head of ${signedSize} cosigned by ${cosigners}`}` }
  }
}
