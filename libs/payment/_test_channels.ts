// The compliance suite of channels.

import { toHex } from '@haggle/wire'
import type { ChannelClaim, ChannelEvent, Channels, ChannelState, SignedVoucher } from './channels.ts'
import type { RailTestRunner } from './_test_rail.ts'

/** How the suite makes what it tests. */
export interface ChannelsTestInit extends RailTestRunner {
  /** A fresh chain with three accounts: `payer` and `other` have at least 1,000,000 base units and what transactions cost. */
  readonly make: () => Promise<{
    readonly payer: Channels
    readonly payee: Channels
    readonly other: Channels
    /** Moves the chain's time. */
    passS(seconds: number): Promise<void>
    /** Called when a test is over. */
    stop?(): Promise<void>
  }>
}

type Made = Awaited<ReturnType<ChannelsTestInit['make']>>

/** A claim's root when nobody looks at it. */
const ROOT = new Uint8Array(32).fill(9)

/** Holds {@link Channels} to its interface. */
export function testChannels(name: string, { make, it, equal }: ChannelsTestInit): void {
  const codeOf = (error: unknown): unknown => (error as { code?: unknown }).code
  const test = (title: string, run: (made: Made) => Promise<void>): void =>
    it(`${name}: ${title}`, async () => {
      const made = await make()
      try {
        await run(made)
      } finally {
        await made.stop?.()
      }
    })
  const signed = async (payer: Channels, channel: Uint8Array, cumulative: bigint): Promise<SignedVoucher> => ({
    channel,
    cumulative,
    sig: await payer.sign({ channel, cumulative }),
  })
  const claimOf = (voucher: SignedVoucher, amount = voucher.cumulative): ChannelClaim => ({ voucher, amount, receiptRoot: ROOT })
  const shape = (state: ChannelState | null): unknown => state && { ...state, id: '', payer: toHex(state.payer), payee: toHex(state.payee) }
  /** Waits for an event of a kind; a follower may be told a moment after the call has resolved. */
  const awaits = (channels: Channels, kinds: readonly ChannelEvent['kind'][]): Promise<readonly string[]> =>
    new Promise((resolve) => {
      const seen: string[] = []
      const stop = channels.follow(({ kind }) => {
        if (seen.at(-1) !== kind) seen.push(kind)
        if (kinds.every((one) => seen.includes(one))) {
          stop()
          resolve(seen)
        }
      })
    })

  test('open() gives the channel that find() and read() give, on both sides', async ({ payer, payee }) => {
    equal(await payer.find(payee.account), null)
    const opened = await payer.open({ payee: payee.account, deposit: 1_000n })
    equal(shape(opened), {
      id: '',
      payer: toHex(payer.account),
      payee: toHex(payee.account),
      signer: opened.signer,
      deposit: 1_000n,
      claimed: 0n,
      closesAtS: null,
      closed: false,
    })
    equal(await payer.find(payee.account), opened)
    equal(await payee.read(opened.id), opened)
    equal(await payee.read(new Uint8Array(32).fill(7)), null)
  })

  test('open() rejects with E_FUNDS when the account has too little, and balance() says how much', async ({ payer, payee }) => {
    const balance = await payer.balance()
    equal(await payer.open({ payee: payee.account, deposit: balance + 1n }).catch(codeOf), 'E_FUNDS')
    await payer.open({ payee: payee.account, deposit: 1_000n })
    equal(await payer.balance(), balance - 1_000n)
  })

  test('verify() takes what sign() gives, and nothing else', async ({ payer, payee, other }) => {
    const { id, signer } = await payer.open({ payee: payee.account, deposit: 1_000n })
    const voucher = await signed(payer, id, 10n)
    equal(payee.verify(voucher, signer), true)
    equal(payee.verify({ ...voucher, cumulative: 11n }, signer), false)
    equal(payee.verify({ ...voucher, channel: new Uint8Array(32) }, signer), false)
    equal(payee.verify({ ...voucher, sig: voucher.sig.map((octet, at) => (at === 5 ? octet ^ 1 : octet)) }, signer), false)
    equal(payee.verify({ ...voucher, sig: voucher.sig.subarray(0, 64) }, signer), false)
    equal(payee.verify(await signed(other, id, 10n), signer), false)
    equal(payee.verify(voucher, other.account), false)
  })

  test('claim() takes the amount, which may be less than the voucher, and grows', async ({ payer, payee }) => {
    const { id } = await payer.open({ payee: payee.account, deposit: 100_000n })
    const before = await payee.balance()
    await payee.claim([claimOf(await signed(payer, id, 80_000n), 40_000n)])
    equal((await payee.read(id))?.claimed, 40_000n)
    const gained = (await payee.balance()) - before
    equal(gained <= 40_000n && gained >= 39_000n, true)
    await payee.claim([claimOf(await signed(payer, id, 80_000n))])
    equal((await payer.read(id))?.claimed, 80_000n)
  })

  test('claim() rejects with E_CHANNEL what no voucher allows', async ({ payer, payee, other }) => {
    const { id } = await payer.open({ payee: payee.account, deposit: 1_000n })
    const voucher = await signed(payer, id, 400n)
    const attempts = [
      claimOf(voucher, 401n),
      claimOf(await signed(other, id, 400n)),
      claimOf({ ...voucher, cumulative: 500n }),
      claimOf(await signed(payer, id, 1_001n)),
      claimOf(await signed(payer, new Uint8Array(32).fill(3), 10n)),
    ]
    for (const attempt of attempts) equal(await payee.claim([attempt]).catch(codeOf), 'E_CHANNEL')
    await payee.claim([claimOf(voucher)])
    equal(await payee.claim([claimOf(voucher)]).catch(codeOf), 'E_CHANNEL')
    equal((await payee.read(id))?.claimed, 400n)
  })

  test('claim() takes from several channels at once', async ({ payer, payee, other }) => {
    const ids = [payer, other].map(async (from) => (await from.open({ payee: payee.account, deposit: 1_000n })).id)
    const [one, two] = await Promise.all(ids)
    if (one === undefined || two === undefined) throw new Error('two channels were opened')
    const { gasUsed } = await payee.claim([claimOf(await signed(payer, one, 100n)), claimOf(await signed(other, two, 200n))])
    equal(gasUsed >= 0n, true)
    equal([(await payee.read(one))?.claimed, (await payee.read(two))?.claimed], [100n, 200n])
  })

  test('topUp() raises the deposit', async ({ payer, payee }) => {
    const { id } = await payer.open({ payee: payee.account, deposit: 1_000n })
    equal((await payer.topUp(id, 500n)).deposit, 1_500n)
    equal((await payee.read(id))?.deposit, 1_500n)
    await payee.claim([claimOf(await signed(payer, id, 1_500n))])
  })

  test('withdraw() gives the payer the rest after the delay, in which the payee may still claim', async ({ payer, payee, passS }) => {
    const before = await payer.balance()
    const { id } = await payer.open({ payee: payee.account, deposit: 1_000n })
    await payer.requestClose(id)
    equal(typeof (await payee.read(id))?.closesAtS, 'number')
    equal(await payer.withdraw(id).catch(codeOf), 'E_CHANNEL')
    await payee.claim([claimOf(await signed(payer, id, 300n))])
    await passS(payer.closeDelayS + 1)
    await payer.withdraw(id)
    equal((await payer.read(id))?.closed, true)
    equal(await payer.find(payee.account), null)
    equal(await payer.balance(), before - 300n)
    equal(await payee.claim([claimOf(await signed(payer, id, 400n))]).catch(codeOf), 'E_CHANNEL')
  })

  test('requestClose() closes at once when the payee asks', async ({ payer, payee }) => {
    const before = await payer.balance()
    const { id } = await payer.open({ payee: payee.account, deposit: 1_000n })
    await payee.claim([claimOf(await signed(payer, id, 250n))])
    await payee.requestClose(id)
    equal((await payer.read(id))?.closed, true)
    equal(await payer.balance(), before - 250n)
  })

  test('requestClose() rejects with E_CHANNEL for anyone else', async ({ payer, payee, other }) => {
    const { id } = await payer.open({ payee: payee.account, deposit: 1_000n })
    equal(await other.requestClose(id).catch(codeOf), 'E_CHANNEL')
  })

  test('open() gives another id after a close, which old vouchers do not fit', async ({ payer, payee }) => {
    const first = await payer.open({ payee: payee.account, deposit: 1_000n })
    const old = await signed(payer, first.id, 900n)
    await payee.requestClose(first.id)
    const second = await payer.open({ payee: payee.account, deposit: 1_000n })
    equal(toHex(second.id) === toHex(first.id), false)
    equal(payee.verify({ ...old, channel: second.id }, second.signer), false)
    equal(await payee.claim([claimOf({ ...old, channel: second.id })]).catch(codeOf), 'E_CHANNEL')
  })

  test('follow() tells both sides what happens to their channels', async ({ payer, payee, passS }) => {
    const kinds = ['opened', 'toppedUp', 'claimed', 'closing', 'closed'] as const
    const seen = [awaits(payer, kinds), awaits(payee, kinds)]
    const { id } = await payer.open({ payee: payee.account, deposit: 1_000n })
    await payer.topUp(id, 10n)
    await payee.claim([claimOf(await signed(payer, id, 300n))])
    await payer.requestClose(id)
    await passS(payer.closeDelayS + 1)
    await payer.withdraw(id)
    equal(await Promise.all(seen), [kinds, kinds])
  })

  test('open() rejects with the reason of a signal that is aborted', async ({ payer, payee }) => {
    const signal = AbortSignal.abort(new Error('enough'))
    equal(await payer.open({ payee: payee.account, deposit: 1_000n }, { signal }).catch((error: Error) => error.message), 'enough')
    equal(await payer.find(payee.account), null)
  })
}
