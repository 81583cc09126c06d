// Memory of a provider with nothing to do, as `haggle up` starts it, beside a bare node with the same transports, DHT and gossip. Both run from one file, as
// a clone's agent does: neither holds what strips types from sources, nor a thousand modules.

import { mkdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { rolldown } from 'rolldown'
import { createTroupe } from '../start/processes.ts'
import { createChildren } from './_children.ts'
import { alternate, type BenchRow, rowOf } from './row.ts'

/** Start-up garbage is gone by then. */
const SETTLE_MS = 30_000

const HAGGLE = resolve(import.meta.dirname, '../../apps/haggle/bin/haggle.js')

/** Resident memory of a process, MiB. */
function residentMiB(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? Number.NaN) / 1024
}

/** The bare node in one file. */
async function bundleBare(folder: string): Promise<string> {
  const build = await rolldown({ input: join(import.meta.dirname, '_bare_node.ts'), platform: 'node', logLevel: 'silent' })
  const file = join(folder, 'bare.mjs')
  await build.write({ file, format: 'esm', codeSplitting: false })
  await build.close()
  return file
}

export async function rows(): Promise<readonly BenchRow[]> {
  await using children = createChildren()
  const { folder } = children
  const troupe = createTroupe({ ...process.env, HOME: folder })
  try {
    const bare = await children.start(await bundleBare(folder), 'idle')
    const home = join(folder, 'provider')
    mkdirSync(home, { mode: 0o700 })
    const offer = ['--listen', '/ip4/127.0.0.1/tcp/0', '--price', '0.01', '--for', 'anyone', '--accept-weak-isolation']
    const args = ['up', '--foreground', '--json', '--home', home, '--network', 'bench', '--mdns', 'off', ...offer]
    const provider = await troupe.start('provider', HAGGLE, args, join(folder, 'provider.log'))
    await new Promise((later) => setTimeout(later, SETTLE_MS))
    const look = (pid: number): number[] => [residentMiB(pid)]
    const measured = await alternate({ subject: () => look(provider.pid), floor: () => look(bare.pid) })
    const note = `its launcher, a process of its own, takes ${Math.round(residentMiB(launcherOf(provider.pid)))} MiB more`
    return [rowOf('idle-memory', 'MiB', measured, { aim: { atMost: 1.5 }, note })]
  } finally {
    await troupe.close()
  }
}

/** The launcher is the child of its agent. */
function launcherOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0])
}
