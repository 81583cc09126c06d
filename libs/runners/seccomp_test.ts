import { describe, expect, it } from 'vitest'
import { type FilterArch, refusedCalls, seccompFilter } from './seccomp.ts'

const AUDIT: Record<FilterArch, number> = { x64: 0xc000003e, arm64: 0xc00000b7 }
const ALLOW = 'allow'

/** Runs the program as the kernel would: struct seccomp_data is number, architecture, instruction pointer, six arguments of 64 bits. */
function run(arch: FilterArch, call: { nr: number; arch?: number; args?: readonly number[] }, segments: 'small' | 'any' = 'any'): string {
  const program = seccompFilter(arch, { segments })
  const code = new DataView(program.buffer)
  const data = new DataView(new ArrayBuffer(64))
  data.setUint32(0, call.nr, true)
  data.setUint32(4, call.arch ?? AUDIT[arch], true)
  call.args?.forEach((value, index) => data.setBigUint64(16 + index * 8, BigInt(value), true))
  let accumulator = 0
  for (let pc = 0; pc < program.length / 8; pc++) {
    const [op, jt, jf, k] = [
      code.getUint16(pc * 8, true),
      code.getUint8(pc * 8 + 2),
      code.getUint8(pc * 8 + 3),
      code.getUint32(pc * 8 + 4, true),
    ]
    if (op === 0x20) accumulator = data.getUint32(k, true)
    else if (op === 0x15) pc += accumulator === k ? jt : jf
    else if (op === 0x25) pc += accumulator > k ? jt : jf
    else if (op === 0x35) pc += accumulator >= k ? jt : jf
    else if (op === 0x45) pc += (accumulator & k) !== 0 ? jt : jf
    else if (op === 0x06) return k === 0x7fff0000 ? ALLOW : k === 0x80000000 ? 'kill' : `errno ${k & 0xffff}`
    else throw new Error(`unknown instruction ${op}`)
  }
  throw new Error('the program ran over its end')
}

describe.each(['x64', 'arm64'] as const)('seccompFilter(%s)', (arch) => {
  const [clone, clone3, socket, ioctl] = arch === 'x64' ? [56, 435, 41, 16] : [220, 435, 198, 29]

  it('seccompFilter() refuses every call of the table', () => {
    for (const [name, nr] of refusedCalls(arch)) expect(`${name} ${run(arch, { nr })}`).toBe(`${name} errno 1`)
  })

  it('seccompFilter() allows what programs live on', () => {
    const calls = arch === 'x64' ? [0, 1, 2, 3, 9, 59, 60, 202, 231, 257] : [56, 57, 63, 64, 93, 98, 221, 222]
    for (const nr of calls) expect(run(arch, { nr })).toBe(ALLOW)
  })

  it('seccompFilter() kills a call of another architecture', () => {
    expect(run(arch, { nr: 1, arch: 0x40000003 })).toBe('kill')
  })

  it('seccompFilter() lets threads be made, and no namespace', () => {
    // The flags of pthread_create in glibc.
    expect(run(arch, { nr: clone, args: [0x003d0f00] })).toBe(ALLOW)
    expect(run(arch, { nr: clone, args: [17] })).toBe(ALLOW)
    for (const flag of [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000, 0x80]) {
      expect(run(arch, { nr: clone, args: [flag | 17] })).toBe('errno 1')
    }
    // CLONE_VM | CLONE_SIGHAND | CLONE_THREAD: open files that its process does not have.
    expect(run(arch, { nr: clone, args: [0x00010900] })).toBe('errno 1')
    expect(run(arch, { nr: clone3 })).toBe('errno 38')
  })

  it('seccompFilter() lets sockets be made that a network namespace contains, and no other', () => {
    for (const family of [1, 2, 10, 16]) expect(run(arch, { nr: socket, args: [family, 1, 0] })).toBe(ALLOW)
    for (const family of [0, 3, 17, 38, 40, 44]) expect(run(arch, { nr: socket, args: [family, 1, 0] })).toBe('errno 97')
  })

  it('seccompFilter() lets System V segments be small where it is told to, and any size elsewhere', () => {
    const shmget = arch === 'x64' ? 29 : 194
    for (const size of [4097, 2 ** 31, 2 ** 32, 2 ** 40 + 56]) {
      expect(run(arch, { nr: shmget, args: [0, size, 0] }, 'small'), `${size}`).toBe('errno 22')
      expect(run(arch, { nr: shmget, args: [0, size, 0] })).toBe(ALLOW)
    }
    for (const size of [0, 56, 4096]) expect(run(arch, { nr: shmget, args: [0, size, 0] }, 'small')).toBe(ALLOW)
    for (const [name, nr] of refusedCalls(arch)) expect(`${name} ${run(arch, { nr }, 'small')}`).toBe(`${name} errno 1`)
  })

  it('seccompFilter() refuses typing into a terminal and allows other requests', () => {
    for (const request of [0x5412, 0x541c]) expect(run(arch, { nr: ioctl, args: [0, request] })).toBe('errno 1')
    for (const request of [0x5401, 0x5413]) expect(run(arch, { nr: ioctl, args: [0, request] })).toBe(ALLOW)
  })
})

it('seccompFilter() has no x32 numbers on x64', () => {
  expect(run('x64', { nr: 0x40000000 + 101 })).toBe('errno 38')
})
