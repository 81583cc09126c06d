// Reads `rocm-smi --showproductname --showmeminfo vram --showbus --showdriverversion --json`.

/** One AMD GPU. */
export interface AmdGpu {
  /** The number in rocm-smi's `cardN`, which HIP uses too. */
  readonly index: number
  readonly name: string
  /** Such as `0000:07:00.0`, lower case. */
  readonly bus: string | null
  readonly memMiB: number
  readonly freeMiB: number | null
  readonly driver: string | null
}

/** Arguments that make `rocm-smi` say what {@link parseRocm} reads. */
export const ROCM_QUERY: readonly string[] = ['--showproductname', '--showmeminfo', 'vram', '--showbus', '--showdriverversion', '--json']

/** The GPUs in its answer; none when it is no JSON (older versions print warnings before it, which are skipped). */
export function parseRocm(json: string): readonly AmdGpu[] {
  const cards = parseObject(json.slice(Math.max(0, json.indexOf('{'))))
  const system = cards['system']
  return Object.entries(cards).flatMap(([key, card]) => {
    const index = /^card(\d+)$/.exec(key)?.[1]
    if (index === undefined || typeof card !== 'object' || card === null) return []
    const text = (...names: string[]): string | null => {
      // The case of the keys changed between versions: "Card series", "Card Series".
      for (const [name, value] of Object.entries(card)) {
        if (names.some((wanted) => wanted.toLowerCase() === name.toLowerCase()) && typeof value !== 'object' && String(value) !== 'N/A')
          return String(value)
      }
      return null
    }
    const total = Number(text('VRAM Total Memory (B)') ?? 0)
    const used = text('VRAM Total Used Memory (B)')
    const driver: unknown = typeof system === 'object' && system !== null ? (system as Record<string, unknown>)['Driver version'] : null
    return [
      {
        index: Number(index),
        name: marketName(text('Device Name', 'Card series') ?? 'unknown AMD GPU'),
        bus: text('PCI Bus')?.toLowerCase() ?? null,
        memMiB: Math.floor(total / 1048576),
        freeMiB: used === null ? null : Math.floor((total - Number(used)) / 1048576),
        driver: typeof driver === 'string' ? driver : null,
      },
    ]
  })
}

/** `Arcturus GL-XL [Instinct MI100]` is sold as what stands in the brackets. */
function marketName(name: string): string {
  return /\[([^\]]+)\]/.exec(name)?.[1] ?? name
}

function parseObject(json: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(json)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {} // No card, or a version without JSON: the same as none.
  }
}
