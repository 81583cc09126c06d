// Reads what nvidia-smi says: its XML report, the compute capabilities that the report lacks, the list of MIG devices, and its ways to fail.

/** One GPU, or one MIG slice of one, as the driver reports it. */
export interface NvidiaGpu {
  /** Position in the report, which is the driver's index. */
  readonly index: number
  /** MIG device on that GPU; null for a whole GPU. */
  readonly mig: {
    readonly index: number
    readonly gpuInstance: number
    readonly computeInstance: number
    readonly uuid: string | null
  } | null
  readonly name: string
  readonly uuid: string | null
  /** Number of its device node, `/dev/nvidia<minor>`; null where the driver has none (WSL). */
  readonly minor: number | null
  /** Such as `00000000:01:00.0`. */
  readonly bus: string
  readonly memMiB: number
  readonly freeMiB: number | null
  readonly cc: string | null
  readonly driver: string | null
  readonly cuda: string | null
  /** Watts; null when the board does not say. */
  readonly powerLimitW: number | null
}

/** What the report holds. A GPU in MIG mode without a slice can't be used and is only named. */
export interface NvidiaReport {
  readonly gpus: readonly NvidiaGpu[]
  /** Names of GPUs that are in MIG mode and have no slice. */
  readonly unsliced: readonly string[]
}

/** Why nvidia-smi failed, and what the owner can do. */
export interface NvidiaProblem {
  readonly problem: string
  readonly next: string | null
}

/** The queries whose answer {@link parseNvidia} takes as `capabilities`. */
export const CAPABILITY_QUERY: readonly string[] = ['--query-gpu=index,compute_cap', '--format=csv,noheader,nounits']

/**
 * Reads `nvidia-smi -q -x`, with the answers to {@link CAPABILITY_QUERY} and `nvidia-smi -L` where there are any (drivers before 510 do not know
 * the first).
 */
export function parseNvidia(xml: string, extra: { readonly capabilities?: string; readonly list?: string } = {}): NvidiaReport {
  const capabilities = parseCapabilities(extra.capabilities ?? '')
  const migUuids = parseMigUuids(extra.list ?? '')
  const head = xml.split('<gpu ')[0] ?? ''
  const driver = tag(head, 'driver_version')
  const cuda = tag(head, 'cuda_version')
  const gpus: NvidiaGpu[] = []
  const unsliced: string[] = []
  for (const [index, [, bus = '', body = '']] of [...xml.matchAll(/<gpu id="([^"]*)">([\s\S]*?)<\/gpu>/g)].entries()) {
    const slices = [...body.matchAll(/<mig_device>([\s\S]*?)<\/mig_device>/g)].map(([, slice = '']) => slice)
    const own = body.replace(/<mig_devices>[\s\S]*?<\/mig_devices>/, '')
    const memory = section(own, 'fb_memory_usage')
    const power = section(own, 'gpu_power_readings') || section(own, 'power_readings')
    const whole: NvidiaGpu = {
      index,
      mig: null,
      name: tag(own, 'product_name') ?? 'unknown NVIDIA GPU',
      uuid: tag(own, 'uuid'),
      minor: number(tag(own, 'minor_number')),
      bus,
      memMiB: number(tag(memory, 'total')) ?? 0,
      freeMiB: number(tag(memory, 'free')),
      cc: capabilities.get(index) ?? null,
      driver,
      cuda: cuda === null || /not found/i.test(cuda) ? null : cuda,
      powerLimitW: number(tag(power, 'current_power_limit') ?? tag(power, 'power_limit')),
    }
    if (tag(section(own, 'mig_mode'), 'current_mig') !== 'Enabled') gpus.push(whole)
    else if (slices.length === 0) unsliced.push(whole.name)
    else gpus.push(...slices.map((slice) => sliceOf(whole, slice, migUuids)))
  }
  return { gpus, unsliced }
}

function sliceOf(whole: NvidiaGpu, slice: string, uuids: ReadonlyMap<string, string>): NvidiaGpu {
  const memory = section(slice, 'fb_memory_usage')
  const index = number(tag(slice, 'index')) ?? 0
  const mig = {
    index,
    gpuInstance: number(tag(slice, 'gpu_instance_id')) ?? 0,
    computeInstance: number(tag(slice, 'compute_instance_id')) ?? 0,
    uuid: uuids.get(`${whole.index}/${index}`) ?? null,
  }
  return { ...whole, mig, memMiB: number(tag(memory, 'total')) ?? 0, freeMiB: number(tag(memory, 'free')), powerLimitW: null }
}

/** What a failed nvidia-smi means. `output` is all that it wrote; null when there is no NVIDIA GPU at all, which is no problem. */
export function explainNvidia(output: string, notFound: boolean): NvidiaProblem | null {
  if (notFound || /No devices were found/i.test(output)) return null
  if (/Driver\/library version mismatch/i.test(output)) {
    return {
      problem: 'the NVIDIA driver in the kernel is another version than its libraries, as after an update',
      next: 'restart the machine',
    }
  }
  if (/couldn't communicate with the NVIDIA driver|could not communicate|NVIDIA-SMI has failed/i.test(output)) {
    return {
      problem: 'nvidia-smi is here, but the NVIDIA driver is not loaded',
      next: 'sudo modprobe nvidia, or install the driver again and restart',
    }
  }
  if (/Insufficient Permissions/i.test(output))
    return { problem: 'this user may not ask the NVIDIA driver', next: 'run as a user who may, or as root' }
  if (/GPU is lost|Unable to determine the device handle/i.test(output))
    return { problem: 'an NVIDIA GPU has dropped off its bus', next: 'restart the machine and look into dmesg' }
  const words = output.trim().split('\n')[0] ?? ''
  return { problem: `nvidia-smi fails: ${words === '' ? 'it says nothing' : words}`, next: null }
}

function parseCapabilities(csv: string): Map<number, string> {
  const found = new Map<number, string>()
  for (const line of csv.split('\n')) {
    const [index = '', cc = ''] = line.split(',').map((part) => part.trim())
    if (/^\d+$/.test(index) && /^\d+\.\d+$/.test(cc)) found.set(Number(index), cc)
  }
  return found
}

/** `GPU 0: …` lines followed by `MIG 1g.5gb Device 0: (UUID: MIG-…)` lines. */
function parseMigUuids(list: string): Map<string, string> {
  const found = new Map<string, string>()
  let gpu = ''
  for (const line of list.split('\n')) {
    gpu = /^GPU (\d+):/.exec(line)?.[1] ?? gpu
    const [, device, uuid] = /^\s+MIG .*Device\s+(\d+): \(UUID: ([^)]+)\)/.exec(line) ?? []
    if (device !== undefined && uuid !== undefined) found.set(`${gpu}/${device}`, uuid)
  }
  return found
}

function tag(xml: string, name: string): string | null {
  const text = new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1]?.trim()
  return text === undefined || text === '' || text === 'N/A' || text === '[N/A]' ? null : text
}

function section(xml: string, name: string): string {
  return new RegExp(`<${name}>([\\s\\S]*?)</${name}>`).exec(xml)?.[1] ?? ''
}

function number(text: string | null): number | null {
  const value = Number.parseFloat(text ?? '')
  return Number.isFinite(value) ? Math.floor(value) : null
}
