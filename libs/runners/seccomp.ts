// The system call filter of every sandbox: a classic BPF program, built here, loaded by bubblewrap.

/** Processors that there is a filter for, by the names of `process.arch`. */
export type FilterArch = 'x64' | 'arm64'

/** System calls that are refused with EPERM: [x86-64 number, arm64 number], -1 where it does not exist. Kernel attack surface that no job needs. */
const REFUSED: Readonly<Record<string, readonly [number, number]>> = {
  // Keys of the provider's session are not in a namespace.
  add_key: [248, 217],
  request_key: [249, 218],
  keyctl: [250, 219],
  // Programs in the kernel, and looking into other processes.
  bpf: [321, 280],
  perf_event_open: [298, 241],
  ptrace: [101, 117],
  process_vm_readv: [310, 270],
  process_vm_writev: [311, 271],
  process_madvise: [440, 440],
  kcmp: [312, 272],
  pidfd_getfd: [438, 438],
  userfaultfd: [323, 282],
  // Pages that count as no process's own.
  memfd_secret: [447, 447],
  io_uring_setup: [425, 425],
  io_uring_enter: [426, 426],
  io_uring_register: [427, 427],
  // File systems and namespaces.
  mount: [165, 40],
  umount2: [166, 39],
  pivot_root: [155, 41],
  chroot: [161, 51],
  open_tree: [428, 428],
  move_mount: [429, 429],
  fsopen: [430, 430],
  fsconfig: [431, 431],
  fsmount: [432, 432],
  fspick: [433, 433],
  mount_setattr: [442, 442],
  open_tree_attr: [467, 467],
  statmount: [457, 457],
  listmount: [458, 458],
  setns: [308, 268],
  unshare: [272, 97],
  name_to_handle_at: [303, 264],
  open_by_handle_at: [304, 265],
  fanotify_init: [300, 262],
  quotactl: [179, 60],
  quotactl_fd: [443, 443],
  // The machine itself.
  kexec_load: [246, 104],
  kexec_file_load: [320, 294],
  init_module: [175, 105],
  finit_module: [313, 273],
  delete_module: [176, 106],
  reboot: [169, 142],
  swapon: [167, 224],
  swapoff: [168, 225],
  acct: [163, 89],
  syslog: [103, 116],
  settimeofday: [164, 170],
  clock_settime: [227, 112],
  clock_adjtime: [305, 266],
  adjtimex: [159, 171],
  lookup_dcookie: [212, 18],
  nfsservctl: [180, 42],
  iopl: [172, -1],
  ioperm: [173, -1],
  modify_ldt: [154, -1],
  uselib: [134, -1],
  ustat: [136, -1],
  sysfs: [139, -1],
  _sysctl: [156, -1],
  vhangup: [153, 58],
  move_pages: [279, 239],
  migrate_pages: [256, 238],
}

/** System calls whose arguments decide. */
const CLONE: readonly [number, number] = [56, 220]
const CLONE3: readonly [number, number] = [435, 435]
/** A thread that does not have its process's open files: what it opens would be seen by nobody who looks at the process. */
const CLONE_THREAD = 0x00010000
const CLONE_FILES = 0x00000400
const SOCKET: readonly [number, number] = [41, 198]
const IOCTL: readonly [number, number] = [16, 29]
const SHMGET: readonly [number, number] = [29, 194]
/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET, NEWTIME. */
const NAMESPACE_FLAGS = 0x00020000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000 | 0x00000080
/** AF_UNIX, AF_INET, AF_INET6, AF_NETLINK: those that a network namespace contains. AF_VSOCK and AF_ALG, for two, it does not. */
const SOCKET_FAMILIES = [1, 2, 10, 16]
/**
 * Octets of a System V segment where no control group counts memory: a segment that nobody has attached is no process's, and can't be looked at from
 * outside. Databases ask for one of this size to know each other by. The kernel makes 4,096 of them at most: 16 MiB.
 */
const SMALL_SEGMENT_BYTES = 4096
/** TIOCSTI and TIOCLINUX: typing into a terminal. */
const TERMINAL_REQUESTS = [0x5412, 0x541c]

/** AUDIT_ARCH_X86_64 and AUDIT_ARCH_AARCH64 of linux/audit.h. */
const AUDIT_ARCH: Readonly<Record<FilterArch, number>> = { x64: 0xc000003e, arm64: 0xc00000b7 }
/** Bit of the x32 numbers, which would name every system call a second time. */
const X32_BIT = 0x40000000

const RET_ALLOW = 0x7fff0000
const RET_KILL = 0x80000000
const EPERM = 1
const EINVAL = 22
const ENOSYS = 38
const EAFNOSUPPORT = 97

/** Offsets in struct seccomp_data: number, architecture, low halves of the first two arguments, high half of the second. */
const DATA_NR = 0
const DATA_ARCH = 4
const DATA_ARG0 = 16
const DATA_ARG1 = 24
const DATA_ARG1_HIGH = 28

/** One BPF instruction: code, jump if true, jump if false, constant. */
type Instruction = readonly [code: number, jt: number, jf: number, k: number]

const load = (offset: number): Instruction => [0x20, 0, 0, offset]
const ret = (value: number): Instruction => [0x06, 0, 0, value]
const errno = (code: number): Instruction => ret(0x00050000 | code)
/** Goes on with the next instruction when equal, else skips `skip`. */
const unlessEqualSkip = (k: number, skip: number): Instruction => [0x15, 0, skip, k]
const ifEqualSkip = (k: number, skip: number): Instruction => [0x15, skip, 0, k]
const unlessAboveSkip = (k: number, skip: number): Instruction => [0x25, 0, skip, k]
const ifAnyBitSkip = (k: number, skip: number): Instruction => [0x45, skip, 0, k]

/**
 * The filter for one processor, as the bytes of `struct sock_filter[]` that `bwrap --seccomp FD` reads.
 *
 * Another architecture's call kills the process, x32 numbers and `clone3` do not exist (glibc then uses `clone`, whose flags can be seen),
 * namespaces, threads with open files of their own, foreign socket families and the calls of the table are refused, everything else is allowed. `segments` says how large a System V
 * segment may be: `small` where no control group counts memory.
 *
 * @example
 * ```ts
 * import { seccompFilter } from "@haggle/runners";
 * import { expect } from "vitest";
 *
 * expect(seccompFilter("x64").length % 8).toBe(0);
 * ```
 */
export function seccompFilter(arch: FilterArch, { segments = 'any' }: { readonly segments?: 'small' | 'any' } = {}): Uint8Array {
  const column = arch === 'x64' ? 0 : 1
  const program: Instruction[] = [load(DATA_ARCH), ifEqualSkip(AUDIT_ARCH[arch], 1), ret(RET_KILL), load(DATA_NR)]
  if (arch === 'x64') program.push([0x35, 0, 1, X32_BIT], errno(ENOSYS))

  program.push(unlessEqualSkip(CLONE3[column], 1), errno(ENOSYS))
  program.push(unlessEqualSkip(CLONE[column], 6), load(DATA_ARG0), ifAnyBitSkip(NAMESPACE_FLAGS, 3))
  program.push(ifAnyBitSkip(CLONE_FILES, 1), ifAnyBitSkip(CLONE_THREAD, 1), ret(RET_ALLOW), errno(EPERM))

  const families = SOCKET_FAMILIES.length
  program.push(unlessEqualSkip(SOCKET[column], families + 3), load(DATA_ARG0))
  SOCKET_FAMILIES.forEach((family, index) => program.push(ifEqualSkip(family, families - index)))
  program.push(errno(EAFNOSUPPORT), ret(RET_ALLOW))

  const requests = TERMINAL_REQUESTS.length
  program.push(unlessEqualSkip(IOCTL[column], requests + 3), load(DATA_ARG1))
  TERMINAL_REQUESTS.forEach((request, index) => program.push(ifEqualSkip(request, requests - index)))
  program.push(ret(RET_ALLOW), errno(EPERM))

  if (segments === 'small') {
    program.push(unlessEqualSkip(SHMGET[column], 6), load(DATA_ARG1_HIGH), unlessEqualSkip(0, 2))
    program.push(load(DATA_ARG1), unlessAboveSkip(SMALL_SEGMENT_BYTES, 1), errno(EINVAL), ret(RET_ALLOW))
  }

  for (const numbers of Object.values(REFUSED)) if (numbers[column] >= 0) program.push(unlessEqualSkip(numbers[column], 1), errno(EPERM))
  program.push(ret(RET_ALLOW))
  return assemble(program)
}

/** A name of `process.arch` as a {@link FilterArch}; null where there is no filter for it: no sandbox is offered there. */
export function filterArch(arch: string): FilterArch | null {
  return arch === 'x64' || arch === 'arm64' ? arch : null
}

/** Names and numbers of the calls that are refused outright, for tests and for the specification. */
export function refusedCalls(arch: FilterArch): ReadonlyMap<string, number> {
  const column = arch === 'x64' ? 0 : 1
  return new Map(Object.entries(REFUSED).flatMap(([name, numbers]) => (numbers[column] >= 0 ? [[name, numbers[column]] as const] : [])))
}

function assemble(program: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(program.length * 8)
  const view = new DataView(bytes.buffer)
  program.forEach(([code, jt, jf, k], index) => {
    view.setUint16(index * 8, code, true)
    view.setUint8(index * 8 + 2, jt)
    view.setUint8(index * 8 + 3, jf)
    view.setUint32(index * 8 + 4, k >>> 0, true)
  })
  return bytes
}
