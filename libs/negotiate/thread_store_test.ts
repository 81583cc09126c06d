import { memoryStore } from '@haggle/store'
import { expect, it } from 'vitest'
import { type ThreadRecord, threadStore } from './thread_store.ts'

const THREAD = new Uint8Array(16).fill(3)
const RECORD: ThreadRecord = {
  thread: THREAD,
  role: 'renter',
  peerKey: new Uint8Array(32).fill(4),
  addresses: ['/memory/1'],
  startedAt: 99,
}
const bytes = (...all: number[]): Uint8Array => Uint8Array.from(all)
const setUp = () => {
  const store = memoryStore()
  return { store, threads: threadStore(store) }
}

it('begin() makes a thread that is open until closed() is written, and known after', async () => {
  const { threads } = setUp()
  await threads.write(threads.begin(RECORD))
  expect(await threads.open()).toEqual([RECORD])
  expect(await threads.record(THREAD)).toEqual({ record: RECORD, closed: false })
  await threads.write([threads.closed(THREAD)])
  expect(await threads.open()).toEqual([])
  expect(await threads.record(THREAD)).toEqual({ record: RECORD, closed: true })
  const all: ThreadRecord[] = []
  for await (const record of threads.all()) all.push(record)
  expect(all).toEqual([RECORD])
})

it('record() is undefined when there is none', async () => {
  expect(await setUp().threads.record(THREAD)).toBeUndefined()
})

it('begin() keeps no address that would not fit, and eight at most', async () => {
  const { threads } = setUp()
  const odd = ['/memory/\u001b', 'x'.repeat(513), ...Array.from({ length: 12 }, (_, i) => `/memory/${i}`)]
  await threads.write(threads.begin({ ...RECORD, addresses: odd }))
  expect((await threads.record(THREAD))?.record.addresses).toEqual(Array.from({ length: 8 }, (_, i) => `/memory/${i}`))
})

it('chains() gives both in their order, many or none, and those of one thread only', async () => {
  const { threads } = setUp()
  const other = new Uint8Array(16).fill(4)
  expect(await threads.chains(THREAD)).toEqual({ own: [], theirs: [] })
  for (let seq = 299; seq >= 0; seq--) await threads.write([threads.message(THREAD, 'own', seq, bytes(seq & 0xff))])
  await threads.write([threads.message(THREAD, 'theirs', 0, bytes(7)), threads.message(other, 'own', 0, bytes(8))])
  const { own, theirs } = await threads.chains(THREAD)
  expect(own).toEqual(Array.from({ length: 300 }, (_, seq) => bytes(seq & 0xff)))
  expect(theirs).toEqual([bytes(7)])
})

it('chains() ends at the first message that is missing', async () => {
  const { threads } = setUp()
  await threads.write([0, 1, 3].map((seq) => threads.message(THREAD, 'own', seq, bytes(seq))))
  expect((await threads.chains(THREAD)).own).toEqual([bytes(0), bytes(1)])
})

it('a damaged record is left out, and the others are there', async () => {
  const { store, threads } = setUp()
  const other = { ...RECORD, thread: new Uint8Array(16).fill(9) }
  await threads.write([...threads.begin(RECORD), ...threads.begin(other)])
  await store.write([{ key: `r!${'03'.repeat(16)}`, value: bytes(0xc1) }])
  expect(await threads.open()).toEqual([other])
  expect(await threads.record(THREAD)).toBeUndefined()
})

it('notes, contracts and equivocations are found again', async () => {
  const { threads } = setUp()
  const contract = new Uint8Array(32).fill(6)
  await threads.write([
    threads.putNote(THREAD, 'spec', bytes(1)),
    threads.putContract(contract, THREAD),
    threads.putEquivocation(THREAD, { seq: 17, other: bytes(2) }),
    threads.putEquivocation(THREAD, { seq: 2, other: bytes(3) }),
  ])
  expect(await threads.note(THREAD, 'spec')).toEqual(bytes(1))
  expect(await threads.note(THREAD, 'salt')).toBeUndefined()
  expect(await threads.ofContract('06'.repeat(32))).toEqual(THREAD)
  expect(await threads.equivocations(THREAD)).toEqual([
    { seq: 2, other: bytes(3) },
    { seq: 17, other: bytes(2) },
  ])
  await threads.write([threads.putNote(THREAD, 'spec', null)])
  expect(await threads.note(THREAD, 'spec')).toBeUndefined()
})
