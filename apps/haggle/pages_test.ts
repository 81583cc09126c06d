// The pages of up and status, and the small judgements behind them.

import type { MemoryStatus } from '@haggle/market'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { bestAddress, reachText, scopeOf } from './addresses.ts'
import { type Boot, differs } from './boot.ts'
import type { MoneyStatus } from './money_views.ts'
import { runLine, type UpSnapshot, upPage } from './provide.ts'
import { explainPage } from './explain_page.ts'
import { stateText } from './memory_state.ts'
import { startedLine } from './run_lines.ts'
import { type StatusSnapshot, statusPage } from './status_page.ts'
import { suggestFrom } from './suggest_price.ts'
import { PLAIN_BOOT } from './testing/command.ts'
import { VERSION } from './version.ts'

const RELAY = '12D3KooWQtSVRvZ6nqUdoHuP5wGJ7TUbAyGYrGVsGfC5y9hvpQm7'
const ME = '12D3KooWLbMWkzv4Rr1NT5Qk5PZqCkS6sW5Vn6R5nUQhHpX5Fa91'
const screen = { tty: true, colour: false, columns: 160 }
const short = (peerId: string): string => peerId.slice(-3)

test.each([
  ['/ip4/203.0.113.9/tcp/4001', 'public'],
  ['/dns4/node.example/tcp/4001', 'public'],
  ['/ip6/2001:db8::1/tcp/4001', 'public'],
  ['/ip4/192.168.1.7/tcp/4001', 'lan'],
  ['/ip4/100.64.0.1/tcp/4001', 'lan'],
  ['/ip4/172.32.0.1/tcp/4001', 'public'],
  ['/ip6/fe80::1/tcp/4001', 'lan'],
  ['/ip6/::1/tcp/4001', 'loopback'],
  ['/ip4/127.0.0.1/tcp/4001', 'loopback'],
  [`/ip4/203.0.113.9/tcp/4001/p2p/${RELAY}/p2p-circuit`, 'relay'],
] as const)('scopeOf(%s) is %s', (address, scope) => {
  expect(scopeOf(address)).toBe(scope)
})

test('bestAddress() prefers public, then relayed, then local, and TCP over the rest', () => {
  const relayed = `/ip4/203.0.113.9/tcp/4001/p2p/${RELAY}/p2p-circuit/p2p/${ME}`
  expect(bestAddress(['/ip4/127.0.0.1/tcp/1', relayed, '/ip4/10.0.0.1/tcp/1'])).toBe(relayed)
  expect(bestAddress([relayed, '/ip4/203.0.113.9/tcp/2/ws', '/ip4/203.0.113.9/tcp/1'])).toBe('/ip4/203.0.113.9/tcp/1')
  expect(bestAddress([])).toBeUndefined()
})

test('reachText() names the next step of whoever is not reached directly', () => {
  expect(reachText([], short)).toContain('--bootstrap')
  expect(reachText([`/ip4/203.0.113.9/tcp/4001/p2p/${RELAY}/p2p-circuit`], short)).toContain('via relay Qm7')
  expect(reachText(['/ip4/127.0.0.1/tcp/1'], short)).toContain('this machine only')
})

test('suggestFrom() takes the middle of enough others and says so', () => {
  const first = { price: '0.0040', reason: 'a first price' }
  expect(suggestFrom([0.3, 0.5, 0.31, 0.32, 0.9], first)).toEqual({
    price: '0.32',
    reason: 'the middle of 5 like it; the 40th to 60th percentile is 0.32 to 0.50',
  })
  expect(suggestFrom([0.3], first)).toEqual({ price: '0.0040', reason: 'a first price (only 1 like it was heard)' })
})

const UP: UpSnapshot = {
  peerId: ME,
  network: 'haggle',
  private: false,
  addresses: [`/ip4/203.0.113.9/tcp/4001/p2p/${ME}`],
  providing: {
    terms: { price: '0.31', for: 'anyone' },
    devices: 'RTX 4090 24 GiB',
    runners: [
      { runner: 'deno', isolation: 'bubblewrap' },
      { runner: 'exec', isolation: 'bubblewrap' },
    ],
    unit: 'credits',
    offer: { slots: 2, pricePerHour: '0.310000' },
  },
}

test('upPage() says price, sandbox, reach, whom it serves, what it earns and how to reach it', () => {
  const page = upPage(UP, 'as you said', screen).join('\n')
  expect(page).toContain('0.31 an hour × 2 slots: as you said')
  expect(page).toContain('strangers: 1 job at a time, ≤ 10 m')
  expect(page).toContain('you earn credits, not money')
  expect(page).toContain(`haggle run --peer /ip4/203.0.113.9/tcp/4001/p2p/${ME} -- nvidia-smi`)
})

test('upPage() promises no other machine what only this one can reach', () => {
  expect(upPage(UP, '', screen).at(-1)).toContain('from another machine:')
  const local = { ...UP, addresses: [`/ip4/127.0.0.1/tcp/4001/p2p/${ME}`] }
  expect(upPage(local, '', screen).at(-1)).toMatch(/^ {2}from another home here: {2}haggle run /)
  expect(upPage({ ...UP, addresses: [] }, '', screen).at(-1)).toContain('from another machine:')
})

test('upPage() warns where strangers would get no job', () => {
  const weak = { ...UP, providing: { ...UP.providing, runners: [{ runner: 'deno', isolation: 'permissions' }] } }
  expect(upPage(weak, '', screen).join('\n')).toContain('bubblewrap is missing')
  expect(upPage({ ...UP, providing: { ...UP.providing, terms: { price: '1', for: 'friends' } } }, '', screen).join('\n')).toContain(
    'nobody yet',
  )
})

test('runLine() names network, key file and a job that the node can run', () => {
  const line = runLine({
    ...UP,
    network: 'lab',
    private: true,
    providing: { ...UP.providing, devices: 'cpu', runners: [{ runner: 'deno', isolation: 'bubblewrap' }] },
  })
  expect(line).toBe(`haggle run --network lab --psk-file FILE --peer /ip4/203.0.113.9/tcp/4001/p2p/${ME} --deno main.ts`)
})

const MEMORY: MemoryStatus = {
  state: 'ok',
  ledger: 'ok',
  log: 0,
  size: 1204,
  signedSize: 1200,
  signedAt: 1_790_000_000,
  missing: 0,
  cosigners: 3,
  waiting: 0,
  healed: 0,
  convicted: 0,
}
const CREDITS_ONLY: MoneyStatus = { address: null, file: '/h/wallet', state: 'none', chain: null, restart: false, rails: [], court: null }

const PROVIDING = {
  running: [],
  requests: 63,
  accepted: 18,
  refusals: { capacity: 5, price: 31 },
  earned: '0.420000',
  exposure: '0.000300',
  unit: 'credits',
  money: [],
  devices: '',
  runners: [],
  roomMiB: 4_096,
  terms: { price: '0.31' },
} satisfies StatusSnapshot['providing']

const STATUS: StatusSnapshot = {
  version: '0.1.0',
  pid: 1,
  peerId: ME,
  network: 'haggle',
  addresses: [],
  uptimeMs: 11_520_000,
  peers: 41,
  jobs: [],
  ledger: 1203,
  memory: MEMORY,
  money: CREDITS_ONLY,
  providing: PROVIDING,
}

test('statusPage() shows three panels and why requests were refused, most first', () => {
  const page = statusPage(STATUS, screen)
  expect(page[0]).toMatch(/^Node +Earning +Jobs$/)
  expect(page.join('\n')).toContain('up 3 h 12 m · 41 peers · ledger 1204 entries')
  expect(page.join('\n')).toContain('0.42 credits, not money')
  expect(page.at(-1)).toBe('requests  63 seen: 18 taken, 31 price, 5 capacity')
})

test('statusPage() says that a disk without room keeps jobs away', () => {
  const full = { ...STATUS, providing: { ...PROVIDING, roomMiB: 0 } }
  expect(statusPage(full, screen).join('\n')).toContain('disk      nearly full: no job is taken')
})

test('statusPage() counts what was cancelled apart from what failed', () => {
  const job = {
    contract: 'aa',
    role: 'renter',
    peer: RELAY,
    command: 'x',
    startedAt: 1,
    usedMs: 1,
    owed: '0',
    unit: 'credits',
    sla: null,
  } as const
  const exit = { kind: 'exit', code: 0 } as const
  const jobs = [
    { ...job, phase: 'settled', exit },
    { ...job, phase: 'cancelled', exit: null },
    { ...job, phase: 'failed', exit: null },
    { ...job, phase: 'running', exit: null },
  ]
  expect(statusPage({ ...STATUS, jobs }, screen).join('\n')).toContain('1 open · 1 done · 1 cancelled · 1 failed')
  expect(statusPage({ ...STATUS, jobs: jobs.slice(0, 1) }, screen).join('\n')).toContain('0 open · 1 done · 0 failed')
})

test('statusPage() shows wallet, exposure and chain of a home that has them', () => {
  const chain = {
    id: 31337,
    host: '127.0.0.1:8545',
    token: '0x00',
    unit: 'TEST',
    decimals: 6,
    confirmations: 1,
    block: 7,
    seenAt: null,
    problem: null,
  }
  const rail = { rail: 'evm:31337:0x00', unit: 'TEST', isMoney: true, earned: '2', unpaid: '0.0003', claimable: '1.5', promised: '0.5' }
  const money = { ...CREDITS_ONLY, address: `0x${'ab'.repeat(20)}`, state: 'locked' as const, chain, rails: [rail] }
  const page = statusPage({ ...STATUS, money }, screen)
  expect(page.at(-2)).toBe('money     0xabab…abab locked: haggle wallet unlock · TEST: exposure 0.0003 unpaid, 1.5 to claim, 0.5 promised')
  expect(page.at(-1)).toContain('31337 (devnet, play money) at 127.0.0.1:8545')
})

test('statusPage() stacks on a narrow screen and says how to offer', () => {
  const empty = { ...MEMORY, state: 'unconfirmed', size: 0, signedSize: 0 } as const
  const page = statusPage({ ...STATUS, providing: null, ledger: null, memory: empty, peers: null }, { ...screen, columns: 40 })
  expect(page[0]).toBe('Node')
  expect(page.join('\n')).toContain('not offering: haggle up')
  expect(page.join('\n')).toContain('ledger empty')
})

test.each([
  [{}, 'ok', '1204 entries ok, head of 1200 cosigned by 3', undefined],
  [{ state: 'unconfirmed' }, 'weak', 'no head is signed until a counterparty has shown the last one, of 1200', undefined],
  [{ state: 'unconfirmed', signedSize: 0 }, 'ok', 'no head signed yet', undefined],
  [{ state: 'behind', missing: 7 }, 'bad', 'others have seen up to 7 more signed', 'haggle ledger fetch'],
  [{ state: 'forked' }, 'bad', 'others have seen it say something else', 'haggle ledger succeed'],
  [{ state: 'damaged', ledger: 'damaged' }, 'bad', 'some are on neither copy', 'haggle ledger fetch'],
  [{ ledger: 'failed', state: 'damaged' }, 'bad', 'the disk refused a write', 'make room'],
  [{ ledger: 'failed', waiting: 2 }, 'bad', '1204 entries, 2 entries wait to be appended', 'make room'],
  [{ log: 1, signedSize: 0 }, 'ok', '1204 entries in successor 1 ok', undefined],
] as const)('stateText() says what %j means', (changes, state, text, fix) => {
  const found = stateText({ ...MEMORY, ...changes })
  expect(found.state).toBe(state)
  expect(found.text).toContain(text)
  if (fix === undefined) expect(found.fix).toBeUndefined()
  else expect(found.fix).toContain(fix)
})

test('statusPage() says what is wrong with the ledger and what to type', () => {
  const page = statusPage({ ...STATUS, memory: { ...MEMORY, state: 'behind', missing: 7 } }, screen).join('\n')
  expect(page).toContain('ledger behind')
  expect(page).toContain('→ haggle ledger fetch')
})

test('explainPage() shows what a score adds up from', async () => {
  const { localMemory } = await import('./testing/local_memory.ts')
  const page = explainPage(await localMemory(ME).explain(ME), screen).join('\n')
  expect(page).toContain('as provider   score 0.300 = completes 0.300')
  expect(page).toMatch(/completes +12D3…\w+ +1 +1\.000 +0\.000/)
  expect(page).toMatch(/abababababab +.* settled +1 m +0\.001 credits +1\.0000/)
  expect(page).toContain('not measured by anybody: uptime, speed, disputes')
  expect(page).not.toContain('as renter')
})

const running: Boot = { ...PLAIN_BOOT, listen: [] }
const CHAIN = { rpc: ['http://127.0.0.1:8545'], id: null, token: null, deployment: null, confirmations: null, claimAt: '1' }
test.each([
  ['nothing asked', {}, null],
  ['its own network', { network: 'haggle' }, null],
  ['another network', { network: 'lab' }, 'network'],
  ['a key file', { pskFile: '/k' }, 'psk-file'],
  ['some listening', { listen: ['/ip4/0.0.0.0/tcp/4001'], listenAnywhere: true }, 'listen'],
  ['no listening', { listen: [] }, null],
  ['a page', { http: '127.0.0.1:1' }, 'http'],
  ['to provide', { provide: true }, 'role'],
  ['to witness', { witness: true }, 'role'],
  ['to anchor others', { anchorOthers: true }, 'role'],
  ['a chain', { chain: CHAIN }, 'chain'],
] as const)('differs() with %s', (_, asked, found) => {
  expect(differs(running, { ...PLAIN_BOOT, ...asked })).toBe(found)
})

test('differs() is content with any listening agent when any will do', () => {
  const listening = { ...running, listen: ['/ip4/0.0.0.0/tcp/0'] }
  expect(differs(listening, { ...PLAIN_BOOT, listen: ['/ip4/0.0.0.0/tcp/4001'], listenAnywhere: true })).toBeNull()
  expect(differs(listening, { ...PLAIN_BOOT, listen: ['/ip4/0.0.0.0/tcp/4001'] })).toBe('listen')
})

test('differs() is content with an agent on the asked chain, or on any when none is asked', () => {
  const paid = { ...running, chain: CHAIN }
  expect(differs(paid, { ...PLAIN_BOOT, chain: { ...CHAIN } })).toBeNull()
  expect(differs(paid, PLAIN_BOOT)).toBeNull()
  expect(differs(paid, { ...PLAIN_BOOT, chain: { ...CHAIN, id: 10 } })).toBe('chain')
})

test('VERSION is that of package.json', () => {
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, 'package.json'), 'utf8')) as { version: string }
  expect(VERSION).toBe(version)
})

test('statusPage() says how the court stands, and that a chain in trouble ends no job', () => {
  const court = { rail: 'evm:1:0x', state: 'watching', seat: true, provides: 1, rents: 2, witnesses: 3 } as const
  const money = { ...CREDITS_ONLY, address: '0xab', state: 'open' } as const
  const lines = (problem: { code: string; message: string } | null): string =>
    statusPage({ ...STATUS, money: { ...money, court: { ...court, problem } } }, { tty: false, colour: false, columns: 200 }).join('\n')
  expect(lines(null)).toContain('court     6 open cases: 1 sold, 2 bought, 3 witnessed · a seat')
  expect(lines({ code: 'E_CHAIN_UNREACHABLE', message: 'no answer' })).toContain('no answer (E_CHAIN_UNREACHABLE); jobs go on')
})

test('startedLine() names the case of a service level, and says nothing where none was bought', () => {
  const job = {
    contract: 'ab'.repeat(32),
    provider: ME,
    device: 'RTX 4090',
    isolation: 'bubblewrap',
    path: { kind: 'direct' },
    pricePerHour: '0.31',
    cap: '0.05',
    unit: 'TEST',
  }
  const plain = startedLine({ ...job, sla: null })
  expect(plain).toMatch(/cap 0\.05 TEST$/)
  expect(startedLine({ ...job, sla: 'c4'.repeat(32) })).toBe(`${plain} · service level, case c4c4c4c4c4c4`)
})
