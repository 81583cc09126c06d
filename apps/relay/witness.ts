// The relay as a witness: its account on a chain, a seat at the court, and heartbeats and bitmaps answered for as long as it runs.

import { readFile, stat } from 'node:fs/promises'
import { chainRpc, evmCourt, evmStake, openChain, openSender, revertReason, systemAddresses, type WalletSigner } from '@haggle/chain'
import { walletFile } from '@haggle/chain/node'
import type { Network } from '@haggle/mesh'
import type { StakeBook } from '@haggle/payment'
import type { Store } from '@haggle/store'
import { startWatch, type WatchEvent } from '@haggle/watch'
import type { Court } from '@haggle/witness'
import { type Clock, errorCode, HaggleError } from '@haggle/wire'
import type { WitnessOptions } from './options.ts'

/** Between two tries while the chain does not answer, or the account has too little for a seat. Ms. */
const RETRY_MS = 30_000

/** What a witness needs of its relay. */
export interface WitnessParts {
  readonly network: Network
  /** A sub-store of its own. */
  readonly store: Store
  readonly clock: Clock
  /** Told of its seat, of what it did by itself, and of what it could not do. */
  readonly say: (event: WitnessEvent) => void
}

/** Something about the relay as a witness. */
export type WitnessEvent =
  | { readonly event: 'seat'; readonly account: string }
  | { readonly event: 'trouble'; readonly code: string; readonly message: string }
  | ({ readonly event: 'court' } & Pick<WatchEvent, 'kind' | 'about'>)

/** A relay that is a witness, or tries to become one. */
export interface Witness {
  stop(): Promise<void>
}

/**
 * Opens the wallet, and takes a seat in the background: stakes what a seat needs when it isn't staked, and tries again while it can't.
 *
 * @throws `E_WALLET_*` and `E_CHAIN_SETTING`, before anything is begun.
 */
export async function startWitness(options: WitnessOptions, parts: WitnessParts): Promise<Witness> {
  const wallet = await openWallet(options)
  const place = await placeOf(options)
  const stopping = new AbortController()
  const closers: (() => Promise<unknown>)[] = []
  const begin = async (): Promise<void> => {
    const { clock, store, network, say } = parts
    const { chainId } = place
    const chain = openChain({ chainId, rpc: chainRpc({ urls: options.rpc, chainId, clock }), clock })
    const sender = await openSender({ chain, wallet, store: store.sub('sender'), clock, reasonOf: revertReason })
    closers.push(() => sender.stop())
    const at = { chain, sender, clock }
    const stake = await evmStake({ ...at, contract: place.vault, store: store.sub('stake') })
    const court = await evmCourt({ ...at, contract: place.court, store: store.sub('court'), fromBlock: place.fromBlock })
    closers.push(() => court.stop())
    const onEvent = ({ kind, about }: WatchEvent): void => say({ event: 'court', kind, about })
    const watch = await startWatch({ network, court, signer: wallet, clock, store: store.sub('watch'), onEvent })
    closers.push(() => watch.stop())
    await takeSeat({ court, stake, peerKey: network.publicKey })
    say({ event: 'seat', account: wallet.address })
  }
  const end = async (): Promise<void> => {
    for (const close of closers.splice(0).toReversed()) await close()
  }
  const work = (async () => {
    while (!stopping.signal.aborted) {
      try {
        return await begin()
      } catch (error) {
        await end()
        if (stopping.signal.aborted) return
        parts.say({ event: 'trouble', code: errorCode(error), message: error instanceof Error ? error.message : String(error) })
        await pause(parts.clock, stopping.signal)
      }
    }
  })()
  return {
    stop: async () => {
      stopping.abort(new HaggleError('E_ABORTED', 'The relay stops'))
      await end()
      await work
      await end()
    },
  }
}

/** Takes a seat for the account unless it has one; what the seat locks and isn't staked yet is staked first. */
export async function takeSeat({
  court,
  stake,
  peerKey,
}: {
  readonly court: Court
  readonly stake: StakeBook
  readonly peerKey: Uint8Array
}): Promise<void> {
  if ((await court.seatOf(court.account)) !== null) return
  const { staked, locked, unbonding } = await stake.stakeOf()
  const missing = court.parameters.witnessStake - (staked - locked - unbonding)
  if (missing > 0n) await stake.stake(missing)
  await court.enroll(peerKey)
}

async function openWallet({ wallet, passphraseFile }: WitnessOptions): Promise<WalletSigner> {
  const { mode } = await stat(passphraseFile).catch((cause: unknown) => {
    throw new HaggleError('E_WALLET_PASSPHRASE', `Cannot read ${passphraseFile}`, { cause, next: 'check --wallet-passphrase-file' })
  })
  if (process.getuid !== undefined && (mode & 0o077) !== 0)
    throw new HaggleError('E_WALLET_PASSPHRASE', `${passphraseFile} can be read by others`, { next: `chmod 600 ${passphraseFile}` })
  const passphrase = (await readFile(passphraseFile, 'utf8')).replace(/\r?\n$/, '')
  return await walletFile(wallet).open(passphrase)
}

/** Where the court is. */
interface Place {
  readonly chainId: number
  readonly court: `0x${string}`
  readonly vault: `0x${string}`
  readonly fromBlock: number
}

async function placeOf({ rpc, deployment, token }: WitnessOptions): Promise<Place> {
  if (deployment === undefined) {
    if (token === undefined) throw setting('Which court? Give --chain-deployment or --chain-token')
    const { court, vault } = systemAddresses({ stakeToken: token as `0x${string}` })
    return { chainId: await idOf(rpc[0] ?? ''), court, vault, fromBlock: 0 }
  }
  let said: Readonly<Record<string, unknown>>
  try {
    said = JSON.parse(await readFile(deployment, 'utf8')) as Readonly<Record<string, unknown>>
  } catch (cause) {
    throw setting(`Cannot read the deployment ${deployment}`, cause)
  }
  const { court, vault, chainId, fromBlock } = said
  if (typeof court !== 'string' || typeof vault !== 'string' || typeof chainId !== 'number')
    throw setting(`${deployment} must give "chainId", "court" and "vault"`)
  return {
    chainId,
    court: court as `0x${string}`,
    vault: vault as `0x${string}`,
    fromBlock: typeof fromBlock === 'number' ? fromBlock : 0,
  }
}

/** The id of the chain behind an address. Only its host is told in an error: the rest may hold a key. */
async function idOf(url: string): Promise<number> {
  try {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_chainId', params: [] })
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      signal: AbortSignal.timeout(5_000),
    })
    return Number(((await answer.json()) as { readonly result?: unknown }).result)
  } catch (cause) {
    throw new HaggleError('E_CHAIN_UNREACHABLE', `No chain answers at ${URL.canParse(url) ? new URL(url).host : '-'}`, { cause })
  }
}

function setting(message: string, cause?: unknown): HaggleError {
  return new HaggleError('E_CHAIN_SETTING', message, { cause, next: 'haggle-relay --help lists the flags' })
}

async function pause(clock: Clock, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const cancel = clock.after(RETRY_MS, resolve)
    signal.addEventListener('abort', () => (cancel(), resolve()), { once: true })
  })
}
