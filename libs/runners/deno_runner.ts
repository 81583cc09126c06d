// The deno runner: a module that came with the job, under Deno's permissions, and inside bubblewrap where that works.

import { dirname, join } from 'node:path'
import { HaggleError } from '@haggle/wire'
import { sandboxOptions, WORK_FOLDER } from './bubblewrap.ts'
import { deviceEnv } from './device_env.ts'
import type { KeeperRule } from './keeper.ts'
import { type HostFacts, type LaunchPlan, on, type PlanRequest, type Runner } from './runner.ts'

/** Where the Deno binary is inside a sandbox. */
const DENO_INSIDE = '/deno'
/** Variables that would reach the runtime or the dynamic linker before the job's own code is under permissions. */
const RESERVED_ENV =
  /^(?:LD_|DYLD_|DENO_|OTEL_|JSR_|NODE_|NPM_|RUST_|V8_|VK_|MESA_|GALLIUM_|LIBGL_|EGL_|__|MALLOC_|JEMALLOC|GLIBC_|GCONV_PATH$|LOCPATH$|NLSPATH$|HOSTALIASES$|RES_OPTIONS$|SSL_|SSLKEYLOGFILE$|XDG_|WGPU_|CUDA_|HOME$|TMPDIR$|PATH$)/
/**
 * No folder and none that can be made: a job without a sandbox has no `caches` and no `localStorage`, which ask for no permission and would be outside
 * the folder that the disk limit counts.
 */
const NO_CACHE = '/dev/null/deno'
/** A home without files in it, for whoever looks for settings there. */
const NO_HOME = '/nonexistent'
/** Deno finds no settings for itself. */
const NO_SETTINGS = ['--quiet', '--no-config', '--no-lock']
/** Without `--no-remote` imports would reach hosts of the network although every permission is refused. */
const FILES_ONLY = ['--no-remote', '--no-npm', '--deny-import']
const NOTHING_ELSE = [...FILES_ONLY, '--deny-net', '--deny-run', '--deny-ffi', '--deny-sys']
/**
 * What Deno reads besides its libraries: the loader's cache, the time zone, and of `/proc` only what tells of its own memory. What is here a job can see a line of
 * (spec/runners.md, What is left).
 */
const RUNTIME_FILES = ['/etc/ld.so.cache', '/etc/localtime', '/usr/share/zoneinfo', '/proc/self/maps', '/proc/self/statm', '/dev/urandom']
/** What drivers of GPUs look up besides their own files. */
const DEVICE_FILES = [
  '/sys/dev/char',
  '/sys/devices',
  '/sys/class/drm',
  '/sys/bus/pci',
  '/sys/module',
  '/proc/driver',
  '/proc/modules',
  '/proc/devices',
]
/** An empty `package.json` above all jobs ends Node's search for one there: those further up can't be opened. */
export const NO_PACKAGE = 'package.json'
/** V8 traps when its heap is full (133), and Rust aborts when an allocation fails (134). */
const OUT_OF_MEMORY_CODES = [133, 134]

/**
 * Runs a TypeScript, JavaScript or Wasm module with no network, no subprocess, no foreign function, no file but its folder's and no variable
 * but the spec's. Two layers: Deno's permissions, and bubblewrap around them (isolation `bubblewrap`) or the kernel's Landlock (`permissions`), where it has
 * it. Deno loads the modules that an entry names without asking for a permission: without bubblewrap they are looked through first.
 *
 * @example
 * ```ts
 * import { denoRunner, testHostFacts } from "@haggle/runners";
 * import { expect } from "vitest";
 *
 * const plan = denoRunner().plan({
 *   spec: { runner: "deno", args: ["main.ts", "7"], env: {}, files: [], inline: [], stdin: false, outputs: [] },
 *   isolation: "permissions",
 *   folder: "/srv/job",
 *   memMiB: 256,
 *   diskMiB: 256,
 *   devices: [],
 *   host: testHostFacts(),
 *   defences: {},
 * });
 * expect(plan.argv).toContain("--deny-net");
 * expect(plan.argv.slice(-2)).toEqual(["/srv/job/main.ts", "7"]);
 * ```
 */
export function denoRunner(): Runner {
  return { name: 'deno', isolations: ['bubblewrap', 'permissions'], plan }
}

function plan(request: PlanRequest): LaunchPlan {
  const { spec, host, isolation, defences, folder } = request
  if (spec.runner !== 'deno') throw new HaggleError('E_JOB_SPEC', `The deno runner can't run a "${spec.runner}" job`)
  if (host.deno === null) throw new HaggleError('E_ISOLATION', 'deno is not installed here')
  for (const name of Object.keys(spec.env)) {
    if (!RESERVED_ENV.test(name)) continue
    throw new HaggleError('E_JOB_SPEC', `A deno job can't set ${name}: it would change the runtime that guards it`, {
      next: 'use another name',
    })
  }
  const common = { cwd: folder, extraPids: 48, hasShell: false, outOfMemoryCodes: OUT_OF_MEMORY_CODES }
  if (isolation === 'permissions') {
    const cache = on(defences, 'disk') ? NO_CACHE : `${dirname(folder)}/cache`
    if (host.keeper === null) throw new HaggleError('E_ISOLATION', 'Perl is not installed here: jobs without a sandbox start through it')
    const at = { binary: host.deno, folder }
    const keeping = {
      tool: host.keeper,
      rules: on(defences, 'files') ? rulesFor(request, host.deno) : null,
      env: { ...runtimeEnv({ cache, home: NO_HOME }, request), ...spec.env },
    }
    const query = on(defences, 'modules') ? { moduleQuery: graphCommand(request, at) } : {}
    return { ...common, argv: denoCommand(request, at), sandbox: null, keeping, ...query }
  }
  if (host.bwrap === null) throw new HaggleError('E_ISOLATION', 'bubblewrap is not installed here')
  const inside = on(defences, 'files')
  const options = sandboxOptions({
    folder,
    system: host.libraries,
    show: [{ from: host.deno, to: DENO_INSIDE }],
    devices: request.devices,
    env: { ...runtimeEnv({ cache: '/tmp/deno', home: '/tmp/deno' }, request), ...spec.env },
    tmpMiB: Math.max(1, Math.min(request.diskMiB, Math.floor(request.memMiB / 4))),
    etc: false,
    host,
    defences,
  })
  const argv = denoCommand(request, inside ? { binary: DENO_INSIDE, folder: WORK_FOLDER } : { binary: host.deno, folder })
  return { ...common, argv, keeping: null, sandbox: { path: host.bwrap, options, seccomp: on(defences, 'seccomp') } }
}

/** What a job may open besides its folder: what the runtime reads, and its devices. */
function rulesFor({ host, folder, devices }: Pick<PlanRequest, 'host' | 'folder' | 'devices'>, deno: string): KeeperRule[] {
  const nodes = devices.flatMap((device) => device.nodes)
  const files = devices.flatMap(({ readOnly }) => readOnly)
  return [
    ...runtimeRules(host, deno),
    ...[...files, ...(devices.length > 0 ? DEVICE_FILES : [])].map((path): KeeperRule => ({ may: 'read', path })),
    ...nodes.map((path): KeeperRule => ({ may: 'device', path })),
    ...[...new Set(nodes.map((path) => dirname(path)))].map((path): KeeperRule => ({ may: 'list', path })),
    { may: 'read', path: join(dirname(host.skeleton), NO_PACKAGE) },
    { may: 'write', path: folder },
  ]
}

/** What Deno itself opens to start. */
export function runtimeRules({ libraries }: HostFacts, deno: string): KeeperRule[] {
  const read = [...libraries, ...RUNTIME_FILES, deno].map((path): KeeperRule => ({ may: 'read', path }))
  return [...read, { may: 'device', path: '/dev/null' }]
}

function denoCommand({ spec, memMiB, defences }: PlanRequest, at: { binary: string; folder: string }): string[] {
  const [entry = '', ...args] = spec.args
  const names = Object.keys(spec.env)
  const environment = names.length === 0 ? '--deny-env' : `--allow-env=${names.join(',')}`
  const reach = [`--allow-read=${at.folder}`, `--allow-write=${at.folder}`]
  const permissions = on(defences, 'permissions') ? [...NOTHING_ELSE, environment, ...reach] : ['-A']
  const heap = on(defences, 'memory') ? [`--v8-flags=--max-old-space-size=${Math.max(16, memMiB)}`] : []
  return [at.binary, 'run', '--no-prompt', ...NO_SETTINGS, ...permissions, ...heap, `${at.folder}/${entry}`, ...args]
}

/** Tells what {@link denoCommand} would load; nothing of it is run. */
function graphCommand({ spec }: PlanRequest, at: { binary: string; folder: string }): string[] {
  return [at.binary, 'info', '--json', ...NO_SETTINGS, ...FILES_ONLY, `${at.folder}/${spec.args[0] ?? ''}`]
}

/** What the runtime itself is told; job code can't read it. */
function runtimeEnv({ cache, home }: { cache: string; home: string }, { devices }: PlanRequest): Record<string, string> {
  return {
    DENO_DIR: cache,
    // A job runs once: what was compiled for it is of no use again, and writing it where nothing can be written is tried five times, 150 ms a module.
    DENO_EMIT_CACHE_MODE: 'disable',
    DENO_NO_UPDATE_CHECK: '1',
    HOME: home,
    // Without a device there is no WebGPU back end at all: the machine's libraries could still make an adapter out of the processor.
    ...(devices.length === 0
      ? { DENO_WEBGPU_BACKEND: 'none', VK_ICD_FILENAMES: '/dev/null', VK_DRIVER_FILES: '/dev/null' }
      : deviceEnv(devices)),
  }
}
