import { memoryStore } from '@haggle/store'
import { describe, expect, it } from 'vitest'
import { EvidenceBook } from './evidence.ts'

const id = new Uint8Array(32).fill(1)
const sig = (n: number): Uint8Array => new Uint8Array(65).fill(n)

describe('EvidenceBook', () => {
  it('receipts() and bitmaps() give back what was kept, by place, and nothing of other slots, windows or cases', async () => {
    const book = new EvidenceBook(memoryStore())
    await book.keepReceipt(id, 7, { index: 3, sig: sig(1) })
    await book.keepReceipt(id, 7, { index: 0, sig: sig(2) })
    await book.keepReceipt(id, 70, { index: 1, sig: sig(3) })
    expect(await book.receipts(id, 7)).toEqual([
      { index: 0, sig: sig(2) },
      { index: 3, sig: sig(1) },
    ])
    expect(await book.receipts(new Uint8Array(32), 7)).toEqual([])
    await book.keepBitmap(id, 1, { index: 2, down: 5n, sig: sig(4) })
    expect(await book.bitmaps(id, 1)).toEqual([{ index: 2, down: 5n, sig: sig(4) }])
    expect(await book.bitmaps(id, 0)).toEqual([])
  })

  it('keepBitmap() keeps two versions of one witness, which contradict each other, and no third', async () => {
    const book = new EvidenceBook(memoryStore())
    await Promise.all([1n, 1n, 2n, 3n].map((down) => book.keepBitmap(id, 0, { index: 0, down, sig: sig(Number(down)) })))
    expect((await book.bitmaps(id, 0)).map(({ down }) => down)).toEqual([1n, 2n])
  })

  it('ownBitmap() signs once, also when it is asked twice at once and after a restart', async () => {
    const store = memoryStore()
    const book = new EvidenceBook(store)
    let signed = 0
    const sign = async () => ({ down: BigInt(++signed), sig: sig(signed) })
    const [a, b] = await Promise.all([book.ownBitmap(id, 0, sign), book.ownBitmap(id, 0, sign)])
    expect([a, b, await new EvidenceBook(store).ownBitmap(id, 0, sign)]).toEqual([a, a, a])
    expect(signed).toBe(1)
    expect(await book.ownBitmap(id, 1, async () => null)).toBeNull()
  })
})
