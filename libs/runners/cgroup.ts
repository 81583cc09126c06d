// Control groups, version 1 or 2: where a job's processes are counted, limited and found again.

import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmdirSync, writeFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Controllers that jobs are limited by. */
export type Controller = 'memory' | 'pids' | 'cpu'
const CONTROLLERS: readonly Controller[] = ['memory', 'pids', 'cpu']
/** Microseconds of the window in which a CPU quota counts. */
const CPU_PERIOD_US = 100_000

/** A folder per controller in which groups can be made. In version 2 they are the same folder. */
export interface CgroupBase {
  readonly version: 1 | 2
  readonly folders: Readonly<Partial<Record<Controller, string>>>
}

/** Limits of one group. */
export interface GroupLimits {
  readonly memBytes: number | null
  readonly pids: number | null
  readonly cpuMilli: number | null
}

/**
 * Where this process's groups are, from the text of `/proc/self/mountinfo` and `/proc/self/cgroup`. Version 1 wins where both have a controller,
 * as the kernel gives it to one of them only.
 */
export function parseCgroups(
  mountinfo: string,
  own: string,
): readonly { readonly version: 1 | 2; readonly controllers: readonly Controller[]; readonly folder: string }[] {
  const paths = new Map<string, string>()
  for (const line of own.split('\n')) {
    const [, names, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? []
    if (names === undefined || path === undefined) continue
    for (const name of names.split(',')) paths.set(name, path)
  }
  const found: { version: 1 | 2; controllers: Controller[]; folder: string }[] = []
  for (const line of mountinfo.split('\n')) {
    const [left = '', right = ''] = line.split(' - ')
    const [, , , root = '/', mount = ''] = left.split(' ')
    const [type, , options = ''] = right.split(' ')
    if (type !== 'cgroup' && type !== 'cgroup2') continue
    const controllers = type === 'cgroup2' ? [] : CONTROLLERS.filter((name) => options.split(',').includes(name))
    if (type === 'cgroup' && controllers.length === 0) continue
    const path = paths.get(controllers[0] ?? '')
    if (path === undefined) continue
    found.push({ version: type === 'cgroup2' ? 2 : 1, controllers, folder: join(mount, below(path, root)).replace(/\/$/, '') })
  }
  return found
}

/** What a path of the hierarchy is called under a mount that shows it from `root` on. */
function below(path: string, root: string): string {
  if (root === '/' || path === root) return path === root ? '/' : path
  return path.startsWith(`${root}/`) ? path.slice(root.length) : '/'
}

/**
 * Makes folder `name` in every hierarchy where this process may, and says which controllers work there. Null where there are none: limits are then
 * kept by rlimits and watchdogs.
 */
export function openCgroups(name: string): CgroupBase | null {
  const hierarchies = parseCgroups(read('/proc/self/mountinfo'), read('/proc/self/cgroup'))
  const folders: Partial<Record<Controller, string>> = {}
  for (const { version, controllers, folder } of hierarchies) {
    if (version !== 1) continue
    for (const controller of controllers) {
      const made = makeGroup(join(folder, name))
      if (made !== null) folders[controller] = made
    }
  }
  if (Object.keys(folders).length > 0) return { version: 1, folders }
  for (const { version, folder } of hierarchies) {
    if (version !== 2) continue
    const made = makeDelegated(folder, name) ?? makeDelegated(mountOf(folder), name)
    if (made !== null) return made
  }
  return null
}

/**
 * Version 2: a group with processes can't share its controllers out, so this process first moves into a leaf beside the jobs. Fails where
 * others live in the group too (a login session): such a machine delegates nothing to us.
 */
function makeDelegated(folder: string, name: string): CgroupBase | null {
  const available = read(join(folder, 'cgroup.controllers')).trim().split(' ')
  const wanted = CONTROLLERS.filter((controller) => available.includes(controller))
  if (wanted.length === 0) return null
  const base = makeGroup(join(folder, name))
  if (base === null) return null
  const leaf = makeGroup(join(folder, `${name}-launcher`))
  const share = wanted.map((controller) => `+${controller}`).join(' ')
  if (!write(join(folder, 'cgroup.subtree_control'), share)) {
    if (leaf === null || !write(join(leaf, 'cgroup.procs'), String(process.pid)) || !write(join(folder, 'cgroup.subtree_control'), share)) {
      remove(base)
      return null
    }
  }
  if (!write(join(base, 'cgroup.subtree_control'), share)) return null
  return { version: 2, folders: Object.fromEntries(wanted.map((controller) => [controller, base])) }
}

function mountOf(folder: string): string {
  return folder.startsWith('/sys/fs/cgroup/unified') ? '/sys/fs/cgroup/unified' : '/sys/fs/cgroup'
}

/** One group: a folder of the same name in every hierarchy. */
export class Cgroup {
  readonly #base: CgroupBase
  #name: string

  constructor(base: CgroupBase, name: string) {
    this.#base = base
    this.#name = name
    for (const folder of this.#folders()) mkdirSync(folder, { recursive: true, mode: 0o700 })
  }

  get name(): string {
    return this.#name
  }

  #folders(): string[] {
    return [...new Set(Object.values(this.#base.folders))].map((folder) => join(folder, this.#name))
  }

  #folder(controller: Controller): string | null {
    const folder = this.#base.folders[controller]
    return folder === undefined ? null : join(folder, this.#name)
  }

  /** Moves a process in. On a machine at rest this waits for all processors (5 to 20 ms), so it is done before a job needs it. */
  async join(pid: number): Promise<void> {
    for (const folder of this.#folders()) await writeFile(join(folder, 'cgroup.procs'), String(pid))
  }

  /** Gives the group the name of its job, for whoever looks. Version 2 can't rename, and a name may be taken: then the group keeps its own. */
  rename(name: string): void {
    if (this.#base.version !== 1) return
    const folders = [...new Set(Object.values(this.#base.folders))]
    if (folders.some((folder) => existsSync(join(folder, name)))) return
    for (const folder of folders) renameSync(join(folder, this.#name), join(folder, name))
    this.#name = name
  }

  limit({ memBytes, pids, cpuMilli }: GroupLimits): void {
    const v2 = this.#base.version === 2
    const memory = this.#folder('memory')
    if (memory !== null && memBytes !== null) {
      write(join(memory, v2 ? 'memory.max' : 'memory.limit_in_bytes'), String(memBytes))
      write(join(memory, v2 ? 'memory.swap.max' : 'memory.memsw.limit_in_bytes'), v2 ? '0' : String(memBytes))
      if (v2) write(join(memory, 'memory.oom.group'), '1')
    }
    const tasks = this.#folder('pids')
    if (tasks !== null && pids !== null) write(join(tasks, 'pids.max'), String(pids))
    const cpu = this.#folder('cpu')
    if (cpu !== null && cpuMilli !== null) {
      const quota = Math.max(1000, Math.round((cpuMilli * CPU_PERIOD_US) / 1000))
      if (v2) write(join(cpu, 'cpu.max'), `${quota} ${CPU_PERIOD_US}`)
      else write(join(cpu, 'cpu.cfs_quota_us'), String(quota))
    }
  }

  /** How often the kernel killed for memory, and refused a new process. */
  events(): { readonly oom: number; readonly pids: number } {
    const v2 = this.#base.version === 2
    const memory = this.#folder('memory')
    const tasks = this.#folder('pids')
    const oom = memory === null ? '' : read(join(memory, v2 ? 'memory.events' : 'memory.oom_control'))
    return {
      oom: Number(/^oom_kill (\d+)$/m.exec(oom)?.[1] ?? 0),
      pids: tasks === null ? 0 : Number(/^max (\d+)$/m.exec(read(join(tasks, 'pids.events')))?.[1] ?? 0),
    }
  }

  /** Processes in it. */
  processes(): number[] {
    const [folder] = this.#folders()
    return folder === undefined ? [] : pidsOf(folder)
  }

  /** Kills what is in it until it is empty, then removes it. False when something did not die within two seconds. */
  async end(): Promise<boolean> {
    const deadline = performance.now() + 2000
    for (const folder of this.#folders()) {
      while (!endGroup(folder)) {
        if (performance.now() > deadline) return false
        await new Promise((resolve) => setTimeout(resolve, 1))
      }
    }
    return true
  }
}

/** Kills and removes every group that an earlier launcher of this base left, and the base's other folders' groups. */
export async function endLeftovers(base: CgroupBase): Promise<void> {
  for (const folder of new Set(Object.values(base.folders))) {
    const names = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory())
    const deadline = performance.now() + 5000
    for (const { name } of names) {
      while (!endGroup(join(folder, name)) && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 2))
    }
  }
}

/** Removes the base itself. */
export function closeCgroups(base: CgroupBase): void {
  for (const folder of new Set(Object.values(base.folders))) remove(folder)
}

function endGroup(folder: string): boolean {
  if (!write(join(folder, 'cgroup.kill'), '1')) {
    for (const pid of pidsOf(folder)) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // It died by itself between the reading and the signal.
      }
    }
  }
  return pidsOf(folder).length === 0 && remove(folder)
}

function pidsOf(folder: string): number[] {
  return read(join(folder, 'cgroup.procs')).split('\n').filter(Boolean).map(Number)
}

function makeGroup(folder: string): string | null {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    return folder
  } catch {
    return null // Not ours to make: the caller tries another place or does without.
  }
}

/** True when it is gone. */
function remove(folder: string): boolean {
  try {
    rmdirSync(folder)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT'
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return '' // No such file on this kernel or no longer: the same as nothing in it.
  }
}

function write(path: string, text: string): boolean {
  try {
    writeFileSync(path, text)
    return true
  } catch {
    return false // The controller lacks that knob (swap accounting, cgroup.kill): said to the caller.
  }
}
