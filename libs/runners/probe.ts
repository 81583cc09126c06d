// Which runners work on this machine, tried once for real, and what to do about the others.

import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'
import { runtimeRules } from './deno_runner.ts'
import { keptCommand, landlockQuery } from './keeper.ts'
import type { Enforcement } from './launcher_protocol.ts'
import type { HostFacts, Isolation } from './runner.ts'
import { filterArch } from './seccomp.ts'

const run = promisify(execFile)
/** bubblewrap takes 6 ms; a machine that needs this long for it is not ready for jobs. */
const PROBE_TIMEOUT_MS = 10_000

/** What works here. */
export interface SandboxReport {
  readonly runners: readonly { readonly runner: string; readonly isolation: Isolation }[]
  /** What does not, why, and the command that would change it (null: nothing does). */
  readonly missing: readonly {
    readonly runner: string
    readonly isolation: Isolation
    readonly reason: string
    readonly next: string | null
  }[]
  readonly enforces: Enforcement
  /** True when the kernel keeps a `deno` job without a sandbox to its folder (Landlock). */
  readonly landlock: boolean
}

/** Runs bubblewrap once with the namespaces that jobs get, starts Deno as jobs without it start, and asks the kernel for Landlock. */
export async function probeSandbox({ facts, enforces }: { facts: HostFacts; enforces: Enforcement }): Promise<SandboxReport> {
  const [bubblewrap, keeper, landlock] = await Promise.all([probeBubblewrap(facts), probeKeeper(facts), probeLandlock(facts)])
  const deno = facts.deno === null ? { reason: 'the Deno binary is not installed', next: 'npm install deno' } : null
  const wanted: readonly { runner: string; isolation: Isolation; why: { reason: string; next: string | null } | null }[] = [
    { runner: 'deno', isolation: 'bubblewrap', why: deno ?? bubblewrap },
    { runner: 'deno', isolation: 'permissions', why: deno ?? keeper },
    { runner: 'exec', isolation: 'bubblewrap', why: bubblewrap },
  ]
  return {
    runners: wanted.flatMap(({ runner, isolation, why }) => (why === null ? [{ runner, isolation }] : [])),
    missing: wanted.flatMap(({ runner, isolation, why }) => (why === null ? [] : [{ runner, isolation, ...why }])),
    enforces,
    landlock,
  }
}

/** Starts Deno as a job without a sandbox starts, but for its folder. */
async function probeKeeper(facts: HostFacts): Promise<{ reason: string; next: string | null } | null> {
  const { keeper, deno } = facts
  if (deno === null) return null
  if (keeper === null) return { reason: 'Perl is not installed', next: installCommand('perl') }
  const [command = '', ...args] = keptCommand({ tool: keeper, rules: runtimeRules(facts, deno) }, [deno, '--version'], { env: false })
  return await run(command, args, { timeout: PROBE_TIMEOUT_MS, env: { DENO_DIR: '/dev/null/deno', HOME: '/nonexistent' } }).then(
    () => null,
    (error: unknown) => ({ reason: `Deno does not start without a sandbox: ${lastLine(error)}`, next: null }),
  )
}

async function probeLandlock({ keeper }: HostFacts): Promise<boolean> {
  const [command, ...args] = (keeper === null ? null : landlockQuery(keeper)) ?? []
  if (command === undefined) return false
  return await run(command, args, { timeout: PROBE_TIMEOUT_MS }).then(
    ({ stdout }) => Number(stdout) >= 1,
    () => false, // A Perl that does not run: the keeper's own trial says so.
  )
}

function lastLine(error: unknown): string {
  return (
    String((error as { stderr?: unknown }).stderr ?? error)
      .trim()
      .split('\n')
      .at(-1) ?? ''
  )
}

async function probeBubblewrap(facts: HostFacts): Promise<{ reason: string; next: string | null } | null> {
  if (process.platform !== 'linux') return { reason: `bubblewrap is for Linux, this is ${process.platform}`, next: null }
  if (filterArch(process.arch) === null) return { reason: `there is no system call filter for ${process.arch} processors yet`, next: null }
  if (facts.bwrap === null) return { reason: 'bubblewrap is not installed', next: installCommand('bubblewrap') }
  const system = facts.folders.flatMap((path) => ['--ro-bind', path, path])
  const links = facts.links.flatMap(({ path, target }) => ['--symlink', target, path])
  const options = [
    '--unshare-all',
    '--unshare-user',
    '--uid',
    '65534',
    '--gid',
    '65534',
    '--disable-userns',
    '--cap-drop',
    'ALL',
    ...system,
    ...links,
  ]
  try {
    await run(facts.bwrap, [...options, '--proc', '/proc', '--dev', '/dev', '--', 'true'], { timeout: PROBE_TIMEOUT_MS })
    return null
  } catch (error) {
    return explain(String((error as { stderr?: unknown }).stderr ?? error))
  }
}

/** What bubblewrap's own words mean for the owner. Exported for its test on recorded words. */
export function explain(stderr: string): { reason: string; next: string | null } {
  const words = stderr.trim().split('\n').at(-1) ?? ''
  if (/Unknown option --disable-userns/.test(stderr)) {
    return { reason: 'this bubblewrap is older than 0.8 and can not forbid nested namespaces', next: installCommand('bubblewrap') }
  }
  if (
    /Creating new namespace failed|No permissions to create(?: a)? new namespace|setting up uid map|loopback: Failed RTM_NEWADDR/.test(
      stderr,
    )
  ) {
    const apparmor = existsSync('/proc/sys/kernel/apparmor_restrict_unprivileged_userns')
    const next = apparmor
      ? 'sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0'
      : 'sudo sysctl kernel.unprivileged_userns_clone=1 user.max_user_namespaces=15000'
    return { reason: `this system forbids user namespaces to your user (${words})`, next }
  }
  if (/Can't mount proc/.test(stderr))
    return { reason: 'this is a container that hides parts of /proc, where no namespaces can be nested', next: null }
  return { reason: `bubblewrap fails: ${words}`, next: null }
}

function installCommand(packageName: string): string {
  const tool = ['/usr/bin/apt-get', '/usr/bin/dnf', '/usr/bin/pacman', '/sbin/apk'].find((path) => existsSync(path))
  const install = tool?.endsWith('dnf')
    ? 'dnf install'
    : tool?.endsWith('pacman')
      ? 'pacman -S'
      : tool?.endsWith('apk')
        ? 'apk add'
        : 'apt-get install'
  return `${process.getuid?.() === 0 ? '' : 'sudo '}${install} ${packageName}`
}
