import { toHex } from '@haggle/wire'
import { describe, expect, it } from 'vitest'
import { JobTable } from './job_table.ts'

interface FakeJob {
  readonly name: string
  contract: Uint8Array | null
}

const id = (fill: number): Uint8Array => new Uint8Array(32).fill(fill)

describe('JobTable', () => {
  it('ofContract() finds a job from the moment that it has a contract, and every view of it', () => {
    const table = new JobTable<FakeJob>((job) => job.contract)
    const job: FakeJob = { name: 'a', contract: null }
    table.add('t1', job)
    expect(table.ofContract(toHex(id(1)))).toEqual([])
    job.contract = id(1)
    table.add('t1', { name: 'view', contract: id(1) })
    table.add('t2', { name: 'b', contract: id(2) })
    expect(table.ofContract(toHex(id(1))).map(({ name }) => name)).toEqual(['a', 'view'])
    expect(table.ofContract(toHex(id(2))).map(({ name }) => name)).toEqual(['b'])
  })

  it('delete() forgets a thread under both names', () => {
    const table = new JobTable<FakeJob>((job) => job.contract)
    table.add('t1', { name: 'a', contract: id(1) })
    expect(table.ofContract(toHex(id(1)))).toHaveLength(1)
    table.delete('t1')
    expect([table.ofThread('t1'), table.ofContract(toHex(id(1)))]).toEqual([[], []])
  })

  it('ofContract() looks at each job once, however often it is asked', () => {
    let looks = 0
    const table = new JobTable<FakeJob>((job) => (looks++, job.contract))
    for (let i = 0; i < 200; i++) table.add(`t${i}`, { name: `${i}`, contract: id(i) })
    for (let i = 0; i < 200; i++) table.ofContract(toHex(id(i)))
    expect(looks).toBe(200)
  })
})
