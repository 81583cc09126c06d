// haggle wallet: the account that pays and is paid on a chain.

import type { Args } from '../args.ts'
import { stopAgent } from '../client.ts'
import { describe, EXIT, usage } from '../failure.ts'
import { rateOf } from '../fiat.ts'
import type { BalanceView, WalletView } from '../money_views.ts'
import { balancePage, sentLine, walletPage } from '../money_page.ts'
import { note, print, printJson } from '../out.ts'
import { type Session, session } from '../reach.ts'
import { JSON_FLAG, MONEY, type Verb } from '../table.ts'
import { screenOf } from '../term.ts'
import { importedKey, passphraseOf } from '../wallet_secret.ts'

/** Asks for a change of the wallet, and shows the wallet after it. */
async function change(args: Args, params: Readonly<Record<string, unknown>>): Promise<number> {
  const view = await asked(args, params)
  if (args.on('json')) printJson(view)
  else print(...walletPage(view))
  return EXIT.ok
}

/** An agent that has joined without a wallet pays with the new one only after it has joined again: an idle one does so at once. */
async function asked(args: Args, params: Readonly<Record<string, unknown>>): Promise<WalletView> {
  let view: WalletView
  {
    await using open = await session(args)
    view = await open.ask<WalletView>('wallet', params)
    if (!view.restart || args.on('foreground')) return view
    try {
      await stopAgent(open.reach.paths)
    } catch (error) {
      if (describe(error).code !== 'E_AGENT_BUSY') throw error
      note('jobs of others run here: the agent pays and is paid with the wallet after haggle down and haggle up')
      return view
    }
  }
  await using again = await session(args)
  const unlock = params['passphrase']
  return await again.ask<WalletView>('wallet', typeof unlock === 'string' ? { do: 'unlock', passphrase: unlock } : { do: 'show' })
}

async function qr(open: Session, args: Args): Promise<number> {
  const view = await open.ask<WalletView>('wallet', { do: 'show', required: true })
  const uri = `ethereum:${view.address ?? ''}${view.chain === null ? '' : `@${view.chain.id}`}`
  if (args.on('json')) printJson({ address: view.address, uri })
  else {
    const { qrLines } = await import('../qr_lines.ts')
    print(...qrLines(uri, screenOf(process.stdout, args.env)), uri)
  }
  return EXIT.ok
}

async function run(args: Args): Promise<number> {
  const [what = 'show', amount, ...more] = args.positionals
  if (what !== 'fund' && amount !== undefined) throw usage(`haggle wallet ${what} does not take "${amount}"`, 'haggle wallet --help')
  if (more.length > 0) throw usage(`haggle wallet does not take "${more.join(' ')}"`)
  if (what === 'new') return await change(args, { do: 'new', passphrase: await passphraseOf(args, { twice: true }) })
  if (what === 'import') {
    const key = await importedKey(args.text('from'))
    return await change(args, { do: 'import', key, passphrase: await passphraseOf(args, { twice: true }) })
  }
  await using open = await session(args)
  if (what === 'unlock') {
    // Asked before the passphrase is: a home without a wallet needs none.
    await open.ask('wallet', { do: 'show', required: true })
    const view = await open.ask<WalletView>('wallet', { do: 'unlock', passphrase: await passphraseOf(args, { twice: false }) })
    if (args.on('json')) printJson(view)
    else print(...walletPage(view))
    return EXIT.ok
  }
  if (what === 'qr') return await qr(open, args)
  if (what === 'balance' || what === 'fund') {
    if (what === 'fund' && amount === undefined) throw usage('haggle wallet fund needs an amount', 'haggle wallet fund 100')
    const view = await open.ask<BalanceView & { sent?: Parameters<typeof sentLine>[0] }>('wallet', { do: what, amount })
    if (args.on('json')) printJson(view)
    else print(...(view.sent === undefined ? [] : [sentLine(view.sent)]), ...balancePage(view, rateOf(args)))
    return EXIT.ok
  }
  const view = await open.ask<WalletView>('wallet', { do: what })
  if (args.on('json')) printJson(view)
  else print(...walletPage(view))
  return EXIT.ok
}

export const verb: Verb = {
  name: 'wallet',
  summary: 'the account that pays and is paid on a chain; nobody needs one for credits',
  positionals: [
    {
      name: 'WHAT',
      help: 'show (the default), new, import, unlock, lock, balance, qr, or fund on a devnet',
      optional: true,
      kind: 'choice',
      choices: ['show', 'new', 'import', 'unlock', 'lock', 'balance', 'qr', 'fund'],
    },
    { name: 'AMOUNT', help: 'for fund: how much test money', optional: true },
  ],
  flags: [
    { name: 'from', kind: 'file', value: 'FILE', help: 'for import: the file with the key, 64 hex digits; - is stdin' },
    JSON_FLAG,
    ...MONEY,
  ],
  notes: [
    'The key is encrypted in the home, and only the agent ever has it. Back the file up and remember the passphrase: without either, the money is gone.',
    'A locked wallet is paid, and neither pays nor claims. The agent unlocks it at its start when --wallet-passphrase-file names a file that only you can read.',
    'Paying with money is built on test chains and not audited: do not put real money in.',
  ],
  examples: [
    'haggle wallet new',
    'haggle wallet import --from key.txt',
    'haggle config set chain-rpc http://127.0.0.1:8545',
    'haggle wallet fund 100',
    'haggle wallet balance',
  ],
  run,
}
