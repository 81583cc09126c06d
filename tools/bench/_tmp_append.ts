import { mkdtemp, rm } from 'node:fs/promises'
import { Level } from '/work/main/node_modules/level/index.js'
import { openHome } from '/work/main/e2e/torture/ledger_home.ts'
import { randomBytes } from 'node:crypto'
import { openLevelStore } from '@haggle/store/level'
import { openJournal } from '@haggle/reputation/node'
import { openLedger, encodeEntry } from '@haggle/reputation'
import { createIdentity } from '@haggle/identity'
import { nodeSuite } from '@haggle/identity/node'
import { systemClock } from '@haggle/wire'
const G = Number(process.argv[2] ?? 64),
  N = Number(process.argv[3] ?? 20000)
const dir = await mkdtemp('/tmp/b/l-')
const ev = Array.from({ length: 2 }, () => new Uint8Array(randomBytes(375)))
const entry = (i: number) => ({
  kind: 'closed' as const,
  at: 1790000000 + i,
  number: i,
  peer: new Uint8Array(32).fill(i % 100),
  contract: new Uint8Array(randomBytes(32)),
  facts: {
    role: 'provider' as const,
    outcome: 'settled' as const,
    liable: null,
    rail: 'free' as const,
    settled: 123456n,
    meteredS: 60,
    upS: null,
    speedPermille: null,
  },
  evidence: ev.map((e) => {
    const c = e.slice()
    c.set(randomBytes(16))
    return c
  }),
})
const inner = await openLevelStore(dir + '/db')
const captured: any[] = []
const store = {
  ...inner,
  write: async (b: any, o: any) => {
    captured.push(b)
    await inner.write(b, o)
  },
}
const journal = await openJournal(dir + '/ledger.journal')
const ledger = await openLedger({
  store: store as any,
  journal,
  signer: createIdentity(new Uint8Array(32).fill(1)).signer,
  suite: nodeSuite(),
  clock: systemClock(),
  random: (n) => new Uint8Array(randomBytes(n)),
})
const raw = new Level<string, Uint8Array>(dir + '/raw', { valueEncoding: 'view' })
await raw.open()
console.log('entry bytes', encodeEntry(entry(1)).length)
for (let pass = 0; pass < 4; pass++) {
  const entries = Array.from({ length: N }, (_, i) => entry(i))
  captured.length = 0
  let t = performance.now()
  const c0 = process.cpuUsage()
  for (let i = 0; i < N; i += G) await ledger.append(entries.slice(i, i + G))
  const a = performance.now() - t
  const c1 = process.cpuUsage(c0)
  t = performance.now()
  const c2 = process.cpuUsage()
  for (const b of captured)
    await raw.batch(
      b.map((w: any) => ({ type: 'put', key: w.key, value: w.value })),
      { sync: true },
    )
  const f = performance.now() - t
  const c3 = process.cpuUsage(c2)
  console.log(
    'ledger',
    ((a / N) * 1000).toFixed(1),
    'us/entry cpu',
    ((c1.user + c1.system) / N).toFixed(1),
    'raw',
    ((f / N) * 1000).toFixed(1),
    'cpu',
    ((c3.user + c3.system) / N).toFixed(1),
    'ratio',
    (a / f).toFixed(2),
  )
}
await rm(dir, { recursive: true })
