// The process that is killed: opens the ledger of argv[2], says what it found, and appends without end, saying what is acknowledged.
//
// Lines on stdout, written synchronously, so that the last one is what the process was doing when it died:
//   open SIZE STATE HEALED | root SIZE HEX (for each size asked for in argv[3]) | begin SIZE | ack SIZE HEX

import { writeSync } from 'node:fs'
import { toHex } from '@haggle/wire'
import { entryAt } from './ledger_entries.ts'
import { openHome } from './ledger_home.ts'

const [, , folder = '', sizes = ''] = process.argv
const say = (line: string): void => void writeSync(1, `${line}\n`)

// Without a folder it has nothing to do but leave behind what it was compiled to: a process that is killed can't.
if (folder === '') process.exit(0)

const { ledger } = await openHome(folder)
const status = ledger.status()
say(`open ${status.size} ${status.state} ${status.healed}`)
for (const size of sizes
  .split(',')
  .filter((s) => s !== '')
  .map(Number))
  if (size <= ledger.size) say(`root ${size} ${toHex(await ledger.rootAt(size))}`)
say('ready')
for (let next = ledger.size, group = 1; ; group = (group * 7 + 3) % 61) {
  say(`begin ${next}`)
  const calls: Promise<number>[] = []
  for (let i = 0; i <= group; i++) calls.push(ledger.append([entryAt(next++)]))
  await Promise.all(calls)
  const head = ledger.head()
  say(`ack ${head.size} ${toHex(head.root)}`)
}
