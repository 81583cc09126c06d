import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { flag, fraction, helpOf, list, type Options, optionsOf, SEED, text, UsageError, whole } from './named_command.ts'

const OPTIONS = {
  all: flag('all of it'),
  runs: whole('how many', 10, { most: 100 }),
  rate: fraction('how fast', 1.5, { least: 0.5, most: 2 }),
  scenario: text('which', 'a', ['a', 'b']),
  only: list('some', ['x', 'y', 'z']),
  seed: SEED,
} satisfies Options

const root = join(import.meta.dirname, '..')

it('optionsOf() gives what was said, and the defaults of the rest', () => {
  expect(optionsOf([], OPTIONS)).toEqual({ all: false, runs: 10, rate: 1.5, scenario: 'a', only: [], seed: 1 })
  const args = ['--all', '--runs=100', '--rate', '0.5', '--scenario', 'b', '--only', 'x,y', '--only', 'z', '--seed', '0']
  expect(optionsOf(args, OPTIONS)).toEqual({ all: true, runs: 100, rate: 0.5, scenario: 'b', only: ['x', 'y', 'z'], seed: 0 })
})

it.each([
  [['--run', '5'], "Unknown option '--run'"],
  [['five'], "Unexpected argument 'five'"],
  [['--runs'], "Option '--runs <value>' argument missing"],
  [['--all=yes'], "Option '--all' does not take an argument"],
  [['--runs', '0'], '--runs takes a whole number from 1 to 100, not "0"'],
  [['--runs', '1.5'], '--runs takes a whole number from 1 to 100, not "1.5"'],
  [['--runs', '1e9'], '--runs takes a whole number from 1 to 100, not "1e9"'],
  [['--runs='], '--runs takes a whole number from 1 to 100, not ""'],
  [['--rate', 'fast'], '--rate takes a number from 0.5 to 2, not "fast"'],
  [['--rate', '2.01'], '--rate takes a number from 0.5 to 2, not "2.01"'],
  [['--scenario', 'c'], '--scenario takes a, b, not "c"'],
  [['--only', 'x,w'], '--only takes some of x, y, z, not ["x,w"]'],
  [['--seed', '4294967296'], '--seed takes a whole number from 0 to 4294967295, not "4294967296"'],
])('optionsOf(%j) is refused: %s', (args, message) => {
  const error = ((): unknown => {
    try {
      return optionsOf(args, OPTIONS)
    } catch (thrown) {
      return thrown
    }
  })()
  expect(error).toBeInstanceOf(UsageError)
  expect(error).toMatchObject({ message, code: 'E_USAGE' })
})

it('helpOf() has a line for each option, with its default', () => {
  expect(helpOf({ name: 'try', what: 'tries things', options: OPTIONS }).split('\n')).toEqual([
    'npm run try -- [options]: tries things',
    '',
    '  --all            all of it',
    '  --runs N         how many (default 10)',
    '  --rate N         how fast (default 1.5)',
    '  --scenario a|b   which (default a)',
    '  --only x|y|z     some',
    '  --seed N         seed of all chance (default 1)',
    '',
  ])
})

/** The named commands: scripts that are a file of ours, but for those that set up or format. */
const commands = Object.entries(
  (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> }).scripts,
)
  .filter(([name, script]) => script.startsWith('node ') && !name.startsWith('pre') && name !== 'ok')
  .map(([name, script]) => [name, script.split(' ').slice(1)] as const)

const run = (script: readonly string[], args: readonly string[]): Promise<{ code: unknown; stdout: string; stderr: string }> =>
  new Promise((resolve) =>
    execFile(process.execPath, [...script, ...args], { cwd: root }, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, stdout, stderr }),
    ),
  )

it.concurrent.each(commands)(
  'npm run %s refuses an option that it does not have: one sentence, its help, one JSON object, exit code 2',
  async (name, script) => {
    const { code, stdout, stderr } = await run(script, ['--no-such-option'])
    expect(code).toBe(2)
    expect(JSON.parse(stdout.trim().split('\n').at(-1) ?? '')).toEqual({
      ok: false,
      error: "Unknown option '--no-such-option'",
      code: 'E_USAGE',
    })
    expect(stderr.split('\n').slice(0, 3)).toEqual([
      `${name}: Unknown option '--no-such-option'`,
      '',
      expect.stringMatching(`^npm run ${name} -- \\[options\\]: `),
    ])
    expect(stderr).not.toContain('    at ')
  },
  60_000,
)

it('the named commands are all here', () => {
  expect(commands.map(([name]) => name)).toEqual(
    expect.arrayContaining(['bench', 'soak', 'sim:contract', 'sim:reputation', 'torture:faults', 'torture:ledger', 'fuzz:contracts']),
  )
})
