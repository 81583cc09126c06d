// An aggregator's tree: every head that went in is provable under every later anchor, and nothing else is.

import { createIdentity, type Identity } from '@haggle/identity'
import { memoryStore } from '@haggle/store'
import { networkId, seal } from '@haggle/wire'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { suite } from './_fixture.ts'
import { type Aggregate, AGGREGATE_LOG, openAggregate, verifyAnchorProof } from './aggregate.ts'
import { checkpointMessage, type SignedHead } from './checkpoint.ts'

const AT_S = 1_790_000_100
const account = new Uint8Array(20).fill(3)
const people = Array.from({ length: 5 }, (_, n) => createIdentity(new Uint8Array(32).fill(30 + n)))

function headOf({ signer }: Identity, size: number): SignedHead {
  const body = {
    log: 0,
    size,
    root: new Uint8Array(32).fill(size % 251),
    prevSize: 0,
    prevRoot: new Uint8Array(32),
    block: null,
    reason: 'asked' as const,
  }
  const header = {
    network: networkId('devnet-aggregate'),
    audience: null,
    thread: null,
    seq: 0,
    prev: null,
    ack: null,
    iat: 1_790_000_000,
    exp: 1_790_000_500,
  }
  return seal(checkpointMessage, { ...header, body }, signer, suite)
}

const anchorOf = (tree: Aggregate): { chain: number; account: Uint8Array; size: number; root: Uint8Array } => ({
  chain: 31337,
  account,
  size: tree.size,
  root: tree.root(),
})
const keyOf = (person: number): Uint8Array => people[person]?.publicKey ?? new Uint8Array(32)

describe('openAggregate()', () => {
  it('proves the newest head of each log under any later anchor, after a reopening too', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(fc.nat(4), { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 6 }), async (rounds) => {
        const store = memoryStore()
        const sizes = people.map(() => 0)
        let tree = await openAggregate({ store, suite })
        for (const round of rounds) {
          const heads = round.map((person) => headOf(people[person] as Identity, ++(sizes as [number])[person]!))
          expect(await tree.add(heads, AT_S)).toBe(heads.length)
          const before = tree.root()
          tree = await openAggregate({ store, suite })
          expect(tree.root()).toEqual(before)
          for (const [person, size] of sizes.entries()) {
            const file = await tree.prove(keyOf(person), anchorOf(tree))
            if (size === 0) expect(file).toBeNull()
            else
              expect(verifyAnchorProof(file as Uint8Array, suite)).toMatchObject({
                chain: 31337,
                account,
                log: AGGREGATE_LOG,
                head: { body: { size } },
              })
          }
        }
      }),
      { numRuns: 20 },
    )
  })

  it('takes no head twice and none that is older', async () => {
    const tree = await openAggregate({ store: memoryStore(), suite })
    const person = people[0] as Identity
    expect(await tree.add([headOf(person, 5), headOf(person, 5), headOf(person, 4)], AT_S)).toBe(1)
    const root = tree.root()
    expect(await tree.add([headOf(person, 5)], AT_S)).toBe(0)
    expect(tree.root()).toEqual(root)
  })

  it('proves nothing under an anchor that was before the head', async () => {
    const tree = await openAggregate({ store: memoryStore(), suite })
    await tree.add([headOf(people[0] as Identity, 1)], AT_S)
    const early = anchorOf(tree)
    await tree.add([headOf(people[1] as Identity, 1)], AT_S)
    expect(await tree.prove(keyOf(1), early)).toBeNull()
    expect(await tree.prove(keyOf(0), early)).not.toBeNull()
  })

  it('proves the head that was anchored while a newer one of the same log waits', async () => {
    const tree = await openAggregate({ store: memoryStore(), suite })
    await tree.add([headOf(people[0] as Identity, 1)], AT_S)
    const early = anchorOf(tree)
    await tree.add([headOf(people[0] as Identity, 2)], AT_S)
    expect([tree.size, tree.logs]).toEqual([2, 1])
    const file = await tree.prove(keyOf(0), early)
    expect(verifyAnchorProof(file as Uint8Array, suite)).toMatchObject({ size: 1, head: { body: { size: 1 } } })
  })

  it('proves nothing under an anchor of another tree', async () => {
    const tree = await openAggregate({ store: memoryStore(), suite })
    await tree.add([headOf(people[0] as Identity, 1)], AT_S)
    expect(await tree.prove(keyOf(0), { ...anchorOf(tree), root: new Uint8Array(32) })).toBeNull()
    expect(await tree.prove(keyOf(0), { ...anchorOf(tree), size: 2 })).toBeNull()
  })
})

describe('verifyAnchorProof()', () => {
  it('refuses a file in which any byte was changed', async () => {
    const tree = await openAggregate({ store: memoryStore(), suite })
    await tree.add(
      people.map((person) => headOf(person, 7)),
      AT_S,
    )
    const file = (await tree.prove(keyOf(2), anchorOf(tree))) as Uint8Array
    const { chain, account: who, ...said } = verifyAnchorProof(file, suite)
    for (let at = 0; at < file.length; at++) {
      const changed = file.slice()
      changed[at] = (changed[at] ?? 0) ^ 1
      let found
      try {
        found = verifyAnchorProof(changed, suite)
      } catch {
        continue
      }
      // Chain, account and log are claims about the chain, which judges them: nothing else may change unseen.
      expect({ root: found.root, index: found.index, size: found.size, head: found.head.bytes }).toEqual({
        root: said.root,
        index: said.index,
        size: said.size,
        head: said.head.bytes,
      })
      expect([found.chain, found.log, ...found.account]).not.toEqual([chain, said.log, ...who])
    }
  })
})
