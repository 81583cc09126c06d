// The log keeps secrets and strangers' texts out, and the metrics page is what Prometheus reads.

import { expect, test } from 'vitest'
import { createLog, line, sparing } from './log.ts'
import { metricsPage } from './metrics.ts'

test('line() leaves secrets out, wherever they stand', () => {
  const text = line(new Date(0), 'info', 'x', {
    seed: 'aaaa',
    nested: { passphrase: 'bbbb', env: { A: 'cccc' }, list: [{ apiToken: 'dddd' }] },
    message: 'could not use psk=eeee here',
    command: ['ffff'],
    key: new Uint8Array(3),
    price: 12n,
  })
  for (const secret of ['aaaa', 'bbbb', 'cccc', 'dddd', 'eeee', 'ffff']) expect(text).not.toContain(secret)
  expect(JSON.parse(text)).toMatchObject({ at: '1970-01-01T00:00:00.000Z', level: 'info', event: 'x', key: '(3 bytes)', price: '12' })
})

test('line() is one line and bounded', () => {
  const text = line(new Date(0), 'warn', 'x', { error: new Error(`a\nb${'c'.repeat(1000)}`) })
  expect(text.split('\n')).toHaveLength(1)
  expect(text.length).toBeLessThan(500)
})

test('createLog() drops what matters less than asked', () => {
  const lines: string[] = []
  const log = createLog((text) => void lines.push(text), 'warn')
  log('info', 'a')
  log('error', 'b')
  expect(lines).toHaveLength(1)
})

test('metricsPage() has one line a figure, with labels escaped', () => {
  const page = metricsPage({
    uptimeS: 1.6,
    openCalls: 1,
    calls: new Map([['run', 2]]),
    failures: new Map([['a"b\\c\n', 1]]),
    renting: 0,
    peers: 4,
    memory: {
      state: 'behind',
      ledger: 'ok',
      log: 0,
      size: 12,
      signedSize: 10,
      signedAt: null,
      missing: 3,
      cosigners: 2,
      waiting: 4,
      healed: 0,
      convicted: 1,
    },
    residentBytes: 5,
    money: {
      address: '0xab',
      file: '/h/wallet',
      state: 'locked',
      restart: false,
      court: null,
      chain: { id: 1, host: 'h', token: '0x', unit: 'T"', decimals: 6, confirmations: 1, block: 9, seenAt: null, problem: null },
      rails: [{ rail: 'free', unit: 'credits', isMoney: false, earned: '0.42', unpaid: '0', claimable: '0', promised: '0' }],
    },
    provider: {
      running: [],
      requests: 3,
      accepted: 1,
      refusals: { price: 2 },
      earned: '0.1',
      exposure: '0',
      unit: 'credits',
      money: [],
      devices: '',
      runners: [],
      roomMiB: 3,
    },
  })
  expect(page).toContain('haggle_calls_total{call="run"} 2\n')
  expect(page).toContain('haggle_call_failures_total{code="a\\"b\\\\c\\n"} 1\n')
  expect(page).toContain('haggle_ledger_state{state="behind"} 1\n')
  expect(page).toContain('haggle_ledger_missing_entries 3\n')
  expect(page).toContain('haggle_ledger_waiting_entries 4\n')
  expect(page).toContain('haggle_provider_refused_total{reason="price"} 2\n')
  expect(page).toContain('haggle_provider_disk_room_bytes 3145728\n')
  expect(page).toContain('haggle_chain_up 1\n')
  expect(page).toContain('haggle_wallet_open 0\n')
  expect(page).toContain('haggle_earned_total{unit="credits",money="false"} 0.42\n')
  expect(page.split('\n').filter((text) => text !== '' && !/^(# (HELP|TYPE) \S+ \S+|\w+(\{\w+=".*"\})? [\d.]+$)/.test(text))).toEqual([])
})

test('sparing() tells a problem when it comes, then once a minute with how often it came, and another one at once', () => {
  const told: string[] = []
  let now = 0
  const problem = sparing((error, times) => told.push(`${String(error)} ${times}`), { nameOf: String, now: () => now })
  for (; now < 150_000; now += 1_000) problem('full')
  problem('other')
  expect(told).toEqual(['full 1', 'full 60', 'full 60', 'other 1'])
})
