// The machine's hardware in the few words that a person needs, and the first price for it.

import { findHardware, type Hardware, suggestPrice } from '@haggle/hardware'
import { denoBinary } from './deno_binary.ts'

/** What matters of a machine for its price and its page. Plain JSON. */
export interface Found {
  readonly kind: 'cpu' | 'software' | 'gpu'
  /** Nominal memory of the largest GPU, 0 without one. */
  readonly vramGiB: number
  /** One line for a person. */
  readonly text: string
  /** What such a machine rents for elsewhere, per hour, and why. */
  readonly firstPrice: string
  readonly firstReason: string
  /** What is wrong with it, and the next step. */
  readonly notes: readonly { readonly problem: string; readonly next: string | null }[]
}

/** Looks at this machine. `diskPath` is where jobs will be kept. */
export async function lookAround(diskPath: string): Promise<Hardware> {
  const deno = denoBinary()
  return await findHardware({ diskPath, ...(deno === undefined ? {} : { deno }) })
}

/** The few words. */
export function foundOf(hardware: Hardware): Found {
  const gpus = hardware.devices.filter(({ kind }) => kind === 'gpu')
  const software = hardware.devices.find(({ kind }) => kind === 'software')
  const cpu = `${hardware.cpu.model} × ${hardware.cpu.threads}, ${Math.floor(hardware.memMiB / 1024)} GiB`
  const names = gpus.map((gpu) =>
    [gpu.model, `${gpu.vramMiB / 1024} GiB`, gpu.driver === null ? '' : `driver ${gpu.driver}`, gpu.cuda === null ? '' : `CUDA ${gpu.cuda}`]
      .filter((part) => part !== '')
      .join(' · '),
  )
  const { pricePerHour, reason } = suggestPrice(hardware.devices)
  return {
    kind: gpus.length > 0 ? 'gpu' : software === undefined ? 'cpu' : 'software',
    vramGiB: Math.max(0, ...gpus.map((gpu) => gpu.vramMiB / 1024)),
    text:
      gpus.length > 0
        ? names.join('  +  ')
        : software === undefined
          ? `no GPU; ${cpu}`
          : `no GPU; ${cpu}; software adapter ${software.model}`,
    firstPrice: pricePerHour,
    firstReason: reason,
    notes: hardware.notes,
  }
}
