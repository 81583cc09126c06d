// The Runner seam: a pure planner that turns a job into what has to be started, and the words it is written in.

import type { JobSpec } from '@haggle/job'
import type { DeviceAccess } from '@haggle/hardware'
import type { Keeping, KeeperTool } from './keeper.ts'

/**
 * How strongly a job is kept from the machine. `bubblewrap`: namespaces, seccomp, read-only root. `permissions`: Deno's own permissions, no module from out
 * of the job's folder, and Landlock where the kernel has it.
 */
export type Isolation = 'bubblewrap' | 'permissions'

/**
 * The defences of a sandbox, each one on unless a test says otherwise: it passes `{ network: false }` to see its attack succeed without it.
 * There is no flag, variable or setting that reaches this.
 */
export interface Defences {
  /** Deno's own permissions: the inner layer of the deno runner, and its only one without bubblewrap. */
  readonly permissions?: boolean
  /** Without bubblewrap, no start of a deno job that loads a module from out of its folder. */
  readonly modules?: boolean
  /** Own network namespace. */
  readonly network?: boolean
  /** Cleared environment. */
  readonly environment?: boolean
  /** Own root with only system folders, read-only, and the job's folder; without bubblewrap the kernel's rules on files (Landlock). */
  readonly files?: boolean
  /** Own process namespace. */
  readonly processes?: boolean
  /** No further user namespaces inside. */
  readonly namespaces?: boolean
  /** System call filter. */
  readonly seccomp?: boolean
  readonly memory?: boolean
  readonly pids?: boolean
  readonly disk?: boolean
  readonly output?: boolean
  readonly time?: boolean
}

/** What a planner is told besides the spec. */
export interface PlanRequest {
  readonly spec: JobSpec
  readonly isolation: Isolation
  /** Absolute path of the job's folder on this machine. */
  readonly folder: string
  /** Megabytes that the job may use: sizes its heap and its tmpfs. */
  readonly memMiB: number
  readonly diskMiB: number
  /** Devices that the job may use; nothing of any other device is visible inside. */
  readonly devices: readonly DeviceAccess[]
  readonly host: HostFacts
  readonly defences: Defences
}

/** What a planner knows of the machine; read once by `readHostFacts()`. */
export interface HostFacts {
  /** Absolute path of `bwrap`; null where there is none. */
  readonly bwrap: string | null
  /** Absolute path of the Deno binary itself; null where there is none. */
  readonly deno: string | null
  /** What a job without a sandbox starts through; null where there is no Perl. */
  readonly keeper: KeeperTool | null
  /** Top folders of the system that are links on this machine, such as `/bin` -> `usr/bin`. */
  readonly links: readonly { readonly path: string; readonly target: string }[]
  /** Top folders of the system that are real: `/usr`, and `/lib` and `/bin` on older systems. */
  readonly folders: readonly string[]
  /** Folders of shared libraries, without links: all that the Deno binary needs of the system. */
  readonly libraries: readonly string[]
  /** Files and folders of `/etc` that programs need and that say nothing about the owner. */
  readonly etc: readonly string[]
  /** Folders in which graphics loaders look for drivers: hidden from jobs without a device. */
  readonly driverFolders: readonly string[]
  /** Files of `/proc` that tell of the whole machine: covered. */
  readonly procFiles: readonly string[]
  /** Folder with the `passwd`, `group` and `hosts` that jobs see. */
  readonly skeleton: string
}

/** What has to be started. Pure data, sent to the launcher. */
export interface LaunchPlan {
  /** Program and arguments, `argv[0]` absolute (inside the sandbox when there is one). */
  readonly argv: readonly string[]
  /** bubblewrap and its options; null without it. */
  readonly sandbox: { readonly path: string; readonly options: readonly string[]; readonly seccomp: boolean } | null
  /**
   * Command line that prints the module graph of the job as `deno info --json` does, in the environment and folder of the job. The job starts only
   * when every file of it is beneath `cwd`. Absent: nothing is asked.
   */
  readonly moduleQuery?: readonly string[]
  /** How `argv` is kept without a sandbox, and its variables, which inside one are among the options; null inside one. */
  readonly keeping: Keeping | null
  /** Working folder without a sandbox. */
  readonly cwd: string
  /** Tasks that the program's runtime itself needs, on top of the job's own. */
  readonly extraPids: number
  /** True when `/bin/sh` is there inside: it can set an rlimit that counts in the job's user namespace only. */
  readonly hasShell: boolean
  /** Exit codes that mean "out of memory" for this program. */
  readonly outOfMemoryCodes: readonly number[]
}

/** A kind of job that can be run here. */
export interface Runner {
  /** Name in specs and offers. */
  readonly name: string
  /** Isolations that it can be planned with, strongest first. */
  readonly isolations: readonly Isolation[]
  /**
   * Plans one job. Pure.
   *
   * @throws HaggleError `E_JOB_SPEC` when the spec is not for this runner, `E_ISOLATION` when that isolation can't be given here.
   */
  plan(request: PlanRequest): LaunchPlan
}

/** True unless a test switched that defence off. */
export function on(defences: Defences, name: keyof Defences): boolean {
  return defences[name] !== false
}
