// The exec runner: a command of the host's own system folders, or one that came with the job, inside bubblewrap.

import { HaggleError } from '@haggle/wire'
import { sandboxOptions, WORK_FOLDER } from './bubblewrap.ts'
import type { LaunchPlan, PlanRequest, Runner } from './runner.ts'

/** The environment that every exec job starts from; the spec's comes on top. */
const BASE_ENV: Readonly<Record<string, string>> = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: WORK_FOLDER,
  TMPDIR: '/tmp',
  LANG: 'C.UTF-8',
  USER: 'job',
}

/**
 * Runs a command line inside bubblewrap: own network without a way out, own processes, clear environment, read-only system, one writable folder.
 *
 * @example
 * ```ts
 * import { execRunner, testHostFacts } from "@haggle/runners";
 * import { expect } from "vitest";
 *
 * const plan = execRunner().plan({
 *   spec: { runner: "exec", args: ["uname", "-a"], env: {}, files: [], inline: [], stdin: false, outputs: [] },
 *   isolation: "bubblewrap",
 *   folder: "/srv/job",
 *   memMiB: 256,
 *   diskMiB: 256,
 *   devices: [],
 *   host: testHostFacts(),
 *   defences: {},
 * });
 * expect(plan.argv).toEqual(["uname", "-a"]);
 * expect(plan.sandbox?.options).toContain("--unshare-net");
 * ```
 */
export function execRunner(): Runner {
  return { name: 'exec', isolations: ['bubblewrap'], plan }
}

function plan(request: PlanRequest): LaunchPlan {
  const { spec, host, isolation } = request
  if (spec.runner !== 'exec') throw new HaggleError('E_JOB_SPEC', `The exec runner can't run a "${spec.runner}" job`)
  if (isolation !== 'bubblewrap' || host.bwrap === null)
    throw new HaggleError('E_ISOLATION', 'exec runs only inside bubblewrap, which is not here')
  const options = sandboxOptions({
    folder: request.folder,
    system: host.folders,
    show: [],
    devices: request.devices,
    env: { ...BASE_ENV, ...spec.env },
    tmpMiB: tmpMiB(request),
    etc: true,
    host,
    defences: request.defences,
  })
  return {
    argv: spec.args,
    sandbox: { path: host.bwrap, options, seccomp: request.defences.seccomp !== false },
    keeping: null,
    cwd: request.folder,
    // bubblewrap itself and the first process of its namespace.
    extraPids: 2,
    hasShell: true,
    outOfMemoryCodes: [],
  }
}

/** tmpfs counts as memory: a quarter of the job's, so that a full one does not kill it. */
function tmpMiB({ memMiB, diskMiB }: PlanRequest): number {
  return Math.max(1, Math.min(diskMiB, Math.floor(memMiB / 4)))
}
