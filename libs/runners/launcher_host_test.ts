import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { testJobHost, type TestProgram } from '@haggle/job/testing'
import { it } from 'vitest'
import { startLauncher } from './mod.ts'

const sha256 = (data: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(data).digest())
const COMMANDS: Record<TestProgram, string> = {
  say: 'printf %s "$1"',
  cat: 'exec cat',
  fail: 'printf oops >&2; exit "$1"',
  forever: 'printf ready; exec sleep 1000',
  flood: 'head -c "$1" /dev/zero | tr "\\0" x',
  result: 'mkdir out; printf %s "$1" > out/result.txt; printf %s "$1" > beside.txt',
  show: 'cat "$1"',
}

testJobHost(
  'startLauncher() with exec',
  async () => {
    const home = mkdtempSync(join(tmpdir(), 'haggle-launcher-'))
    const host = await startLauncher({ home })
    return {
      host,
      files: host.files,
      isolation: 'bubblewrap',
      sha256,
      spec: (program, ...args) => ({ runner: 'exec', args: ['sh', '-c', COMMANDS[program], 'sh', ...args] }),
      async close() {
        await host.shutdown()
        rmSync(home, { recursive: true })
      },
    }
  },
  { it },
)
