// A first price for what a machine has, with its reason: what such devices rent for on other markets.

import type { Device } from '@haggle/offer'

/** A price per hour and why it is that. */
export interface PriceSuggestion {
  /** Decimal string in the rail's unit, for all devices together. */
  readonly pricePerHour: string
  /** One line for the owner. */
  readonly reason: string
}

/** Hourly prices in dollars that such cards rented for on other markets when this was written. The first row that fits counts. */
const PRICES: readonly { readonly model: RegExp; readonly price: number }[] = [
  { model: /\bH200\b/, price: 2.2 },
  { model: /\b(?:B200|GB200)\b/, price: 3.5 },
  { model: /\bH100\b/, price: 1.5 },
  { model: /\bMI300/, price: 1.5 },
  { model: /\bA100\b/, price: 0.8 },
  { model: /\b(?:L40S?|RTX 6000 Ada)\b/, price: 0.6 },
  { model: /\bA6000\b/, price: 0.4 },
  { model: /\bRTX 5090\b/, price: 0.45 },
  { model: /\bRTX 4090\b/, price: 0.31 },
  { model: /\bRTX 3090\b/, price: 0.16 },
  { model: /\bRTX 3060\b/, price: 0.05 },
]
/** By nominal memory, for models that are not listed: GiB and price. */
const TIERS: readonly (readonly [fromGiB: number, price: number])[] = [
  [141, 2],
  [80, 1.2],
  [48, 0.5],
  [40, 0.45],
  [24, 0.25],
  [16, 0.12],
  [12, 0.07],
  [8, 0.05],
  [0, 0.03],
]
/** A machine without a GPU, and what a software adapter adds to it: nothing. */
const CPU_PRICE = 0.004

/**
 * A price to start with. A market that already has offers like it knows better: this is for the first hour.
 *
 * @example
 * ```ts
 * import { suggestPrice } from "@haggle/hardware";
 * import { expect } from "vitest";
 *
 * const cpu = { id: "cpu0", kind: "cpu", vendor: "amd", model: "EPYC", vramMiB: 0, vramUsableMiB: null, vramFreeMiB: null, cc: null,
 *   driver: null, cuda: null, rocm: null, metal: null, vulkan: null, free: true, figures: [] } as const;
 * expect(suggestPrice([cpu]).pricePerHour).toBe("0.0040");
 * ```
 */
export function suggestPrice(devices: readonly Device[]): PriceSuggestion {
  const gpus = devices.filter(({ kind }) => kind === 'gpu')
  if (gpus.length === 0) {
    const what = devices.some(({ kind }) => kind === 'software') ? 'a software adapter computes on the processor' : 'no GPU was found'
    return { pricePerHour: decimal(CPU_PRICE), reason: `the price of a processor: ${what}` }
  }
  const prices = gpus.map((gpu) => ({ gpu, listed: PRICES.find(({ model }) => model.test(gpu.model)) }))
  const total = prices.reduce((sum, { gpu, listed }) => sum + (listed?.price ?? tierPrice(gpu)), 0)
  const [first] = prices
  const name = `${gpus.length > 1 ? `${gpus.length} × ` : ''}${first?.gpu.model ?? 'GPU'}`
  const reason =
    first?.listed === undefined
      ? `${name} is not in our list: the price of ${(first?.gpu.vramMiB ?? 0) / 1024} GiB of GPU memory elsewhere`
      : `about what ${name} rents for on other markets, in dollars`
  return { pricePerHour: decimal(total), reason }
}

function tierPrice({ vramMiB }: Device): number {
  return TIERS.find(([fromGiB]) => vramMiB >= fromGiB * 1024)?.[1] ?? 0.03
}

function decimal(price: number): string {
  return price.toFixed(price < 0.1 ? 4 : 2)
}
