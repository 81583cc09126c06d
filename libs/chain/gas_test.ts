// Gas of whole transactions as their receipts say, against the limits and against gas.json. `HAGGLE_GAS=write` writes that file anew.

import { readFileSync, writeFileSync } from 'node:fs'
import { createHash } from 'node:crypto'
import {
  type Address,
  createWalletClient,
  encodeAbiParameters,
  encodeFunctionData,
  type Hex,
  http,
  keccak256,
  publicActions,
  toHex,
  zeroHash,
} from 'viem'
import { type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { bitmapDigest, type CourtDomain, localAccount, receiptDigest } from '@haggle/witness'
import { channelsAbi } from './abi/channels.ts'
import { courtAbi } from './abi/court.ts'
import { peerRegistryAbi } from './abi/peer_registry.ts'
import { stakeVaultAbi } from './abi/stake_vault.ts'
import { testTokenAbi } from './abi/test_token.ts'
import { type Anvil, deployDevnet, type Deployment, findAnvil, fundAccount, startAnvil } from './testing.ts'

const FILE = `${import.meta.dirname}/gas.json`
/** What each may cost at most; a line without a limit is only tracked. */
const LIMITS: Readonly<Record<string, number>> = {
  'Channels.open': 220_000,
  'Channels.claim': 65_000,
  'Channels.claimMany of 25, each': 30_000,
  'PeerRegistry.anchor, the first': 50_000,
  'PeerRegistry.anchor, later': 30_000,
  'PeerRegistry.verifyInclusion at 2^20': 60_000,
}
/** Addresses, ids and signatures have more or fewer zero bytes when any contract changes, and those are cheaper in calldata: 12 gas each. */
const SLACK = 300
/** Chance decides how often a draw hits a seat that is taken: 2,400 gas each time. */
const SLACKS: Readonly<Record<string, number>> = { 'Court.drawWitnesses of 7': 60_000 }

const missing = findAnvil() === undefined ? 'anvil is not here' : ''
let anvil: Anvil
let deployment: Deployment
const measured: Record<string, number> = {}

beforeAll(async () => {
  if (missing) return
  anvil = await startAnvil()
  deployment = await deployDevnet(anvil.url)
})
afterAll(async () => anvil?.stop())

/** Keys that are the same every time, so that gas is. */
const keyOf = (name: string): PrivateKeyAccount => privateKeyToAccount(toHex(createHash('sha256').update(name).digest()))
const chainOf = (id: number) => ({
  id,
  name: 'test',
  nativeCurrency: { name: 'coin', symbol: 'C', decimals: 18 },
  rpcUrls: { default: { http: [] } },
})

async function send(from: PrivateKeyAccount, to: Address, data: Hex): Promise<number> {
  const client = createWalletClient({ account: from, chain: chainOf(anvil.chainId), transport: http(anvil.url) }).extend(publicActions)
  const hash = await client.sendTransaction({ to, data, gas: 5_000_000n })
  const { status, gasUsed } = await client.waitForTransactionReceipt({ hash, pollingInterval: 20 })
  expect(status).toBe('success')
  return Number(gasUsed)
}

async function funded(name: string, spender: Address): Promise<PrivateKeyAccount> {
  const account = keyOf(name)
  await fundAccount(anvil.url, deployment, account.address, { tokens: 1_000_000_000n })
  const data = encodeFunctionData({ abi: testTokenAbi, functionName: 'approve', args: [spender, 2n ** 256n - 1n] })
  await send(account, deployment.token, data)
  return account
}

async function currentId(payer: Address, payee: Address): Promise<Hex> {
  const client = createWalletClient({ transport: http(anvil.url) }).extend(publicActions)
  const args = [payer, payee, deployment.token] as const
  return client.readContract({ abi: channelsAbi, address: deployment.channels, functionName: 'currentId', args })
}

async function open(payer: PrivateKeyAccount, payee: Address): Promise<{ id: Hex; gas: number }> {
  const id = await currentId(payer.address, payee)
  const args = [payee, deployment.token, 100_000_000n, keyOf('session').address] as const
  return { id, gas: await send(payer, deployment.channels, encodeFunctionData({ abi: channelsAbi, functionName: 'open', args })) }
}

const sign = (id: Hex, cumulative: bigint): Promise<Hex> =>
  keyOf('session').signTypedData({
    domain: { name: 'Haggle Channels', version: '1', chainId: anvil.chainId, verifyingContract: deployment.channels },
    types: {
      Voucher: [
        { name: 'channel', type: 'bytes32' },
        { name: 'cumulative', type: 'uint128' },
      ],
    },
    primaryType: 'Voucher',
    message: { channel: id, cumulative },
  })

const RECEIPTS = toHex(createHash('sha256').update('receipts').digest())

async function claimItem(id: Hex, cumulative: bigint) {
  return { id, amount: cumulative, cumulative, receiptRoot: RECEIPTS, sig: await sign(id, cumulative) }
}

it('Channels stays in its limits of gas', async ({ skip }) => {
  skip(missing !== '', missing)
  const payee = keyOf('payee')
  await fundAccount(anvil.url, deployment, payee.address)
  const payer = await funded('payer', deployment.channels)
  const { id, gas } = await open(payer, payee.address)
  measured['Channels.open'] = gas
  const claim = async (cumulative: bigint): Promise<number> => {
    const { amount, receiptRoot, sig } = await claimItem(id, cumulative)
    const args = [id, amount, cumulative, receiptRoot, sig] as const
    return send(payee, deployment.channels, encodeFunctionData({ abi: channelsAbi, functionName: 'claim', args }))
  }
  // The token charges 17,100 more for the first unit that an account ever has of it; that is neither ours nor each time.
  measured['Channels.claim, to an empty balance'] = await claim(1_234_567n)
  measured['Channels.claim'] = await claim(2_345_678n)
  const topUp = encodeFunctionData({ abi: channelsAbi, functionName: 'topUp', args: [id, 1_000_000n] })
  measured['Channels.topUp'] = await send(payer, deployment.channels, topUp)
  const requestClose = encodeFunctionData({ abi: channelsAbi, functionName: 'requestClose', args: [id] })
  measured['Channels.requestClose'] = await send(payer, deployment.channels, requestClose)
  await anvil.elapse(2 * 24 * 60 * 60)
  const withdraw = encodeFunctionData({ abi: channelsAbi, functionName: 'withdraw', args: [id] })
  measured['Channels.withdraw'] = await send(payer, deployment.channels, withdraw)

  const claims = []
  for (let n = 0; n < 25; n++) {
    const { id: one } = await open(await funded(`payer ${n}`, deployment.channels), payee.address)
    claims.push(await claimItem(one, 1_234_567n))
  }
  const many = await send(payee, deployment.channels, encodeFunctionData({ abi: channelsAbi, functionName: 'claimMany', args: [claims] }))
  measured['Channels.claimMany of 25, each'] = Math.ceil(many / 25)
})

it('PeerRegistry stays in its limits of gas', async ({ skip }) => {
  skip(missing !== '', missing)
  const signer = await funded('signer', deployment.vault)
  const peerKey = toHex(createHash('sha256').update('peer').digest())
  // About what an envelope that names an account takes.
  const bind = encodeFunctionData({
    abi: peerRegistryAbi,
    functionName: 'bind',
    args: [peerKey, toHex(createHash('shake256', { outputLength: 320 }).update('proof').digest())],
  })
  measured['PeerRegistry.bind'] = await send(signer, deployment.registry, bind)

  // The last entry but one of a full tree: every level has a sibling.
  const path: Hex[] = []
  let hash = createHash('sha256').update('leaf').digest()
  const leaf = toHex(hash)
  const index = 2n ** 20n - 2n
  for (let level = 0; level < 20; level++) {
    const sibling = createHash('sha256').update(`sibling ${level}`).digest()
    path.push(toHex(sibling))
    const pair = (index >> BigInt(level)) & 1n ? [sibling, hash] : [hash, sibling]
    hash = createHash('sha256')
      .update(Uint8Array.of(1))
      .update(pair[0] as Buffer)
      .update(pair[1] as Buffer)
      .digest()
  }
  const anchor = (size: bigint, root: Hex) => encodeFunctionData({ abi: peerRegistryAbi, functionName: 'anchor', args: [0n, size, root] })
  measured['PeerRegistry.anchor, the first'] = await send(signer, deployment.registry, anchor(1_000n, RECEIPTS))
  measured['PeerRegistry.anchor, later'] = await send(signer, deployment.registry, anchor(2n ** 20n, toHex(hash)))
  const args = [signer.address, 0n, 2n ** 20n, index, leaf, path] as const
  const client = createWalletClient({ account: signer, chain: chainOf(anvil.chainId), transport: http(anvil.url) }).extend(publicActions)
  const call = { abi: peerRegistryAbi, address: deployment.registry, functionName: 'verifyInclusion', args } as const
  expect(await client.readContract(call)).toBe(true)
  measured['PeerRegistry.verifyInclusion at 2^20'] = await send(signer, deployment.registry, encodeFunctionData(call))
})

it('StakeVault has its gas tracked', async ({ skip }) => {
  skip(missing !== '', missing)
  const account = await funded('staker', deployment.vault)
  const call = async (functionName: 'stake' | 'requestUnbond', amount: bigint): Promise<number> =>
    send(account, deployment.vault, encodeFunctionData({ abi: stakeVaultAbi, functionName, args: [amount] }))
  measured['StakeVault.stake, the first'] = await call('stake', 100_000_000n)
  measured['StakeVault.stake, later'] = await call('stake', 100_000_000n)
  measured['StakeVault.requestUnbond'] = await call('requestUnbond', 50_000_000n)
  await anvil.elapse(30 * 24 * 60 * 60)
  const withdraw = encodeFunctionData({ abi: stakeVaultAbi, functionName: 'withdraw' })
  measured['StakeVault.withdraw'] = await send(account, deployment.vault, withdraw)
})

it('Court has its gas tracked, with the larger committee', async ({ skip }) => {
  skip(missing !== '', missing)
  const bytes = (hex: Hex): Uint8Array => Uint8Array.from(Buffer.from(hex.slice(2), 'hex'))
  const domain: CourtDomain = { chain: anvil.chainId, court: bytes(deployment.court) }
  const call = (from: PrivateKeyAccount, functionName: string, args: readonly unknown[]): Promise<number> =>
    send(from, deployment.court, encodeFunctionData({ abi: courtAbi, functionName, args } as never))
  const stake = async (name: string): Promise<PrivateKeyAccount> => {
    const account = await funded(name, deployment.vault)
    await send(account, deployment.vault, encodeFunctionData({ abi: stakeVaultAbi, functionName: 'stake', args: [500_000_000n] }))
    return account
  }
  const witnesses: string[] = []
  for (let n = 0; n < 7; n++) {
    const name = `witness ${n}`
    const account = await stake(name)
    witnesses.push(name)
    measured['Court.enroll'] = await call(account, 'enroll', [keccak256(toHex(name))])
  }
  const provider = await stake('court provider')
  const renter = await funded('court renter', deployment.court)
  const client = createWalletClient({ transport: http(anvil.url) }).extend(publicActions)
  const { timestamp } = await client.getBlock()
  const sla = {
    renter: renter.address,
    renterKey: keccak256('0x01'),
    providerKey: keccak256('0x02'),
    terms: keccak256('0x03'),
    rule: 1,
    slotS: 60,
    slots: 60,
    startsAt: timestamp + 600n,
    pricePerSlot: 1_000n,
    factor: 10,
    lock: 600_000n,
    renterCommit: zeroHash,
    providerCommit: zeroHash,
  }
  measured['Court.openSla'] = await call(provider, 'openSla', [sla])
  const parties = encodeAbiParameters(
    [{ type: 'uint256' }, { type: 'address' }, { type: 'address' }, { type: 'address' }, { type: 'bytes32' }],
    [BigInt(anvil.chainId), deployment.court, provider.address, renter.address, sla.terms],
  )
  const id = keccak256(parties)
  await anvil.mine(8)
  measured['Court.drawWitnesses of 7'] = await call(renter, 'drawWitnesses', [id, zeroHash, zeroHash])
  const view = { abi: courtAbi, address: deployment.court } as const
  const [seats] = await client.readContract({ ...view, functionName: 'committeeOf', args: [id] })
  const signerAt = (index: number) =>
    localAccount(
      createHash('sha256')
        .update(witnesses[seats[index] as number] as string)
        .digest(),
    )
  const hexOf = async (sig: Uint8Array | Promise<Uint8Array>): Promise<Hex> => toHex(await sig)
  await anvil.elapse(600 + 60 * 60 + 10)
  const down = (1n << 60n) - 1n
  const bitmaps = await Promise.all(
    [0, 1, 2, 3, 4].map(async (index) => ({
      index,
      down,
      sig: await hexOf(signerAt(index).sign(bitmapDigest(domain, { id: bytes(id), window: 0, down }))),
    })),
  )
  measured['Court.claimDowntime'] = await call(renter, 'claimDowntime', [id, 0, 0b11n, bitmaps])
  const receipts = await Promise.all(
    [0, 1, 2].map(async (index) => ({ index, sig: await hexOf(signerAt(index).sign(receiptDigest(domain, { id: bytes(id), slot: 1 }))) })),
  )
  measured['Court.refute of a slot'] = await call(provider, 'refute', [0n, [{ slot: 1, receipts }]])
  await anvil.elapse(13 * 60 * 60)
  measured['Court.finalize'] = await call(renter, 'finalize', [0n])
  const liar = [
    { bitmap: true, number: 0, down, sig: bitmaps[0]?.sig },
    { bitmap: false, number: 1, down: 0n, sig: receipts[0]?.sig },
  ]
  measured['Court.proveWitnessEquivocation'] = await call(provider, 'proveWitnessEquivocation', [id, 0, ...liar])
  await anvil.elapse(2 * 24 * 60 * 60)
  measured['Court.close'] = await call(provider, 'close', [id])
})

it('gas.json says what each transaction takes, and none is above its limit', ({ skip }) => {
  skip(missing !== '', missing)
  if (process.env['HAGGLE_GAS'] === 'write') writeFileSync(FILE, `${JSON.stringify(measured, null, 2)}\n`)
  const kept = JSON.parse(readFileSync(FILE, 'utf8')) as Record<string, number>
  for (const [what, limit] of Object.entries(LIMITS)) expect(measured[what], what).toBeLessThanOrEqual(limit)
  expect(Object.keys(measured)).toEqual(Object.keys(kept))
  for (const [what, gas] of Object.entries(kept))
    expect(Math.abs((measured[what] ?? 0) - gas), `${what}: ${measured[what]}, was ${gas}`).toBeLessThanOrEqual(SLACKS[what] ?? SLACK)
})
