import { createHash } from 'node:crypto'
import { systemClock, utf8 } from '@haggle/wire'
import { it } from 'vitest'
import { type MemoryJob, memoryJobHost } from './memory_host.ts'
import { testJobHost } from './testing.ts'

const sha256 = (data: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(data).digest())

async function program(job: MemoryJob): Promise<number> {
  const [name, arg = ''] = job.spec.args
  switch (name) {
    case 'say':
      job.write('stdout', arg)
      return 0
    case 'cat':
      for await (const chunk of job.stdin) job.write('stdout', chunk)
      return 0
    case 'fail':
      job.write('stderr', 'oops')
      return Number(arg)
    case 'forever':
      job.write('stdout', 'ready')
      await new Promise((resolve) => job.signal.addEventListener('abort', resolve))
      return 0
    case 'flood':
      for (let left = Number(arg); left > 0; left -= 65536) job.write('stdout', 'x'.repeat(Math.min(left, 65536)))
      return 0
    case 'result':
      job.folder.set('out/result.txt', utf8(arg)).set('beside.txt', utf8(arg))
      return 0
    case 'show':
      job.write('stdout', job.folder.get(arg) ?? '')
      return 0
    default:
      throw new Error(`no program ${name}`)
  }
}

testJobHost(
  'memoryJobHost()',
  async () => {
    const host = memoryJobHost({ run: program, clock: systemClock(), sha256 })
    return {
      host,
      files: host.files,
      isolation: 'memory',
      sha256,
      spec: (name, ...args) => ({ runner: 'exec', args: [name, ...args] }),
      close: async () => {},
    }
  },
  { it },
)
