// Reads once what planners must know of this machine: which folders are links, which files of /etc and /proc there are.

import { accessSync, constants, lstatSync, readlinkSync, realpathSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { keeperTool } from './keeper.ts'
import type { HostFacts } from './runner.ts'

/** Top folders that programs live in. */
const SYSTEM_FOLDERS = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32']
/** Files of /etc that programs need to start, and that tell nothing of the owner. */
const ETC_FILES = [
  '/etc/ld.so.cache',
  '/etc/ld.so.conf',
  '/etc/ld.so.conf.d',
  '/etc/alternatives',
  '/etc/ssl/certs',
  '/etc/OpenCL',
  '/etc/nsswitch.conf',
  '/etc/mime.types',
]
/** Where graphics and compute loaders look for drivers. */
const DRIVER_FOLDERS = ['/usr/share/vulkan', '/usr/local/share/vulkan', '/etc/OpenCL']
/** Files of /proc that tell of the whole machine and that no program needs. */
const PROC_FILES = [
  'cmdline',
  'kcore',
  'keys',
  'key-users',
  'kallsyms',
  'timer_list',
  'latency_stats',
  'interrupts',
  'version_signature',
  'partitions',
]

/** What {@link readHostFacts} is told. */
export interface HostPaths {
  /** Folder that holds the `passwd`, `group` and `hosts` of jobs. */
  readonly skeleton: string
  /** The Deno binary, or a link to it; undefined when there is none. */
  readonly deno?: string | undefined
  /** The `bwrap` binary. Default: where systems keep it. */
  readonly bwrap?: string | undefined
}

/** Reads the machine's {@link HostFacts}. Nothing is started. */
export function readHostFacts(paths: HostPaths): HostFacts {
  const links = SYSTEM_FOLDERS.flatMap((path) => {
    const target = linkTarget(path)
    return target === undefined ? [] : [{ path, target }]
  })
  const folders = SYSTEM_FOLDERS.filter((path) => isFolder(path) && linkTarget(path) === undefined)
  const libraries = ['/usr/lib', '/usr/lib64', '/lib', '/lib64'].filter((path) => isFolder(path) && linkTarget(path) === undefined)
  return {
    bwrap: firstExecutable(paths.bwrap === undefined ? ['/usr/bin/bwrap', '/usr/local/bin/bwrap', '/bin/bwrap'] : [paths.bwrap]),
    deno: paths.deno === undefined ? null : firstExecutable([paths.deno]),
    keeper: keeperTool(firstExecutable(['/usr/bin/perl', '/bin/perl', '/usr/local/bin/perl']), process),
    links,
    folders,
    libraries,
    etc: ETC_FILES.filter(exists),
    driverFolders: DRIVER_FOLDERS.filter(isFolder),
    procFiles: PROC_FILES.map((name) => `/proc/${name}`).filter(exists),
    skeleton: paths.skeleton,
  }
}

/**
 * The Deno binary of the npm package `deno`, as the module at `from` (an `import.meta.url`) would find it. Undefined when it is not installed.
 */
export function findDeno(from: string): string | undefined {
  try {
    const folder = dirname(createRequire(from).resolve('deno/package.json'))
    return firstExecutable([join(folder, process.platform === 'win32' ? 'deno.exe' : 'deno')]) ?? undefined
  } catch {
    return undefined // The package is not there.
  }
}

/** Facts of an imaginary Debian machine, for tests and examples. */
export function testHostFacts(): HostFacts {
  return {
    bwrap: '/usr/bin/bwrap',
    deno: '/opt/deno',
    keeper: { perl: '/usr/bin/perl', landlock: { openat: 257, prctl: 157 } },
    links: [
      { path: '/bin', target: 'usr/bin' },
      { path: '/lib', target: 'usr/lib' },
      { path: '/lib64', target: 'usr/lib64' },
    ],
    folders: ['/usr'],
    libraries: ['/usr/lib', '/usr/lib64'],
    etc: ['/etc/ld.so.cache'],
    driverFolders: ['/usr/share/vulkan'],
    procFiles: ['/proc/kcore'],
    skeleton: '/srv/skeleton',
  }
}

function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}

function linkTarget(path: string): string | undefined {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true ? readlinkSync(path) : undefined
}

function firstExecutable(paths: readonly string[]): string | null {
  for (const path of paths) {
    try {
      accessSync(path, constants.X_OK)
      return realpathSync(path)
    } catch {
      // Not there or not for this user: the next one is tried.
    }
  }
  return null
}
