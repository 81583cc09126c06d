// The command as typed, in real processes, against an agent with a market of this machine's own processes.

import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { pathsOf } from './home.ts'
import { COMMAND, haggle, httpGet, localAgent, start, temporary } from './testing/command.ts'

// Real processes on a machine that others use too: what hangs is ended by this, what is slow is not.
vi.setConfig({ testTimeout: 30_000 })

const place = temporary()
const home = join(place.folder, 'home')
let agent: Awaited<ReturnType<typeof localAgent>>

beforeAll(async () => {
  agent = await localAgent(home)
}, 60_000)
afterAll(async () => {
  await agent[Symbol.asyncDispose]()
  place[Symbol.dispose]()
})

const run = (argv: readonly string[], options: Parameters<typeof haggle>[1] = {}): ReturnType<typeof haggle> =>
  haggle([argv[0] ?? '', '--home', home, ...argv.slice(1)], options)

/** How many runs the agent has counted. */
function callsOf(page: string): number {
  return Number(/haggle_calls_total\{call="run"\} (\d+)/.exec(page)?.[1] ?? 0)
}

describe('haggle run', () => {
  test('haggle run passes stdout, stderr and the exit code on', async () => {
    const found = await run(['run', '--', 'sh', '-c', 'echo out; echo err >&2; exit 7'])
    expect(found.stdout.toString()).toBe('out\n')
    expect(found.stderr).toContain('err\n')
    expect(found.code).toBe(7)
  })

  test('haggle run says once what a provider can read', async () => {
    const elsewhere = join(place.folder, 'fresh')
    await using other = await localAgent(elsewhere)
    void other
    expect((await haggle(['run', '--home', elsewhere, '--', 'true'])).stderr).toContain('can read your job')
    expect((await haggle(['run', '--home', elsewhere, '--', 'true'])).stderr).toBe('')
  })

  test('haggle run passes binary stdin through, more than any window', async () => {
    const bytes = randomBytes(5 * 1024 * 1024)
    const found = await run(['run', '--', 'cat'], { stdin: bytes })
    expect(found.stdout.equals(bytes)).toBe(true)
    expect(found.code).toBe(0)
  })

  test('haggle run closes stdin of the job with -n', async () => {
    const running = start(['run', '--home', home, '-n', '--', 'cat'], { stdin: 'open' })
    expect((await running.ended).code).toBe(0)
  })

  test('haggle run cancels at the first Ctrl-C without a terminal', async () => {
    const running = start(['run', '--home', home, '--', 'sh', '-c', 'echo started; exec sleep 60'], { stdin: 'open' })
    await running.seen(/started/)
    running.child.kill('SIGINT')
    expect((await running.ended).code).toBe(130)
  })

  test('haggle run cancels before a contract and says that nothing is owed', async () => {
    const before = callsOf(await httpGet(home, '/metrics'))
    const running = start(['run', '--home', home, '--where', 'slow', '--', 'true'])
    // Once the agent counts the call, the command has its handlers and waits.
    await expect.poll(async () => callsOf(await httpGet(home, '/metrics'))).toBe(before + 1)
    running.child.kill('SIGINT')
    const found = await running.ended
    expect(found.code).toBe(130)
    expect(found.stderr).toContain('nothing is owed')
  })

  test('haggle run ends when its reader leaves', async () => {
    const running = start(['run', '--home', home, '--', 'yes'])
    await running.seen(/y\n/)
    running.child.stdout?.destroy()
    expect((await running.ended).code).toBe(130)
  })

  test('haggle run explains when nothing fits', async () => {
    const found = await run(['run', '--where', 'impossible', '--', 'true'])
    expect(found.code).toBe(4)
    expect(found.stderr).toContain('nothing fits: 0 of 214 offers')
    expect(found.stderr).toContain('→ price.hour<=0.34 gives 12')
    expect(found.stderr).toContain('(E_NOTHING_FITS)')
  })

  test('haggle run shows the column of a bad expression', async () => {
    const found = await run(['run', '--where', 'broken( x', '--', 'true'])
    expect(found.code).toBe(2)
    expect(found.stderr).toContain('\n  broken( x\n        ^\n')
  })

  test('haggle run gives the job only the environment that was named', async () => {
    const file = join(place.folder, 'env')
    writeFileSync(file, '# words\nB="two words"\n')
    const found = await run(['run', '--env', 'A', '--env', 'C=3', '--env-file', file, '--', 'sh', '-c', 'echo "$A|$B|$C|$HIDDEN"'], {
      env: { A: '1', HIDDEN: 'x' },
    })
    expect(found.stdout.toString()).toBe('1|two words|3|\n')
  })

  test.each([
    [['--env', 'MISSING'], 'your environment has no MISSING'],
    [['--in', '/does/not/exist'], 'There is no folder /does/not/exist'],
    [['--deno', 'nowhere.ts'], 'There is no file nowhere.ts'],
    [['--json'], '--json goes with --dry-run or --detach'],
    [['--env-file', 'nope'], 'There is no file nope (--env-file)'],
    [['--timeout', '0s'], '--timeout must be 1s to 30d'],
    [['--output', '0'], '--output must be 1 or more'],
  ])('haggle run refuses %j before anything is asked', async (flags, message) => {
    const found = await run(['run', ...flags, '--', 'true'])
    expect(found.code).toBe(2)
    expect(found.stderr).toContain(message)
  })

  test('haggle run --detach prints the contract; logs, attach and cancel find it by its first digits', async () => {
    const detached = await run(['run', '--detach', '--', 'sh', '-c', 'echo one; sleep 60'])
    expect(detached.code).toBe(0)
    const contract = detached.stdout.toString().trim()
    expect(contract).toMatch(/^[0-9a-f]{64}$/)
    const short = contract.slice(0, 8)
    expect((await run(['ps'])).stdout.toString()).toContain(short)
    expect((await run(['logs', short])).stdout.toString()).toBe('one\n')
    const attached = start(['attach', '--home', home, short])
    await attached.seen(/one\n/)
    expect((await run(['cancel', short])).code).toBe(0)
    expect((await attached.ended).code).toBe(137)
    expect((await run(['ps', '--json'])).stdout.toString()).not.toContain(contract)
    expect((await run(['logs', 'ffffffff'])).stderr).toContain('E_JOB_UNKNOWN')
  })

  test('haggle as the system starts it leaves every flag to itself or to the job', async () => {
    const typed = async (...argv: string[]): Promise<[number | null, string]> =>
      await new Promise((done) =>
        execFile(COMMAND, argv, { env: { PATH: process.env['PATH'], HOME: place.folder } }, (error, stdout, stderr) =>
          done([error === null ? 0 : Number(error.code), `${stdout}${stderr}`]),
        ),
      )
    expect(await typed('run', '--home', home, '--env-file', 'nope', '--', 'true')).toEqual([2, expect.stringContaining('(E_FILE_MISSING)')])
    expect(await typed('run', '--home', home, '--quiet', 'echo', '--env-file', 'nope')).toEqual([0, '--env-file nope\n'])
    expect(await typed('ps', '--env-file', 'nope')).toEqual([2, expect.stringContaining('Unknown flag --env-file')])
  })

  test("haggle run takes no --json of the job's for its own", async () => {
    const found = await run(['run', '--where', 'impossible', 'curl', '--json', 'x'])
    expect([found.code, found.stdout.toString()]).toEqual([4, ''])
  })

  test('haggle run says where an expression was set that it can not read', async () => {
    const elsewhere = join(place.folder, 'where')
    await using other = await localAgent(elsewhere)
    void other
    const at = ['--home', elsewhere]
    // As somebody's editor leaves it: the command itself would not take it.
    writeFileSync(pathsOf(elsewhere).config, JSON.stringify({ where: 'broken( x' }))
    const found = await haggle(['run', ...at, '--', 'true'])
    expect(found.code).toBe(2)
    expect(found.stderr).toContain(`it is "where" in ${pathsOf(elsewhere).config}`)
    expect((await haggle(['run', ...at, '--where', 'broken( y', '--', 'true'])).stderr).not.toContain('it is "where"')
    const env = { HAGGLE_WHERE: 'broken( z' }
    expect((await haggle(['run', ...at, '--', 'true'], { env })).stderr).toContain('it is HAGGLE_WHERE')
  })

  test('haggle config set keeps no expression that can not be read', async () => {
    const at = ['--home', join(place.folder, 'expression')]
    for (const [name, broken, whole] of [
      ['where', 'broken( x', 'gpu.vram>=24GiB order by price.hour'],
      ['accept', 'gpu.vram>=', 'renter.score>=0.5'],
    ] as const) {
      const refused = await haggle(['config', 'set', name, broken, ...at])
      expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('E_EXPR')])
      expect((await haggle(['config', 'get', name, ...at])).stdout.toString()).not.toContain(broken)
      expect((await haggle(['config', 'set', name, whole, ...at])).code).toBe(0)
      expect((await haggle(['config', 'get', name, ...at])).stdout.toString()).toContain(whole)
    }
  })

  test('haggle cancel says how a job had ended that is over', async () => {
    const contract = (await run(['run', '--detach', '--', 'sh', '-c', 'exit 3'])).stdout.toString().trim()
    await run(['attach', contract])
    const found = await run(['cancel', contract])
    expect([found.code, found.stderr]).toEqual([0, `${contract.slice(0, 12)} had ended before: exit 3\n`])
    const json = JSON.parse((await run(['cancel', '--json', contract])).stdout.toString()) as object
    expect(json).toMatchObject({ cancelled: [], ended: [{ contract, exit: { kind: 'exit', code: 3 } }] })
  })

  test('haggle run keeps the receipt in the home', async () => {
    const before = pathsOf(home).receipts
    await run(['run', '--', 'true'])
    expect(existsSync(before)).toBe(true)
  })

  test('haggle run --dry-run shows offers and cap', async () => {
    const found = await run(['run', '--dry-run', '--', 'true'])
    expect(found.stdout.toString()).toMatch(/cap +0\.000667 credits \(credits, not money\)/)
    const json = JSON.parse((await run(['run', '--dry-run', '--json', '--', 'true'])).stdout.toString()) as { ok: boolean; cap: string }
    expect(json).toMatchObject({ ok: true, cap: '0.000667' })
  })
})

describe('haggle reads', () => {
  test.each([['offers'], ['quote'], ['ps'], ['status'], ['ledger']])(
    'haggle %s --json prints one JSON value and nothing else',
    async (verb) => {
      const found = await run([verb, '--json'])
      expect(found.code).toBe(0)
      expect(found.stderr).toBe('')
      expect(() => JSON.parse(found.stdout.toString()) as unknown).not.toThrow()
    },
  )

  test('haggle ledger says how the log stands, why a peer is trusted, and proves and takes receipts', async () => {
    const peer = '12D3KooWQtSVRvZ6nqUdoHuP5wGJ7TUbAyGYrGVsGfC5y9hvpQm7'
    expect((await run(['ledger', 'status'])).stdout.toString()).toBe('ledger    2 entries ok, head of 2 cosigned by 1\n')
    expect((await run(['ledger', 'explain', peer])).stdout.toString()).toContain('score 0.300')
    const proof = await run(['ledger', 'prove', '0'.repeat(64)])
    expect([proof.code, proof.stdout.toString()]).toEqual([0, 'haggle-proof/1\n'])
    const file = join(place.folder, 'a.proof')
    writeFileSync(file, proof.stdout)
    expect((await run(['ledger', 'import', file])).stderr).toContain('counted for 12D3…Qm7')
    expect((await run(['ledger', 'checkpoint', '--json'])).stdout.toString()).toBe('{"size":2,"cosigned":1,"failed":0}\n')
    expect((await run(['ledger', 'check'])).stderr).toContain('2 entries read twice: they come to the signed root')
  })

  test('haggle anchor get writes the file that an aggregator gave, and only bytes of it into a pipe', async () => {
    const from = '12D3KooWQtSVRvZ6nqUdoHuP5wGJ7TUbAyGYrGVsGfC5y9hvpQm7'
    const piped = await run(['anchor', 'get', '--from', from])
    expect([piped.code, piped.stdout.toString()]).toEqual([0, 'haggle-anchor/1\n'])
    expect(piped.stderr).toContain('1 entry of log 0, anchored by 0x0000000000000000000000000000000000000000 on chain 31337')
    const to = join(place.folder, 'a.anchor')
    const kept = await run(['anchor', 'get', '--from', from, '--to', to, '--json'])
    expect(JSON.parse(kept.stdout.toString())).toMatchObject({ chain: 31337, log: 0, size: 1, file: to, bytes: 16 })
    expect([kept.stderr, readFileSync(to, 'utf8')]).toEqual(['', 'haggle-anchor/1\n'])
  })

  test.each([
    [['anchor', 'get'], '--from PEER'],
    [['anchor', 'get', '--from', '12D3KooWLbMWkzv4Rr1NT5Qk5PZqCkS6sW5Vn6R5nUQhHpX5Fa91'], 'E_ANCHOR_NONE'],
    [['ledger', 'explain'], 'needs a PeerId'],
    [['ledger', 'prove', 'ab'.repeat(32)], 'E_RECEIPT_UNKNOWN'],
    [['ledger', 'evidence', '12D3KooWQtSVRvZ6nqUdoHuP5wGJ7TUbAyGYrGVsGfC5y9hvpQm7'], 'E_EVIDENCE_NONE'],
    [['ledger', 'succeed'], 'E_SUCCEED_NEEDLESS'],
    [['ledger', 'prove', '0'.repeat(64), '--to', '-', '--json'], '--to - and --json both want stdout'],
    [['anchor', 'get', '--from', '12D3KooWQtSVRvZ6nqUdoHuP5wGJ7TUbAyGYrGVsGfC5y9hvpQm7', '--to', '-', '--json'], '--to - and --json both'],
    [['ledger', 'frobnicate'], 'list, show, export'],
  ])('haggle %s says why not', async (argv, why) => {
    const found = await run(argv)
    expect(found.code).not.toBe(0)
    expect(found.stderr).toContain(why)
  })

  test('haggle offers prints a table without colour in a pipe', async () => {
    const text = (await run(['offers'])).stdout.toString()
    expect(text).toContain('12D3…Qm7')
    expect(text).toContain('live')
    expect(text).not.toContain('\u001b')
  })

  test('haggle reads end without a word when their reader leaves', async () => {
    const running = start(['completions', 'bash'])
    running.child.stdout?.destroy()
    const found = await running.ended
    expect(found.stderr).toBe('')
    expect(found.code).toBe(0)
  })

  test('haggle ping exits 6 when nobody answers', async () => {
    const found = await run(['ping', '/ip4/127.0.0.1/tcp/1'])
    expect(found.code).toBe(6)
    expect(found.stderr).toContain('E_DIAL')
  })

  test.each([['nope'], [''], ['12D3KooWGRUWwVJZpMeMhKQcQDdCAZCRvuBLmvnBsvxTuVAbW7X1']])(
    'haggle ping %j exits 2: it can be nobody',
    async (target) => {
      const found = await run(['ping', target])
      expect(found.code).toBe(2)
      expect(found.stderr).toContain('(E_PEER_ID)')
    },
  )

  test('haggle verify tells what is no evidence', async () => {
    const file = join(place.folder, 'no.haggle')
    writeFileSync(file, 'hello\n')
    const found = await haggle(['verify', file])
    expect(found.code).toBe(1)
    expect(found.stderr).toContain('E_VERIFY_FORMAT')
    expect((await haggle(['verify', '/does/not/exist'])).code).toBe(2)
  })

  test('the agent answers health and metrics on the same socket', async () => {
    expect(await httpGet(home, '/healthz')).toContain('200 OK')
    expect(await httpGet(home, '/readyz')).toContain('ready')
    expect(await httpGet(home, '/metrics')).toMatch(/haggle_calls_total\{call="offers"\} \d/)
    expect(await httpGet(home, '/nothing')).toContain('404')
  })
})

describe('haggle config', () => {
  test('haggle config sets, gets, shows the origin and unsets', async () => {
    expect((await run(['config', 'set', 'max-price', '0.5'])).code).toBe(0)
    expect((await run(['config', 'get', 'max-price'])).stdout.toString()).toBe('0.5\n')
    expect(statSync(pathsOf(home).config).mode & 0o777).toBe(0o600)
    const { settings } = JSON.parse((await run(['config', '--json'], { env: { HAGGLE_REGION: 'DE' } })).stdout.toString()) as {
      settings: { name: string; origin: string }[]
    }
    expect(settings.find(({ name }) => name === 'max-price')?.origin).toBe('file')
    expect(settings.find(({ name }) => name === 'region')?.origin).toBe('environment')
    await run(['config', 'unset', 'max-price'])
    expect(JSON.parse(readFileSync(pathsOf(home).config, 'utf8'))).toEqual({})
  })

  test('haggle config refuses what does not fit', async () => {
    expect((await run(['config', 'set', 'price', 'cheap'])).stderr).toContain('must be an amount')
    expect((await run(['config', 'set', 'prise', '1'])).stderr).toContain('did you mean price?')
    expect((await run(['config', 'set', 'http', 'nonsense'])).stderr).toContain('http must be HOST:PORT')
    expect((await run(['config', 'set', 'region', 'ZZZZZ'])).stderr).toContain('region must be an ISO 3166 code')
    expect((await run(['config', 'set', 'max-job', '0s'])).stderr).toContain('max-job must be 1s to 30d')
  })

  test('haggle config path --json prints one JSON value', async () => {
    expect(JSON.parse((await run(['config', 'path', '--json'])).stdout.toString())).toEqual({ file: pathsOf(home).config })
  })

  test('haggle says so when its file is no JSON', async () => {
    const broken = join(place.folder, 'broken')
    await haggle(['config', 'set', 'price', '1', '--home', broken])
    writeFileSync(pathsOf(broken).config, '{')
    const found = await haggle(['ps', '--home', broken])
    expect(found.code).toBe(3)
    expect(found.stderr).toContain('E_CONFIG_FILE')
  })
})

describe('the home', () => {
  test('haggle refuses a home that others can read', async () => {
    const lax = join(place.folder, 'lax')
    await haggle(['config', 'set', 'price', '1', '--home', lax])
    chmodSync(lax, 0o755)
    const found = await haggle(['ps', '--home', lax])
    expect(found.code).toBe(3)
    expect(found.stderr).toContain('E_HOME_MODE')
    expect(found.stderr).toContain(`chmod 700 ${lax}`)
  })

  test('haggle refuses a key that others can read', async () => {
    const lax = join(place.folder, 'laxkey')
    expect((await haggle(['init', '--home', lax])).code).toBe(0)
    chmodSync(pathsOf(lax).key, 0o644)
    const found = await haggle(['ps', '--home', lax])
    expect(found.code).toBe(3)
    expect(found.stderr).toContain('E_KEY_MODE')
  })
})

describe('what is typed wrong', () => {
  test.each([
    [['ofers'], 2, 'did you mean haggle offers?'],
    [['--what'], 2, 'Unknown flag --what'],
    [['offers', '--wehre', 'x'], 2, 'did you mean --where?'],
    [['ping'], 2, 'haggle ping needs NODE'],
    [['run'], 2, 'needs something to run'],
    [['up', '--max-job', '0s'], 2, '--max-job must be 1s to 30d'],
    [['up', '--http', '127.0.0.1:99999'], 2, '--http must be HOST:PORT'],
    [['devnet', '--providers', '999999999'], 2, '--providers must be 1 to 64'],
    [[], 2, 'rent a stranger'],
  ])('haggle %j exits %i', async (argv, code, message) => {
    const found = await haggle(argv)
    expect(found.code).toBe(code)
    expect(found.stderr).toContain(message)
  })

  test('haggle --help and --version go to stdout', async () => {
    expect((await haggle(['--help'])).stdout.toString()).toContain('completions')
    expect((await haggle(['run', '--help'])).stdout.toString()).toContain('--max-price')
    expect((await haggle(['--version'])).stdout.toString()).toMatch(/^haggle \d/)
  })
})
