// From what a job may see to the options of bubblewrap.

import type { DeviceAccess } from '@haggle/hardware'
import { deviceEnv } from './device_env.ts'
import { type Defences, type HostFacts, on } from './runner.ts'

/** Where the job's folder is inside. */
export const WORK_FOLDER = '/work'
/** The user that a job is inside; outside it stays the provider's own user, with no capability. */
export const JOB_UID = 65534

/** What goes into one sandbox. */
export interface SandboxRequest {
  readonly folder: string
  /** System folders to show, read-only: a subset of {@link HostFacts.folders} or paths below them. */
  readonly system: readonly string[]
  /** More files to show, read-only: outside path and inside path. */
  readonly show: readonly { readonly from: string; readonly to: string }[]
  readonly devices: readonly DeviceAccess[]
  readonly env: Readonly<Record<string, string>>
  /** Size of `/tmp` and `/dev/shm`, MiB each. */
  readonly tmpMiB: number
  /** Files of `/etc` to show. */
  readonly etc: boolean
  readonly host: HostFacts
  readonly defences: Defences
}

/** The options of `bwrap` for one job, without the command. The launcher adds file descriptors. */
export function sandboxOptions(request: SandboxRequest): string[] {
  const { host, defences, folder } = request
  const options: string[] = []
  const add = (...more: string[]): void => void options.push(...more)

  add('--unshare-user', '--uid', String(JOB_UID), '--gid', String(JOB_UID), '--unshare-ipc', '--unshare-uts', '--unshare-cgroup-try')
  if (on(defences, 'processes')) add('--unshare-pid')
  if (on(defences, 'network')) add('--unshare-net')
  if (on(defences, 'namespaces')) add('--disable-userns')
  add('--hostname', 'job', '--cap-drop', 'ALL', '--die-with-parent', '--new-session')
  if (on(defences, 'environment')) add('--clearenv')
  if (on(defences, 'files')) addOwnRoot(request, add)
  else add('--bind', '/', '/', '--dev-bind', '/dev', '/dev', '--bind', folder, folder, '--chdir', folder)
  for (const [name, value] of Object.entries({ ...request.env, ...deviceEnv(request.devices) })) add('--setenv', name, value)
  if (on(defences, 'files')) add('--remount-ro', '/dev', '--remount-ro', '/')
  if (!on(defences, 'processes')) return options
  for (const path of host.procFiles) add('--ro-bind', '/dev/null', path)
  return options
}

function addOwnRoot(request: SandboxRequest, add: (...more: string[]) => void): void {
  const { host, devices, folder, tmpMiB } = request
  const tmpBytes = String(tmpMiB * 1024 * 1024)
  for (const path of request.system) add('--ro-bind', path, path)
  for (const { path, target } of host.links) add('--symlink', target, path)
  if (on(request.defences, 'processes')) add('--proc', '/proc')
  else add('--bind', '/proc', '/proc')
  add(
    '--dev',
    '/dev',
    '--perms',
    '1777',
    '--size',
    tmpBytes,
    '--tmpfs',
    '/dev/shm',
    '--perms',
    '1777',
    '--size',
    tmpBytes,
    '--tmpfs',
    '/tmp',
  )
  if (request.etc) for (const path of host.etc) add('--ro-bind', path, path)
  for (const name of ['passwd', 'group', 'hosts']) add('--ro-bind-try', `${host.skeleton}/${name}`, `/etc/${name}`)
  if (devices.length === 0) {
    for (const path of host.driverFolders) {
      if (request.system.some((shown) => path === shown || path.startsWith(`${shown}/`))) add('--tmpfs', path, '--remount-ro', path)
    }
  }
  for (const { nodes, readOnly } of devices) {
    for (const node of nodes) add('--dev-bind', node, node)
    for (const path of readOnly) if (!isBelow(path, request.system)) add('--ro-bind', path, path)
  }
  for (const { from, to } of request.show) add('--ro-bind', from, to)
  add('--bind', folder, WORK_FOLDER, '--chdir', WORK_FOLDER)
}

function isBelow(path: string, folders: readonly string[]): boolean {
  return folders.some((folder) => path === folder || path.startsWith(`${folder}/`))
}
