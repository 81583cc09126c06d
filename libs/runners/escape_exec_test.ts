// What a hostile exec job tries, each attack shown to work when its defence is off.

import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Bench, type BenchJob, type BenchResult, withBench } from './_test_bench.ts'
import { noSandbox, titleOf } from './_test_machine.ts'
import type { Defences } from './runner.ts'

const why = noSandbox()

/** An attack, run with all defences and again with some off. */
interface Attack {
  readonly name: string
  /** What the job tries, and for how many seconds it holds what it took before it says so. May prepare the provider's side first. */
  readonly attempt: (bench: Bench, holdS: string) => Promise<BenchResult>
  /** True when the attack got what it wanted. */
  readonly succeeded: (result: BenchResult) => boolean
  /** The defences that together stop it; one is enough. */
  readonly off: Defences
  /** Off without cgroups: another defence takes their place. */
  readonly useCgroups?: boolean
  /** Why the attack can't be shown on this machine even without defences; null when it can. */
  readonly needs?: () => string | null
}

const MARK = 'haggle-escape-mark'
/** Seconds in which a defence that looks now and then must have looked, however busy the machine; it ends the job long before. */
const HOLD_S = '15'
/** Without the defence nobody is waited for. */
const NO_HOLD_S = '0.2'
/** Numbers of system calls that perl has no words for. */
const CALL = process.arch === 'x64' ? { read: 0, mmap: 9, exit: 60, memfd: 319 } : { read: 63, mmap: 222, exit: 93, memfd: 279 }
/** Makes a file that is memory and opens it as `$m`. */
const MEMFD = `my $n = "m"; my $fd = syscall(${CALL.memfd}, $n, 0); open my $m, '+>&=', $fd or die`
/** Has a thread do something once the first thread of its process has ended, which is what the kernel shows of a process. */
const asThread = (script: string): readonly string[] => [
  'perl',
  '-Mthreads',
  '-e',
  `$| = 1; threads->create(sub { select undef, undef, undef, 0.1; ${script} }); syscall(${CALL.exit}, 0)`,
]
const noThreads = (): string | null => (spawnSync('perl', ['-Mthreads', '-e', '']).status === 0 ? null : 'this perl has no threads')
const VSOCK = `use Socket; print "${MARK}" if socket(my $s, 40, 1, 0)`
const says =
  (text: string) =>
  ({ stdout }: BenchResult): boolean =>
    stdout.includes(text)

/** A secret file in the provider's home, as a key would be. */
function keyFile(bench: Bench): string {
  const folder = join(bench.home, 'keys')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  writeFileSync(join(folder, 'identity.key'), MARK, { mode: 0o600 })
  return join(folder, 'identity.key')
}

/** Runs `use` with a server on the provider's loopback that says the mark to whoever connects. */
async function withServer<T>(use: (port: number) => Promise<T>): Promise<T> {
  const server = createServer((socket) => socket.on('error', () => {}).end(MARK))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    const address = server.address()
    return await use(typeof address === 'object' && address !== null ? address.port : 0)
  } finally {
    server.close()
  }
}

const small: BenchJob = { limits: { memMiB: 64, diskMiB: 8, pids: 16 } }

const ATTACKS: readonly Attack[] = [
  {
    name: "reaching a service on the provider's loopback",
    attempt: (bench) =>
      withServer((port) => bench.exec(['bash', '-c', `exec 3<>/dev/tcp/127.0.0.1/${port}; cat <&3`]).then((id) => bench.end(id))),
    succeeded: says(MARK),
    off: { network: false },
  },
  {
    name: "seeing the machine's network interfaces",
    attempt: (bench) => bench.sh('cat /proc/net/dev'),
    succeeded: ({ stdout }) => stdout.split('\n').filter((line) => line.includes(':')).length > 1,
    off: { network: false },
  },
  {
    name: "reading the launcher's environment",
    attempt: (bench) => bench.sh('env'),
    // The test runner sets it in this process, where the launcher is.
    succeeded: says('VITEST='),
    off: { environment: false },
  },
  {
    name: "reading the node's key",
    attempt: (bench) => bench.sh(`cat ${keyFile(bench)}`),
    succeeded: says(MARK),
    off: { files: false },
  },
  {
    name: 'writing outside its folder',
    attempt: (bench) => bench.sh(`echo x > ${bench.home}/planted && echo ${MARK}`),
    succeeded: says(MARK),
    off: { files: false },
  },
  {
    name: 'changing the system that later jobs see',
    attempt: (bench) =>
      bench.sh(
        `for at in / /usr /usr/bin /etc /dev /lib; do touch $at/haggle-planted && echo ${MARK} && rm $at/haggle-planted; done 2>/dev/null`,
      ),
    succeeded: says(MARK),
    off: { files: false },
    needs: () => (process.getuid?.() === 0 ? null : 'only root may write there anyway'),
  },
  {
    name: "reading another job's folder",
    attempt: async (bench) => {
      const other = await bench.sh(`echo ${MARK} > secret`)
      return bench.sh(`cat ${bench.host.folder(other.id)}/secret ../*/work/secret ../../*/work/secret`)
    },
    succeeded: says(MARK),
    off: { files: false },
  },
  {
    name: 'giving a file of the provider another name',
    attempt: (bench) => bench.sh(`ln ${keyFile(bench)} ${bench.home}/link && cat ${bench.home}/link`),
    succeeded: says(MARK),
    off: { files: false },
  },
  {
    name: "finding the provider's processes",
    attempt: (bench) =>
      bench.sh(`test -e /proc/${process.pid}/status && grep -q "^Pid:.*${process.pid}$" /proc/${process.pid}/status && echo ${MARK}`),
    succeeded: says(MARK),
    off: { processes: false },
  },
  {
    name: 'making a user namespace of its own',
    attempt: (bench) => bench.sh(`unshare --user --map-root-user echo ${MARK}`),
    succeeded: says(MARK),
    off: { namespaces: false, seccomp: false },
  },
  {
    name: "reaching the keys of the provider's session",
    // keyctl(KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, create)
    attempt: (bench) =>
      bench
        .exec(['perl', '-e', `print "${MARK}" if syscall(${process.arch === 'x64' ? 250 : 219}, 0, -3, 1) != -1`])
        .then((id) => bench.end(id)),
    succeeded: says(MARK),
    off: { seccomp: false },
  },
  {
    name: 'tracing a process',
    attempt: (bench) =>
      bench
        .exec(['perl', '-e', `print "${MARK}" if syscall(${process.arch === 'x64' ? 101 : 117}, 0, 0, 0, 0) == 0`])
        .then((id) => bench.end(id)),
    succeeded: says(MARK),
    off: { seccomp: false },
  },
  {
    name: 'opening a socket to the host of this virtual machine',
    // AF_VSOCK, the way to the host of a virtual machine, which no network namespace contains.
    attempt: (bench) => bench.exec(['perl', '-e', VSOCK]).then((id) => bench.end(id)),
    succeeded: says(MARK),
    off: { seccomp: false },
    needs: () => (spawnSync('perl', ['-e', VSOCK]).stdout.toString() === MARK ? null : 'this kernel has no such socket'),
  },
  {
    name: 'making more processes than it may',
    attempt: (bench, holdS) => bench.sh(`i=0; while [ $i -lt 100 ]; do sleep 30 & i=$((i+1)); done; sleep ${holdS}; echo ${MARK}`, small),
    succeeded: says(MARK),
    off: { pids: false },
  },
  {
    name: 'making more processes than it may, where there are no cgroups',
    attempt: (bench, holdS) => bench.sh(`i=0; while [ $i -lt 100 ]; do sleep 30 & i=$((i+1)); done; sleep ${holdS}; echo ${MARK}`, small),
    succeeded: says(MARK),
    off: { pids: false },
    useCgroups: false,
  },
  {
    name: 'taking more memory than it may',
    attempt: (bench) => bench.exec(['perl', '-e', `my $x = "x" x 200_000_000; print "${MARK}"`], small).then((id) => bench.end(id)),
    succeeded: says(MARK),
    off: { memory: false },
  },
  {
    name: 'taking more memory than it may, where there are no cgroups',
    attempt: (bench, holdS) =>
      bench
        .exec(
          ['perl', '-e', `my @x; for (1..10) { push @x, "x" x 20_000_000 } select undef, undef, undef, ${holdS}; print "${MARK}"`],
          small,
        )
        .then((id) => bench.end(id)),
    succeeded: says(MARK),
    off: { memory: false },
    useCgroups: false,
  },
  {
    name: 'hiding its memory in many processes, where there are no cgroups',
    attempt: (bench, holdS) =>
      bench.sh(
        `for i in 1 2 3 4 5 6; do perl -e 'my $x = "x" x 30_000_000; select undef, undef, undef, ${holdS}' & done; wait; echo ${MARK}`,
        small,
      ),
    succeeded: says(MARK),
    off: { memory: false },
    useCgroups: false,
  },
  {
    name: 'hiding its memory behind a thread that ended, where there are no cgroups',
    attempt: (bench, holdS) =>
      bench
        .exec(
          asThread(`my @x; for (1..10) { push @x, "x" x 20_000_000 } select undef, undef, undef, ${holdS}; print "${MARK}"; kill 9, $$`),
          small,
        )
        .then((id) => bench.end(id)),
    succeeded: says(MARK),
    off: { memory: false },
    useCgroups: false,
    needs: noThreads,
  },
  {
    name: 'filling the disk with deleted files behind a thread that ended',
    attempt: (bench, holdS) =>
      bench
        .exec(
          asThread(
            `my @f; for my $i (1..8) { open $f[$i], '>', "big$i"; unlink "big$i"; print {$f[$i]} "x" x 5_000_000; } select undef, undef, undef, ${holdS}; print "${MARK}"; kill 9, $$`,
          ),
          small,
        )
        .then((id) => bench.end(id)),
    succeeded: says(MARK),
    off: { disk: false },
    needs: noThreads,
  },
  {
    name: 'hiding deleted files among more open files than anyone looks at',
    attempt: (bench, holdS) =>
      bench
        .exec(
          ['perl', '-e', `use POSIX; for (1..8) { fork; } POSIX::dup(1) for 1..500; select undef, undef, undef, ${holdS}; print "${MARK}"`],
          { limits: { memMiB: 1024, diskMiB: 8, pids: 300 } },
        )
        .then((id) => bench.end(id)),
    succeeded: says(MARK),
    off: { disk: false },
  },
  {
    name: 'taking more memory than it may as files that are mapped nowhere, where there are no cgroups',
    attempt: (bench, holdS) =>
      bench
        .exec(
          [
            'perl',
            '-e',
            `my @held; for (1..40) { ${MEMFD}; print $m "x" x 5_000_000; push @held, $m } select undef, undef, undef, ${holdS}; print "${MARK}"`,
          ],
          small,
        )
        .then((id) => bench.end(id)),
    succeeded: says(MARK),
    off: { memory: false },
    useCgroups: false,
  },
  {
    name: 'taking more memory than it may as a segment that nobody has attached, where there are no cgroups',
    attempt: (bench) =>
      bench.exec(['perl', '-e', `print "${MARK}" if defined shmget(0, 200_000_000, 0600)`], small).then((id) => bench.end(id)),
    succeeded: says(MARK),
    off: { seccomp: false },
    useCgroups: false,
  },
  {
    name: 'filling the disk with one file',
    attempt: (bench) => bench.sh(`head -c 30000000 /dev/zero > big && echo ${MARK}`, small),
    succeeded: says(MARK),
    off: { disk: false },
  },
  {
    name: 'filling the disk with many files',
    attempt: (bench, holdS) =>
      bench.sh(`for i in 1 2 3 4 5 6 7 8; do head -c 5000000 /dev/zero > big$i; done; sleep ${holdS}; echo ${MARK}`, small),
    succeeded: says(MARK),
    off: { disk: false },
  },
  {
    name: 'filling the disk with files that it deleted',
    attempt: (bench, holdS) =>
      bench
        .exec(
          [
            'perl',
            '-e',
            `my @f; for my $i (1..8) { open $f[$i], '>', "big$i"; unlink "big$i"; print {$f[$i]} "x" x 5_000_000; } select undef, undef, undef, ${holdS}; print "${MARK}"`,
          ],
          small,
        )
        .then((id) => bench.end(id)),
    succeeded: says(MARK),
    off: { disk: false },
  },
  {
    name: 'filling the disk deeper than a path may be long',
    attempt: (bench, holdS) =>
      bench
        .exec(
          [
            'perl',
            '-e',
            `for (1..17) { mkdir "d" x 250; chdir "d" x 250 or die } for (1..8) { open my $f, '>', "f$_"; print $f "x" x 5_000_000 } select undef, undef, undef, ${holdS}; print "${MARK}"`,
          ],
          small,
        )
        .then((id) => bench.end(id)),
    succeeded: says(MARK),
    off: { disk: false },
  },
  {
    name: 'filling the disk under names that are no text',
    attempt: (bench, holdS) =>
      bench
        .exec(
          [
            'perl',
            '-e',
            `for (1..8) { open my $f, '>', "\\xff$_"; print $f "x" x 5_000_000 } select undef, undef, undef, ${holdS}; print "${MARK}"`,
          ],
          small,
        )
        .then((id) => bench.end(id)),
    succeeded: says(MARK),
    off: { disk: false },
  },
  {
    name: 'filling the disk with names of files',
    attempt: (bench, holdS) =>
      bench
        .exec(['perl', '-e', `for (1..6000) { open my $f, '>', "f$_" } select undef, undef, undef, ${holdS}; print "${MARK}"`], small)
        .then((id) => bench.end(id)),
    succeeded: says(MARK),
    off: { disk: false },
  },
  {
    name: 'writing more than it may say',
    attempt: (bench) => bench.sh('head -c 3000000 /dev/zero', { limits: { outMiB: 1 } }),
    succeeded: ({ stdout }) => stdout.length > 1024 * 1024,
    off: { output: false },
  },
  {
    name: 'running longer than it may',
    attempt: (bench, holdS) => bench.sh(`sleep 0.3; sleep ${holdS}; echo ${MARK}`, { limits: { maxMs: 200 } }),
    succeeded: says(MARK),
    off: { time: false },
  },
]

const LIMIT_OF: Readonly<Record<string, string>> = { pids: 'pids', memory: 'memory', disk: 'disk', output: 'output', time: 'time' }

describe.skipIf(why !== null)(titleOf('exec escapes', why), { timeout: 60_000 }, () => {
  for (const { name, attempt, succeeded, off, useCgroups = true, needs = () => null } of ATTACKS) {
    const reason = needs()
    it(`exec stops a job from ${name}`, async () => {
      const result = await withBench({ useCgroups }, (bench) => attempt(bench, HOLD_S))
      expect(succeeded(result), result.stdout).toBe(false)
      const limit = LIMIT_OF[Object.keys(off)[0] ?? '']
      // Where an rlimit keeps the processes down, the shell itself says that it can't fork.
      if (limit === 'pids' && result.exit.kind === 'exit') expect(result.stderr).toContain('Cannot fork')
      else if (limit !== undefined) expect(result.exit).toEqual({ kind: 'limit', limit })
    })

    it.skipIf(reason !== null)(
      titleOf(`exec does not stop a job from ${name} when ${Object.keys(off).join(' and ')} is off`, reason),
      async () => {
        const result = await withBench({ defences: off, useCgroups }, (bench) => attempt(bench, NO_HOLD_S))
        expect(succeeded(result), `${JSON.stringify(result.exit)} ${result.stderr}`).toBe(true)
      },
    )
  }

  it('exec has two layers against nested namespaces: either one is enough', async () => {
    for (const defences of [{ namespaces: false }, { seccomp: false }]) {
      const { stdout } = await withBench({ defences }, (bench) => bench.sh(`unshare --user --map-root-user echo ${MARK}`))
      expect(stdout).toBe('')
    }
  })

  it('exec gives a job no capability and no way to new privileges', async () => {
    const { stdout } = await withBench({}, (bench) => bench.sh('id -u; grep -E "^(CapEff|CapBnd|NoNewPrivs|Seccomp):" /proc/self/status'))
    expect(stdout).toBe('65534\nCapEff:\t0000000000000000\nCapBnd:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\n')
  })

  it('exec gives a job pipes that it can open by name, as a shell does', async () => {
    const { stdout, stderr } = await withBench({}, (bench) => bench.sh('echo out > /dev/stdout; echo err > /dev/stderr'))
    expect([stdout, stderr]).toEqual(['out\n', 'err\n'])
  })

  it('exec bounds what /tmp and /dev/shm hold', async () => {
    const { stdout } = await withBench({}, (bench) =>
      bench.sh('for at in /tmp /dev/shm; do head -c 90000000 /dev/zero > $at/big 2>/dev/null || echo full $at; rm $at/big; done', {
        limits: { memMiB: 256, diskMiB: 64 },
      }),
    )
    expect(stdout).toBe('full /tmp\nfull /dev/shm\n')
  })

  it('exec counts memory once that processes share, where there are no cgroups', async () => {
    // Two processes have the same 40 MiB mapped and touched, under a limit of 64.
    const map = `my $at = syscall(${CALL.mmap}, 0, 40 << 20, 3, 1, $fd, 0); open my $z, '<', '/dev/zero'; syscall(${CALL.read}, fileno $z, $at, 40 << 20) == 40 << 20 or die`
    const script = `${MEMFD}; truncate $m, 40 << 20; fork; ${map}; select undef, undef, undef, 0.5; print "fine\n"; wait`
    const { exit, stdout } = await withBench({ useCgroups: false }, (bench) =>
      bench.exec(['perl', '-e', script], { limits: { memMiB: 64, pids: 16 } }).then((id) => bench.end(id)),
    )
    expect([exit, stdout]).toEqual([{ kind: 'exit', code: 0 }, 'fine\nfine\n'])
  })

  it('exec leaves no process behind when a job hides one from its own end', async () => {
    const seconds = String(100_000 + (process.pid % 10_000))
    const left = await withBench({}, async (bench) => {
      await bench.sh(`setsid sleep ${seconds} > /dev/null 2>&1 & sleep 0.1`)
      return processesWith(`sleep\0${seconds}`)
    })
    expect(left).toEqual([])
  })

  it('exec serves other jobs while one misbehaves in every way', async () => {
    await withBench({}, async (bench) => {
      const bad = await Promise.all([
        bench.exec(['sh', '-c', 'while :; do sleep 100 & done'], { limits: { ...small.limits, maxMs: 2000 } }),
        bench.exec(['sh', '-c', 'yes'], { limits: { outMiB: 32 } }),
        bench.exec(['perl', '-e', 'my @x; push @x, "x" x 1_000_000 while 1'], small),
        bench.exec(['sh', '-c', 'i=0; while :; do i=$((i+1)); echo x > f$i; done'], small),
      ])
      for (let round = 0; round < 3; round++) expect((await bench.sh('echo fine')).stdout).toBe('fine\n')
      expect(await bench.host.list()).toHaveLength(7)
      await Promise.all(bad.map((id) => bench.host.kill(id, 'enough')))
    })
  })

  it('exec says which command it did not find', async () => {
    const result = await withBench({}, async (bench) => bench.end(await bench.exec(['haggle-no-such-command'])))
    expect(result.exit).toEqual({ kind: 'exit', code: 127 })
    expect(result.stderr).toContain('haggle-no-such-command')
  })
})

function processesWith(commandLine: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(commandLine)
    } catch {
      return false // It ended while we looked.
    }
  })
}
