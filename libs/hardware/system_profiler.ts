// Reads `system_profiler SPDisplaysDataType -json` of macOS.

/** One GPU of a Mac. */
export interface AppleGpu {
  readonly name: string
  readonly vendor: string
  /** Its own memory, MiB; null when it shares the machine's. */
  readonly memMiB: number | null
  /** Such as `metal4`; null when the system does not say. */
  readonly metal: string | null
}

/** The GPUs in its answer; displays below them are not looked at. */
export function parseSystemProfiler(json: string): readonly AppleGpu[] {
  let entries: unknown
  try {
    entries = (JSON.parse(json) as { SPDisplaysDataType?: unknown }).SPDisplaysDataType
  } catch {
    return [] // Cut or empty: the same as no GPU.
  }
  if (!Array.isArray(entries)) return []
  return (entries as Record<string, unknown>[]).flatMap((entry) => {
    const text = (name: string): string | null => (typeof entry[name] === 'string' ? entry[name] : null)
    const name = text('sppci_model') ?? text('_name')
    if (name === null) return []
    const own = /^(\d+)\s*([GM])B$/.exec(text('spdisplays_vram') ?? '')
    const metal = /metal\w*$/.exec(text('spdisplays_mtlgpufamilysupport') ?? '')?.[0] ?? null
    return [
      {
        name,
        vendor: vendorOf(`${text('spdisplays_vendor') ?? ''} ${name}`),
        memMiB: own === null ? null : Number(own[1]) * (own[2] === 'G' ? 1024 : 1),
        metal,
      },
    ]
  })
}

/** MiB of unified memory that macOS lets a GPU use unless its owner set another share: two thirds up to 36 GiB, three quarters above. */
export function unifiedShareMiB(memMiB: number): number {
  return Math.floor(memMiB <= 36 * 1024 ? (memMiB * 2) / 3 : (memMiB * 3) / 4)
}

function vendorOf(text: string): string {
  return /apple/i.test(text)
    ? 'apple'
    : /amd|ati|radeon/i.test(text)
      ? 'amd'
      : /intel/i.test(text)
        ? 'intel'
        : /nvidia/i.test(text)
          ? 'nvidia'
          : 'unknown'
}
