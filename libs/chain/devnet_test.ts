import { existsSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '@haggle/wire'
import { encodeErrorResult } from 'viem'
import { channelsAbi, courtAbi, peerRegistryAbi, testTokenAbi } from './abi/mod.ts'
import { type Anvil, findAnvil, startAnvil } from './anvil.ts'
import { openChain } from './chain.ts'
import { deployDevnet, fundAccount } from './devnet.ts'
import { revertReason } from './revert_reason.ts'
import { chainRpc } from './rpc.ts'
import { parseRail, railOf } from './token.ts'
import { NO_ANVIL, onAnvil } from './_test_chain.ts'

const SOMEBODY = '0x00000000000000000000000000000000000000bb'

describe.skipIf(NO_ANVIL)(onAnvil('deployDevnet'), () => {
  let anvil: Anvil
  beforeAll(async () => {
    anvil = await startAnvil()
  })
  afterAll(async () => await anvil.stop())
  const chain = () => openChain({ chainId: 31337, rpc: chainRpc({ urls: [anvil.url], chainId: 31337, clock: systemClock() }) })

  it('puts every contract where its parameters say, and again changes nothing', async () => {
    const made = await deployDevnet(anvil.url, { closeDelayS: 60, decimals: 8 })
    expect(await chain().view({ address: made.channels, abi: channelsAbi, functionName: 'closeDelay', args: [] })).toBe(60n)
    expect((await chain().view({ address: made.registry, abi: peerRegistryAbi, functionName: 'vault', args: [] })).toLowerCase()).toBe(
      made.vault.toLowerCase(),
    )
    expect((await chain().view({ address: made.court, abi: courtAbi, functionName: 'vault', args: [] })).toLowerCase()).toBe(
      made.vault.toLowerCase(),
    )
    expect(await chain().view({ address: made.token, abi: testTokenAbi, functionName: 'decimals', args: [] })).toBe(8)
    expect(await deployDevnet(anvil.url, { closeDelayS: 60, decimals: 8 })).toEqual(made)
    expect((await deployDevnet(anvil.url, { closeDelayS: 61, decimals: 8 })).channels).not.toBe(made.channels)
  })

  it('fundAccount() gives coin and tokens', async () => {
    const { token } = await deployDevnet(anvil.url)
    await fundAccount(anvil.url, { token }, SOMEBODY, { tokens: 5n, coin: 7n })
    expect(await anvil.rpc('eth_getBalance', [SOMEBODY, 'latest'])).toBe('0x7')
    expect(await chain().view({ address: token, abi: testTokenAbi, functionName: 'balanceOf', args: [SOMEBODY] })).toBe(5n)
  })
})

describe.skipIf(NO_ANVIL)(onAnvil('fundAccount'), () => {
  it('pays everybody when many ask at once', async () => {
    const anvil = await startAnvil()
    const { token } = await deployDevnet(anvil.url)
    const accounts = Array.from({ length: 12 }, (_, i) => `0x${(i + 1).toString(16).padStart(40, 'a')}` as const)
    await Promise.all(accounts.map((account) => fundAccount(anvil.url, { token }, account, { tokens: 5n })))
    const chain = openChain({ chainId: 31337, rpc: chainRpc({ urls: [anvil.url], chainId: 31337, clock: systemClock() }) })
    for (const account of accounts)
      expect(await chain.view({ address: token, abi: testTokenAbi, functionName: 'balanceOf', args: [account] })).toBe(5n)
    await anvil.stop()
  })
})

describe.skipIf(NO_ANVIL)(onAnvil('startAnvil'), () => {
  it('stop() ends its process and removes its home', async () => {
    const anvil = await startAnvil({ chainId: 77 })
    expect(Number(await anvil.rpc('eth_chainId'))).toBe(77)
    const home = /HOME=([^\0]+)/.exec(readFileSync(`/proc/${anvil.pid}/environ`, 'utf8'))?.[1] ?? ''
    expect(existsSync(home)).toBe(true)
    await anvil.stop()
    await anvil.stop()
    expect(existsSync(home)).toBe(false)
    expect(() => process.kill(anvil.pid, 0)).toThrow(expect.objectContaining({ code: 'ESRCH' }))
  })

  it('stops when its signal aborts, and does not begin when it has', async () => {
    const stop = new AbortController()
    const anvil = await startAnvil({ signal: stop.signal })
    stop.abort(new Error('enough'))
    await anvil.stop()
    await expect(anvil.rpc('eth_chainId')).rejects.toThrow()
    await expect(startAnvil({ signal: stop.signal })).rejects.toThrow('enough')
  })

  it('reorg() gives other blocks, and revert() the state of a snapshot', async () => {
    const anvil = await startAnvil()
    await anvil.mine(5)
    const hash = async (): Promise<unknown> => ((await anvil.rpc('eth_getBlockByNumber', ['0x4', false])) as { hash: string }).hash
    const before = await hash()
    const snapshot = await anvil.snapshot()
    await anvil.mine(2)
    await anvil.revert(snapshot)
    expect(await anvil.rpc('eth_blockNumber')).toBe('0x5')
    await anvil.reorg(3)
    expect(await anvil.rpc('eth_blockNumber')).toBe('0x5')
    expect(await hash()).not.toBe(before)
    await anvil.stop()
  })

  it('throws E_ANVIL when it can not listen', async () => {
    const anvil = await startAnvil()
    const port = Number(new URL(anvil.url).port)
    await expect(startAnvil({ port })).rejects.toMatchObject({ code: 'E_ANVIL' })
    await anvil.stop()
    expect(findAnvil()).toMatch(/anvil/)
  })
})

describe('parseRail', () => {
  it('takes what railOf() gives, and nothing else', () => {
    const token = '0x5fbdb2315678afecb367f032d93f642f64180aa3'
    expect(parseRail(railOf(1, token))).toEqual({ chainId: 1, token })
    for (const bad of ['free', `evm:01:${token}`, `evm:1:${token.toUpperCase()}`, `evm:1:${token}0`, 'evm:1:', ''])
      expect(parseRail(bad)).toBe(undefined)
  })
})

describe('revertReason', () => {
  it('names errors of contracts and of Solidity, in printable text', () => {
    expect(revertReason(encodeErrorResult({ abi: channelsAbi, errorName: 'SignatureInvalid' }))).toBe('SignatureInvalid()')
    const message = '\u001b[2Jno'
    const encoded = `0x08c379a0${'20'.padStart(64, '0')}${message.length.toString(16).padStart(64, '0')}${Buffer.from(message).toString('hex').padEnd(64, '0')}`
    expect(revertReason(encoded as `0x${string}`)).toBe('Error( [2Jno)')
    expect(revertReason('0x')).toBe(undefined)
  })
})
