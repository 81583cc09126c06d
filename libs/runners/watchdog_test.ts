// Counting and deleting what a hostile job leaves, and a watch that never ends by itself. Attacks with real jobs are in escape_exec_test.ts.

import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { noOwner, noSandbox, runAsOwner, titleOf } from './_test_machine.ts'
import { folderBytes } from './folder_bytes.ts'
import { removeFolder } from './remove_folder.ts'
import { watchJob } from './watchdog.ts'

const MiB = 1024 * 1024
const whyOwner = noOwner()
let folder = ''

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'haggle-watch-'))
})
afterEach(() => execFileSync('sh', ['-c', 'chmod -R u+rwx "$0" 2>/dev/null; rm -rf "$0"', folder]))

/** What perl does in the folder. */
function perl(script: string, at = folder): void {
  execFileSync('perl', ['-e', script], { cwd: at })
}

/** A file of a MiB in a folder that goes deeper than a path may be long. */
const deep = (mode: string): string =>
  `for (1..40) { mkdir "d" x 250; chdir "d" x 250 or die } open my $f, '>', 'big'; print $f "x" x ${MiB}; for (1..40) { chmod ${mode}, '.'; chdir '..' }`

describe('folderBytes()', () => {
  it('folderBytes() counts files whose names are no text', async () => {
    perl(`mkdir "\\xf0"; open my $f, '>', "\\xf0/\\xff\\xfe"; print $f "x" x ${MiB}`)
    expect(await folderBytes(folder, 100)).toBeGreaterThanOrEqual(MiB)
  })

  it('folderBytes() counts a file with two names once, and follows no link', async () => {
    perl(`open my $f, '>', 'a'; print $f "x" x ${MiB}; link 'a', 'b'; symlink '/usr', 'usr'`)
    expect(await folderBytes(folder, 100)).toBeLessThan(1.5 * MiB)
  })

  it('folderBytes() is infinite for paths that are too long and for too many entries', async () => {
    writeFileSync(join(folder, 'a'), '')
    writeFileSync(join(folder, 'b'), '')
    expect(await folderBytes(folder, 1)).toBe(Infinity)
    perl(deep('0700'))
    expect(await folderBytes(folder, 100)).toBe(Infinity)
  })

  it('folderBytes() counts nothing where there is nothing', async () => {
    expect(await folderBytes(join(folder, 'none'), 1)).toBe(0)
  })
})

describe.skipIf(whyOwner !== null)(titleOf('what is closed to the provider', whyOwner), () => {
  it('folderBytes() counts a folder that its owner may not read', async () => {
    const source = `import { chmodSync, readdirSync } from 'node:fs'
import { folderBytes } from './folder_bytes.ts'
const folder = ${JSON.stringify(folder)}
const counted = []
for (const mode of [0, 0o100, 0o200, 0o300, 0o400, 0o600]) {
  chmodSync(folder + '/out/in', mode); chmodSync(folder + '/out', mode)
  counted.push(await folderBytes(folder, 100))
}
console.log(JSON.stringify(counted))`
    mkdirSync(join(folder, 'out', 'in'), { recursive: true })
    writeFileSync(join(folder, 'out', 'in', 'big'), Buffer.alloc(MiB))
    const whole = await folderBytes(folder, 100)
    expect(await runAsOwner(source)).toEqual(Array.from({ length: 6 }, () => whole))
  })

  it('letOwnerIn() opens nothing that a link leads to', async () => {
    const source = `import { statSync } from 'node:fs'
import { letOwnerIn } from './owner_rights.ts'
const [folder, outside] = ${JSON.stringify([join(folder, 'work'), join(folder, 'outside')])}
const codes = [['away'], ['away', 'in']].map((parts) => { try { letOwnerIn(folder, parts, 0o700); return null } catch (error) { return error.code } })
console.log(JSON.stringify([codes, statSync(outside).mode & 0o777]))`
    mkdirSync(join(folder, 'work'))
    mkdirSync(join(folder, 'outside'), { mode: 0o100 })
    symlinkSync('../outside', join(folder, 'work', 'away'))
    expect(await runAsOwner(source)).toEqual([['ENOTDIR', 'ENOTDIR'], 0o100])
  })

  it('removeFolder() deletes closed folders, however deep, where a plain removal does not, and nothing that a link leads to', async () => {
    const [work, outside] = [join(folder, 'work'), join(folder, 'outside')]
    mkdirSync(work)
    mkdirSync(outside)
    writeFileSync(join(outside, 'kept'), '')
    perl(`symlink '../outside', 'away'; mkdir 'deep-0'; mkdir "\\xff"; chmod 0500, "\\xff"; ${deep('0')}`, work)
    const source = `import { rmSync } from 'node:fs'
import { removeFolder } from './remove_folder.ts'
const work = ${JSON.stringify(work)}
let code = null
try { rmSync(work, { recursive: true, force: true }) } catch (error) { code = error.code }
removeFolder(work)
console.log(JSON.stringify(code))`
    expect(await runAsOwner(source)).toBe('EACCES')
    expect([existsSync(work), existsSync(join(outside, 'kept'))]).toEqual([false, true])
  })

  it('HiddenProcesses finds a process that no other user but root may look into, and no other', async () => {
    const source = `import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { HiddenProcesses } from './held_bytes.ts'
if (process.getuid() === 0) { process.setgroups([]); process.setgid(65534); process.setuid(65534) }
const found = []
// prctl(PR_SET_DUMPABLE, 0)
for (const hide of ['', 'syscall(${process.arch === 'x64' ? 157 : 167}, 4, 0, 0, 0, 0);']) {
  const child = spawn('perl', ['-e', '$| = 1; ' + hide + 'print "ready"; sleep 60'], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  const [hidden, own] = [new HiddenProcesses(), new HiddenProcesses()]
  const until = performance.now() + 1500
  while (performance.now() < until && !hidden.look([child.pid], 0) && !own.look([child.pid], child.pid)) await new Promise((resolve) => setTimeout(resolve, 50))
  found.push([hidden.look([child.pid], 0), own.look([child.pid], child.pid)])
  child.kill('SIGKILL')
}
console.log(JSON.stringify(found))`
    expect(await runAsOwner(source)).toEqual([
      [false, false],
      [true, false],
    ])
  })

  it.skipIf(noSandbox() !== null)(
    'a job that hides files in a closed folder is ended for its disk and leaves nothing, and not when disk is off',
    async () => {
      const source = `import { existsSync } from 'node:fs'
import { withBench } from './_test_bench.ts'
const hide = (bytes, holdS) => \`mkdir d; exec 3> d/a 4> d/b; chmod 0 d; head -c \${bytes} /dev/zero >&3; head -c \${bytes} /dev/zero >&4; sleep \${holdS}; echo mark\`
const run = (defences, holdS) => withBench({ defences }, async (bench) => {
  const results = []
  for (const [bytes, hold] of [[15_000_000, 1], [25_000_000, holdS]]) {
    const { id, exit, stdout } = await bench.sh(hide(bytes, hold), { limits: { diskMiB: 40 } })
    await bench.host.remove(id)
    results.push([exit, stdout, existsSync(bench.host.folder(id))])
  }
  return results
})
console.log(JSON.stringify([await run({}, 15), await run({ disk: false }, 0.2)]))
process.exit()`
      const fits = [{ kind: 'exit', code: 0 }, 'mark\n', false]
      expect(await runAsOwner(source)).toEqual([
        [fits, [{ kind: 'limit', limit: 'disk' }, '', false]],
        [fits, fits],
      ])
    },
  )
})

describe('removeFolder()', () => {
  it('removeFolder() deletes a tree that is deeper than a path may be long', () => {
    perl(deep('0700'))
    removeFolder(folder)
    expect(existsSync(folder)).toBe(false)
  })

  it('removeFolder() is content where there is nothing', () => {
    rmSync(folder, { recursive: true })
    removeFolder(folder)
    mkdirSync(folder)
  })
})

describe('watchJob()', () => {
  it.each([
    ['disk', { diskBytes: MiB, memBytes: null, pids: null }],
    ['memory', { diskBytes: null, memBytes: MiB, pids: 1 }],
    ['pids', { diskBytes: null, memBytes: null, pids: 1 }],
  ] as const)('watchJob() ends the job for %s when it can not look', async (limit, limits) => {
    const over = new Promise((resolve) => {
      const processes = (): number[] => {
        throw new Error('no such file')
      }
      watchJob({ pid: process.pid, folder, processes, ...limits, onOver: resolve })
    })
    expect(await over).toBe(limit)
  })
})
