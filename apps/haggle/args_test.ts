// The parser: what it accepts, what it refuses and how, and which source of a value wins.

import { describe, expect, test } from 'vitest'
import { asksForJson, durationOf, hostPortOf, type Outside, parse, problemOf } from './args.ts'
import { describe as describeError } from './failure.ts'
import type { Verb } from './table.ts'

const VERB: Verb = {
  name: 'try',
  summary: 'a verb for tests',
  positionals: [{ name: 'WHAT', help: 'what', optional: true, kind: 'choice', choices: ['list', 'show'] }],
  flags: [
    { name: 'price', kind: 'amount', help: 'price', setting: true },
    { name: 'peer', kind: 'address', help: 'peer', repeat: true, setting: true },
    { name: 'timeout', short: 't', kind: 'duration', help: 'timeout', fallback: '10m', setting: true },
    { name: 'json', kind: 'switch', help: 'json' },
    { name: 'rpc', kind: 'url', help: 'rpc' },
    { name: 'token', kind: 'account', help: 'token' },
    { name: 'fiat', kind: 'rate', help: 'fiat' },
    { name: 'http', kind: 'host-port', help: 'http' },
    { name: 'region', kind: 'region', help: 'region' },
    { name: 'memory', kind: 'count', help: 'memory' },
    { name: 'cores', kind: 'amount', help: 'cores' },
  ],
  run: async () => 0,
}
const COMMAND: Verb = { ...VERB, positionals: [], command: true }

function outside(env: Record<string, string> = {}, file: Record<string, unknown> = {}): Outside {
  return { env, userHome: '/home/ada', load: () => file }
}

function codeOf(run: () => unknown): { code: string; message: string; next: string | undefined } {
  try {
    run()
  } catch (error) {
    return describeError(error)
  }
  throw new Error('nothing was thrown')
}

describe('parse()', () => {
  test('parse() takes a value after a space or an equals sign', () => {
    expect(parse(VERB, ['--price', '0.25'], outside()).text('price')).toBe('0.25')
    expect(parse(VERB, ['--price=0.25'], outside()).text('price')).toBe('0.25')
    expect(parse(VERB, ['-t', '90s'], outside()).durationMs('timeout')).toBe(90_000)
  })

  test('parse() names the nearest flag when one is unknown', () => {
    expect(codeOf(() => parse(VERB, ['--prise', '1'], outside()))).toMatchObject({ code: 'E_USAGE', next: 'did you mean --price?' })
  })

  test.each([
    [['--price', 'cheap'], '--price must be an amount'],
    [['--price'], '--price needs a value'],
    [['--price', '1', '--price', '2'], '--price was given twice'],
    [['--json=yes'], '--json takes no value'],
    [['--timeout', '10'], '--timeout must be a duration'],
    [['--peer', 'example.org'], '--peer must be an address'],
    [['--rpc', 'localhost:8545'], '--rpc must be an address such as http'],
    [['--token', '0x12'], '--token must be an address such as 0x'],
    [['--fiat', '0.9'], '--fiat must be a price and a currency'],
    [['--http', 'nonsense'], '--http must be HOST:PORT such as 127.0.0.1:9464, is "nonsense"'],
    [['--http', '127.0.0.1:99999'], '--http must be HOST:PORT'],
    [['--region', 'ZZZZZ'], '--region must be an ISO 3166 code'],
    [['--timeout', '0s'], '--timeout must be 1s to 30d, is "0s"'],
    [['--timeout', '500ms'], '--timeout must be 1s to 30d'],
    [['--timeout', '31d'], '--timeout must be 1s to 30d'],
    [['--memory', '0'], '--memory must be 1 or more'],
    [['--cores', '0.0'], '--cores must be 0.001 or more'],
    [['show', 'more'], 'does not take "more"'],
    [['shwo'], 'WHAT must be one of list, show'],
  ])('parse() refuses %j', (argv, message) => {
    const found = codeOf(() => parse(VERB, argv, outside()))
    expect(found.code).toBe('E_USAGE')
    expect(found.message).toContain(message)
  })

  test('parse() leaves a command line alone after -- and from its first word on', () => {
    expect(parse(COMMAND, ['--json', '--', 'echo', '--price', '-x'], outside()).command).toEqual(['echo', '--price', '-x'])
    expect(parse(COMMAND, ['--json', 'echo', '--price'], outside()).command).toEqual(['echo', '--price'])
    expect(parse(COMMAND, ['--json'], outside()).command).toBeUndefined()
  })

  test('parse() prefers flag, then environment, then file, then default', () => {
    const env = { HAGGLE_TIMEOUT: '2m' }
    const file = { timeout: '3m' }
    expect(parse(VERB, ['-t', '1m'], outside(env, file)).origin('timeout')).toBe('flag')
    expect(parse(VERB, [], outside(env, file)).durationMs('timeout')).toBe(120_000)
    expect(parse(VERB, [], outside({}, file)).durationMs('timeout')).toBe(180_000)
    expect(parse(VERB, [], outside()).origin('timeout')).toBe('default')
  })

  test('parse() reads lists from the environment and the file', () => {
    const a = '/ip4/192.0.2.1/tcp/1'
    const b = '/ip4/192.0.2.2/tcp/2'
    expect(parse(VERB, [], outside({ HAGGLE_PEER: `${a}, ${b}` })).list('peer')).toEqual([a, b])
    expect(parse(VERB, [], outside({}, { peer: [a, b] })).list('peer')).toEqual([a, b])
  })

  test('parse() names file or variable when a setting in it does not fit', () => {
    expect(codeOf(() => parse(VERB, [], outside({ HAGGLE_PRICE: 'x' })).text('price')).message).toContain('HAGGLE_PRICE must be an amount')
    const found = codeOf(() => parse(VERB, [], outside({}, { price: {} })).text('price'))
    expect(found.code).toBe('E_CONFIG_VALUE')
    expect(found.message).toContain('/home/ada/.haggle/config.json')
  })

  test('parse() finds the home in flag, environment and default', () => {
    expect(parse(VERB, ['--home', '~/x'], outside()).home).toBe('/home/ada/x')
    expect(parse(VERB, [], outside({ HAGGLE_HOME: '/srv/h' })).home).toBe('/srv/h')
    expect(parse(VERB, [], outside()).home).toBe('/home/ada/.haggle')
  })

  test('parse() does not ask for positionals when help is wanted', () => {
    expect(parse({ ...VERB, positionals: [{ name: 'FILE', help: 'a file' }] }, ['--help'], outside()).on('help')).toBe(true)
  })
})

test('parse() refuses a setting outside its range as it refuses a flag', () => {
  const found = codeOf(() => parse(VERB, [], outside({}, { timeout: '0s' })).durationMs('timeout'))
  expect(found).toMatchObject({ code: 'E_CONFIG_VALUE' })
  expect(found.message).toContain('must be 1s to 30d')
})

test.each([
  [['--json', '--', 'x'], true],
  [['-t', '1m', '--json'], true],
  [['--price', '--json', 'x'], false],
  [['curl', '--json', 'x'], false],
  [['--', 'curl', '--json'], false],
  [['--prise', '--json'], true],
])('asksForJson() of a command %j is %s', (argv, asks) => {
  expect(asksForJson(COMMAND, argv)).toBe(asks)
})

test('asksForJson() finds the switch behind the words of a verb without a command', () => {
  expect(asksForJson(VERB, ['show', '--json'])).toBe(true)
})

test('hostPortOf() reads a host and a port, or a port of this machine', () => {
  expect(['127.0.0.1:9464', '[::1]:80', '0', 'box.example:1'].map(hostPortOf)).toEqual([
    { host: '127.0.0.1', port: 9464 },
    { host: '::1', port: 80 },
    { host: '127.0.0.1', port: 0 },
    { host: 'box.example', port: 1 },
  ])
  expect(['', ':80', 'x:', '127.0.0.1:65536', 'a b:1', '::1:80'].map(hostPortOf)).toEqual(Array(6).fill(undefined))
})

test('durationOf() reads units from milliseconds to days', () => {
  expect(['500ms', '1.5h', '2d', '10', '-1s', ''].map(durationOf)).toEqual([500, 5_400_000, 172_800_000, undefined, undefined, undefined])
})

test('problemOf() wants amounts with at most six decimals', () => {
  const flag = { name: 'p', kind: 'amount', help: '' } as const
  expect(problemOf(flag, '0.123456')).toBeUndefined()
  expect(problemOf(flag, '0.1234567')).toBeDefined()
  expect(problemOf(flag, '1e3')).toBeDefined()
})
