// From what was typed, asked and found to an offer that is out: the conversation of haggle up.

import type { OfferView, ProvideRequest } from '@haggle/market'
import type { Args } from './args.ts'
import { bestAddress, isLocal, reachText } from './addresses.ts'
import { type Origin, problemOf } from './args.ts'
import { Failure, usage } from './failure.ts'
import { amount, counted, duration, shortPeer } from './format.ts'
import type { Found } from './hardware.ts'
import { note, print, printJson } from './out.ts'
import type { Session } from './reach.ts'
import { railOf } from './run_flags.ts'
import { keepSettings } from './settings_file.ts'
import { suggestFrom } from './suggest_price.ts'
import { pad, safe, type Screen, screenOf } from './term.ts'

/** How long the market is listened to for prices. */
const LISTEN_MS = 1500

/** What the agent answers to `up` and `status`, as far as the page needs it. */
export interface UpSnapshot {
  readonly peerId: string
  readonly network: string
  readonly private: boolean
  readonly addresses: readonly string[]
  readonly providing: {
    readonly terms: ProvideRequest
    readonly devices: string
    readonly runners: readonly { readonly runner: string; readonly isolation: string }[]
    readonly unit: string
    readonly offer: { readonly slots: number; readonly pricePerHour: string }
  }
}

/** Asks until the answer fits. Ctrl-C and the end of input mean: offer nothing. */
async function question(text: string, fallback: string, problem: (value: string) => string | undefined): Promise<string> {
  const { createInterface } = await import('node:readline/promises')
  const asking = createInterface({ input: process.stdin, output: process.stderr })
  const left = new AbortController()
  asking.once('close', () => left.abort())
  try {
    for (;;) {
      const answer = (await asking.question(`  ${text} [${fallback}] `, { signal: left.signal })).trim() || fallback
      const wrong = problem(answer)
      if (wrong === undefined) return answer
      note(`    ${wrong}`)
    }
  } catch (cause) {
    note('')
    throw new Failure('E_CANCELLED', 'Nothing was offered', { cause })
  } finally {
    asking.close()
  }
}

/** What others like this machine ask, as numbers. No market yet is no error. */
async function othersPrices(open: Session, args: Args, found: Found): Promise<number[]> {
  const where = found.kind === 'gpu' ? `gpu.vram>=${found.vramGiB}GiB` : undefined
  const view = await open.ask<OfferView>('offers', {
    probe: false,
    waitMs: LISTEN_MS,
    ...railOf(args),
    ...(where === undefined ? {} : { where }),
  })
  const unit = args.text('rail') === 'free' ? CREDITS : args.text('rail')
  return view.rows
    .filter((row) => row.unit.toLowerCase() === unit?.toLowerCase())
    .map((row) => Number(row.pricePerHour))
    .filter((price) => Number.isFinite(price) && price > 0)
}

/** Offers this machine as the arguments and answers say, and shows what came of it. */
export async function provideWith(open: Session, args: Args): Promise<void> {
  const asks = process.stdin.isTTY === true && process.stderr.isTTY === true && !args.on('json')
  const found = await open.ask<Found>('hardware')
  if (!args.on('json')) {
    note(`  ${pad('found', 10)}${safe(found.text)}`)
    for (const { problem, next } of found.notes) note(`  ${pad('', 10)}${safe(problem)}${next === null ? '' : `   → ${next}`}`)
  }
  const request = await requestWith(open, args, found, asks)
  const snapshot = await open.ask<UpSnapshot>('up', { provide: request.provide })
  if (args.on('json')) printJson(snapshot)
  else print(...upPage(snapshot, request.reason, screenOf(process.stdout, args.env)))
}

/** What the money is called that is none. */
const CREDITS = 'credits'

/** What is earned, as questions name it. */
function paidIn(args: Args): string {
  const rail = args.text('rail')
  return rail === undefined || rail === 'free' ? 'credits, not money' : safe(rail, 40)
}

/** One `--also RAIL=P`. */
function alsoOf(text: string): { readonly rail: string; readonly price: string } {
  const [rail = '', price = '', ...rest] = text.split('=')
  const wrong = rest.length > 0 || rail === '' || problemOf({ name: 'also', kind: 'amount', help: '' }, price) !== undefined
  if (wrong) throw usage(`--also takes RAIL=PRICE such as free=0.004, is "${text}"`, 'haggle up --help')
  return { rail, price }
}

/** The service level that is sold; undefined: none. */
function slaOf(args: Args): ProvideRequest['sla'] {
  const price = args.text('sla-price')
  if (price === undefined) return undefined
  const fee = args.text('sla-fee')
  if (fee === undefined)
    throw usage('What does opening and closing a case cost your renters? --sla-fee says it', 'haggle up --sla-price 0.01 --sla-fee 0.05')
  const slotMs = args.durationMs('sla-slot')
  const factor = args.count('sla-times')
  const rule = args.text('sla-rule')
  return {
    price,
    fee,
    ...(slotMs === undefined ? {} : { slotS: Math.round(slotMs / 1000) }),
    ...(factor === undefined ? {} : { factor }),
    ...(rule === undefined ? {} : { rule: rule === '2' ? 2 : 1 }),
  }
}

/** Where a price came from, as its line says it. */
const SAID: Readonly<Record<Origin, string>> = {
  flag: 'as you said',
  environment: 'from HAGGLE_PRICE',
  file: 'from your settings',
  default: '',
}

async function requestWith(open: Session, args: Args, found: Found, asks: boolean): Promise<{ provide: ProvideRequest; reason: string }> {
  let price = args.text('price')
  let reason = SAID[args.origin('price')]
  const kept: Record<string, unknown> = {}
  if (price === undefined) {
    const suggestion = suggestFrom(await othersPrices(open, args, found), { price: found.firstPrice, reason: found.firstReason })
    ;({ price, reason } = suggestion)
    if (asks) {
      note(`  ${pad('price', 10)}${price} an hour: ${reason}`)
      price = await question(`price per hour, in ${paidIn(args)}?`, price, (value) =>
        problemOf({ name: 'price', kind: 'amount', help: '' }, value),
      )
      reason = price === suggestion.price ? 'as suggested' : 'your choice'
      kept['price'] = price
    }
  }
  let serves = args.text('for')
  if (serves === undefined && asks) {
    serves = await question('for anyone, or only for friends?', 'anyone', (value) =>
      value === 'anyone' || value === 'friends' ? undefined : 'anyone or friends',
    )
    kept['for'] = serves
  }
  if (Object.keys(kept).length > 0) {
    const yes = await question(`strangers’ code will run here in a sandbox, and you earn ${paidIn(args)}: go?`, 'yes', (value) =>
      /^(y|yes|n|no)$/i.test(value) ? undefined : 'yes or no',
    )
    if (/^n/i.test(yes)) throw new Failure('E_CANCELLED', 'Nothing was offered')
    keepSettings(args.around.filePath, kept)
  }
  const slots = args.count('slots')
  const region = args.text('region')
  const accept = args.text('accept')
  const also = args.list('also').map(alsoOf)
  const maxJobMs = args.durationMs('max-job')
  const sla = slaOf(args)
  return {
    reason,
    provide: {
      price,
      ...railOf(args),
      ...(also.length === 0 ? {} : { also }),
      for: serves === 'friends' ? 'friends' : 'anyone',
      allow: [...args.list('allow')],
      acceptWeakIsolation: args.on('accept-weak-isolation'),
      ...(slots === undefined ? {} : { slots }),
      ...(region === undefined ? {} : { region }),
      ...(accept === undefined ? {} : { accept }),
      ...(maxJobMs === undefined ? {} : { maxJobMs }),
      ...(sla === undefined ? {} : { sla }),
    },
  }
}

/** The command that reaches this node from another machine. */
export function runLine(snapshot: UpSnapshot): string {
  const address = bestAddress(snapshot.addresses)
  const target = address === undefined ? snapshot.peerId : address.includes('/p2p/') ? address : `${address}/p2p/${snapshot.peerId}`
  const exec = snapshot.providing.runners.some(({ runner }) => runner === 'exec')
  const what = !exec ? '--deno main.ts' : /nvidia|geforce|rtx|tesla/i.test(snapshot.providing.devices) ? '-- nvidia-smi' : '-- uname -a'
  return `haggle run ${snapshot.network === 'haggle' ? '' : `--network ${snapshot.network} `}${snapshot.private ? '--psk-file FILE ' : ''}--peer ${target} ${what}`
}

/** What `up` says once the offer is out. */
export function upPage(snapshot: UpSnapshot, reason: string, screen: Screen): string[] {
  const { terms, runners, offer, unit } = snapshot.providing
  const credits = unit === CREDITS
  const line = (head: string, text: string): string => `  ${pad(head, 10)}${text}`
  const weak = !runners.some(({ isolation }) => isolation === 'bubblewrap')
  const longest = duration(terms.maxJobMs ?? 600_000)
  const friends = terms.allow?.length ?? 0
  const serving =
    terms.for === 'friends'
      ? friends === 0
        ? 'nobody yet: name friends with --allow PEERID'
        : `${counted(friends, 'friend')}: ${counted(offer.slots, 'job')} at a time, ≤ ${longest}`
      : `strangers: ${credits ? `1 job at a time, ≤ ${longest}, credits only` : `≤ ${longest}, each tick paid before it begins`}.  Friends: haggle up --for friends --allow PEERID`
  return [
    line(
      'price',
      `${amount(offer.pricePerHour)}${credits ? '' : ` ${safe(unit, 12)}`} an hour × ${counted(offer.slots, 'slot')}: ${reason}`,
    ),
    line(
      'sandbox',
      runners.length === 0
        ? 'no runner works here: haggle doctor'
        : runners.map(({ runner, isolation }) => `${safe(runner)} (${safe(isolation)})`).join(', '),
    ),
    line('reach', reachText(snapshot.addresses, shortPeer)),
    line('serving', serving),
    ...(weak && terms.for !== 'friends' && !terms.acceptWeakIsolation
      ? [line('', 'bubblewrap is missing: only friends get jobs here (haggle doctor); or --accept-weak-isolation')]
      : []),
    ...(terms.sla === undefined
      ? []
      : [line('level', `a missed slot counts for ${amount(terms.sla.price)}; a case costs its renter ${amount(terms.sla.fee)}`)]),
    line('earning', credits ? 'you earn credits, not money' : `you earn ${safe(unit, 12)}: it is claimed by itself, haggle claim shows it`),
    ...(screen.tty ? [''] : []),
    `  ${isLocal(snapshot.addresses) ? 'from another home here: ' : 'from another machine:  '} ${runLine(snapshot)}`,
  ]
}
