// Memory of a provider with nothing to do, beside a bare node with the same transports, DHT and gossip.

import { readFileSync } from 'node:fs'
import { createChildren } from './_children.ts'
import { alternate, type BenchRow, rowOf } from './row.ts'

/** Start-up garbage is gone by then. */
const SETTLE_MS = 10_000

/** Resident memory of a process, MiB. */
function residentMiB(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? Number.NaN) / 1024
}

export async function rows(): Promise<readonly BenchRow[]> {
  await using children = createChildren()
  const bare = await children.start('_bare_node.ts', 'idle')
  const provider = await children.start('_provider_node.ts', `${children.folder}/provider`, 'bench', '1', '-')
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS))
  const look = (pid: number): number[] => [residentMiB(pid)]
  const launcher = Number(provider.first['launcher'])
  const measured = await alternate({ subject: () => look(provider.pid), floor: () => look(bare.pid) })
  const note = `the launcher, a process of its own, takes ${Math.round(residentMiB(launcher))} MiB more`
  return [rowOf('idle-memory', 'MiB', measured, { aim: { atMost: 1.5 }, note })]
}
