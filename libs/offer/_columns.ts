// Offers taken apart into columns of numbers and codes: what a scan reads, and nothing else.

import { Dictionary, Words } from './_dictionary.ts'
import { Hosts } from './_hosts.ts'
import { type Device, FIGURE_NAMES } from './device.ts'
import { fold } from './evaluate.ts'
import type { Listing, OfferedRunner, OfferStake } from './offer.ts'
import type { Rail } from './meter.ts'
import { DEVICE_PROPERTIES, OFFER_PROPERTIES } from './properties.ts'
import { deviceValue, figureSource, listingValue, type PropertyValue } from './subject.ts'
import { isNumeric } from './units.ts'

/** A column of numbers: `data[row] * factor`, NaN for unknown. `data` changes when the column grows. */
export interface NumberColumn {
  readonly name: string
  readonly factor: number
  data: Float64Array | Uint32Array
}

/** A column of codes; 0 is unknown. */
export interface CodeColumn {
  readonly name: string
  readonly dictionary: Words
  data: Uint32Array
}

/** Money and figures other than whole 32-bit numbers of their unit. */
const WIDE = /^(price\.|stake$|net\.|provider\.)/
const SIZE_FACTOR = 1024 * 1024

const rowNumbers = OFFER_PROPERTIES.filter((p) => isNumeric(p.type) && (!p.name.startsWith('gpu.') || p.name === 'gpu.count'))
const deviceNumbers = DEVICE_PROPERTIES.filter((p) => isNumeric(p.type))

/** What strings an offer holds one of. */
const ROW_WORDS = ['cpu.model', 'os', 'arch', 'region', 'serves'] as const

/** Sources in the order of their small codes; 0 is unknown. */
export const SOURCES: readonly string[] = ['', 'declared', 'challenged', 'attested', 'live']

/** Device kinds in the order of their small codes. */
export const KINDS: readonly Device['kind'][] = ['gpu', 'software', 'cpu']

/** Several words of an offer: as written, and folded. */
export interface WordList {
  readonly shown: readonly string[]
  readonly keys: readonly string[]
}

/** The runners of an offer: as written, and their names and tiers folded. */
export interface RunnerList {
  readonly shown: readonly OfferedRunner[]
  readonly names: readonly string[]
  readonly isolations: readonly string[]
}

/** Money of an offer besides the index's own unit. */
export interface OtherMoney {
  readonly rails: readonly Rail[]
  readonly stake: OfferStake | null
}

/** The columns of rows and of devices. Rows are placed by the caller; devices lie side by side per row. */
export class Columns {
  readonly money: string
  readonly numbers: ReadonlyMap<string, NumberColumn>
  readonly words: ReadonlyMap<string, CodeColumn>
  readonly lists: ReadonlyMap<string, { readonly dictionary: Dictionary<WordList>; data: Uint32Array }>
  readonly runners: { readonly dictionary: Dictionary<RunnerList>; data: Uint32Array } = {
    dictionary: new Dictionary(),
    data: new Uint32Array(0),
  }
  readonly accepts: { readonly dictionary: Dictionary<string>; data: Uint32Array } = {
    dictionary: new Dictionary(),
    data: new Uint32Array(0),
  }
  readonly hosts: Hosts = new Hosts()
  /** Only rows with other money than the index's have one. */
  readonly other: (OtherMoney | undefined)[] = []
  deviceStart: Uint32Array = new Uint32Array(0)
  deviceCount: Uint8Array = new Uint8Array(0)
  readonly deviceNumbers: ReadonlyMap<string, NumberColumn>
  readonly deviceWords: ReadonlyMap<string, CodeColumn>
  readonly deviceSources: ReadonlyMap<string, { data: Uint8Array }>
  deviceKind: Uint8Array = new Uint8Array(0)
  deviceFree: Uint8Array = new Uint8Array(0)
  /** 1 for a device that is in everything like the one before it in its row: whatever is true of that one is true of it. */
  deviceSame: Uint8Array = new Uint8Array(0)
  private deviceEnd = 0
  private readonly holes: number[][] = []
  private readonly numberList: readonly NumberColumn[]
  private readonly deviceNumberList: readonly NumberColumn[]
  private readonly movable: readonly { data: Float64Array | Uint32Array }[]

  constructor(money: string) {
    this.money = money
    const number = (name: string, wide: boolean, factor: number): [string, NumberColumn] => [
      name,
      { name, factor: wide ? 1 : factor, data: wide ? new Float64Array(0) : new Uint32Array(0) },
    ]
    const code = (name: string): [string, CodeColumn] => [name, { name, dictionary: new Words(), data: new Uint32Array(0) }]
    this.numbers = new Map(rowNumbers.map((p) => number(p.name, WIDE.test(p.name), p.type === 'size' ? SIZE_FACTOR : 1)))
    this.words = new Map(ROW_WORDS.map(code))
    this.lists = new Map(
      ['cached.image', 'cached.model', 'rail', 'sla'].map((name) => [
        name,
        { dictionary: new Dictionary<WordList>(), data: new Uint32Array(0) },
      ]),
    )
    this.deviceNumbers = new Map(deviceNumbers.map((p) => number(p.name, true, 1)))
    this.deviceWords = new Map(['vendor', 'model'].map(code))
    this.deviceSources = new Map(FIGURE_NAMES.map((name) => [`${name}.source`, { data: new Uint8Array(0) }]))
    this.numberList = [...this.numbers.values()]
    this.deviceNumberList = [...this.deviceNumbers.values()]
    this.movable = [...this.numbers.values(), ...this.words.values(), ...this.lists.values(), this.runners, this.accepts, this.hosts]
  }

  /** Makes room for `rows` rows. */
  grow(rows: number): void {
    for (const column of this.movable) column.data = longer(column.data, rows)
    this.deviceStart = longer(this.deviceStart, rows)
    this.deviceCount = longer(this.deviceCount, rows)
  }

  /** Writes a listing into an empty row. */
  write(row: number, listing: Listing): void {
    const { offer } = listing
    for (const column of this.numberList) column.data[row] = this.numberOf(listing, column)
    for (const column of this.words.values()) column.data[row] = column.dictionary.add(wordOf(listing, column.name))
    for (const [name, list] of this.lists) list.data[row] = this.listCode(list.dictionary, listOf(listing, name))
    this.runners.data[row] = this.runnerCode(offer.runners)
    this.accepts.data[row] = this.acceptCode(offer.accept)
    this.other[row] = this.otherMoney(listing)
    this.writeDevices(row, offer.devices)
  }

  /** Lets go of what a row holds. */
  erase(row: number): void {
    for (const column of this.words.values()) column.dictionary.release(column.data[row] as number)
    for (const list of this.lists.values()) list.dictionary.release(list.data[row] as number)
    this.runners.dictionary.release(this.runners.data[row] as number)
    this.accepts.dictionary.release(this.accepts.data[row] as number)
    this.other[row] = undefined
    this.eraseDevices(row)
  }

  /** Moves a row; the old place holds nothing afterwards. */
  move(from: number, to: number): void {
    for (const column of this.movable) column.data[to] = column.data[from] as number
    this.deviceStart[to] = this.deviceStart[from] as number
    this.deviceCount[to] = this.deviceCount[from] as number
    this.other[to] = this.other[from]
    this.other[from] = undefined
  }

  /** The number that a listing has in a column, in the column's own unit. */
  numberOf(listing: Listing, column: NumberColumn): number {
    const value = listingValue(listing, column.name, this.money)
    return typeof value === 'number' ? value / column.factor : NaN
  }

  /** Changes a code in place; true when it is another one. */
  replace(column: { data: Uint32Array; readonly dictionary: Dictionary<unknown> }, row: number, code: number): boolean {
    const old = column.data[row] as number
    column.dictionary.release(old)
    column.data[row] = code
    return old !== code
  }

  listCode(dictionary: Dictionary<WordList>, list: readonly string[]): number {
    if (list.length === 0) return 0
    const keys = list.map(fold)
    return dictionary.intern(keys.join('\0'), { shown: list, keys })
  }

  runnerCode(runners: readonly OfferedRunner[]): number {
    const names = runners.map((r) => fold(r.runner))
    const isolations = runners.map((r) => fold(r.isolation))
    return this.runners.dictionary.intern(`${names.join('\0')}\0\0${isolations.join('\0')}`, { shown: runners, names, isolations })
  }

  acceptCode(accept: string): number {
    return accept === '' ? 0 : this.accepts.dictionary.intern(accept, accept)
  }

  otherMoney({ offer }: Listing): OtherMoney | undefined {
    return offer.rails.some((r) => r.unit !== this.money) ? { rails: offer.rails, stake: offer.stake } : undefined
  }

  /** The kind, freedom or a source of a device. */
  smallValue(name: string, at: number): readonly PropertyValue[] {
    if (name === 'kind') return [KINDS[this.deviceKind[at] as number] as string]
    if (name === 'free') return [this.deviceFree[at] === 1]
    const source = SOURCES[this.deviceSources.get(name)?.data[at] ?? 0]
    return source === undefined || source === '' ? [] : [source]
  }

  /** Writes the devices of a row that has none. */
  writeDevices(row: number, devices: readonly Device[]): void {
    const start = this.holes[devices.length]?.pop() ?? this.moreDevices(devices.length)
    this.deviceStart[row] = start
    this.deviceCount[row] = devices.length
    for (const [i, device] of devices.entries()) {
      const at = start + i
      for (const column of this.deviceNumberList) {
        const value = deviceValue(device, column.name)
        column.data[at] = typeof value === 'number' ? value : NaN
      }
      for (const column of this.deviceWords.values())
        column.data[at] = column.dictionary.add(column.name === 'vendor' ? device.vendor : device.model)
      for (const [name, column] of this.deviceSources) column.data[at] = SOURCES.indexOf(figureSource(device, name.slice(0, -7)) ?? '')
      this.deviceKind[at] = KINDS.indexOf(device.kind)
      this.deviceFree[at] = device.free ? 1 : 0
      this.deviceSame[at] = i > 0 && this.isLike(at, at - 1) ? 1 : 0
    }
    this.hosts.write(row, devices, (at) => this.knownNumbers(start + at))
  }

  /** Lets go of a row's devices. */
  eraseDevices(row: number): void {
    const start = this.deviceStart[row] as number
    const count = this.deviceCount[row] as number
    for (const column of this.deviceWords.values())
      for (let at = start; at < start + count; at++) column.dictionary.release(column.data[at] as number)
    this.hosts.erase(row)
    ;(this.holes[count] ??= []).push(start)
    this.deviceCount[row] = 0
  }

  private isLike(a: number, b: number): boolean {
    if (this.deviceKind[a] !== this.deviceKind[b] || this.deviceFree[a] !== this.deviceFree[b]) return false
    for (const { data } of this.deviceNumberList) if (!Object.is(data[a], data[b])) return false
    for (const { data } of this.deviceWords.values()) if (data[a] !== data[b]) return false
    for (const { data } of this.deviceSources.values()) if (data[a] !== data[b]) return false
    return true
  }

  private *knownNumbers(at: number): Iterable<readonly [name: string, value: number]> {
    for (const { name, data } of this.deviceNumberList) if (!Number.isNaN(data[at])) yield [name, data[at] as number]
  }

  private moreDevices(count: number): number {
    const start = this.deviceEnd
    this.deviceEnd += count
    const room = this.deviceKind.length
    if (this.deviceEnd > room) {
      const next = Math.max(1024, room * 2)
      for (const column of this.deviceNumbers.values()) column.data = longer(column.data, next)
      for (const column of this.deviceWords.values()) column.data = longer(column.data, next)
      for (const column of this.deviceSources.values()) column.data = longer(column.data, next)
      this.deviceKind = longer(this.deviceKind, next)
      this.deviceFree = longer(this.deviceFree, next)
      this.deviceSame = longer(this.deviceSame, next)
    }
    return start
  }
}

function wordOf({ offer }: Listing, name: string): string | null {
  return name === 'cpu.model'
    ? offer.cpu.model
    : name === 'os'
      ? offer.os
      : name === 'arch'
        ? offer.arch
        : name === 'region'
          ? offer.region
          : offer.serves
}

function listOf({ offer }: Listing, name: string): readonly string[] {
  switch (name) {
    case 'cached.image':
      return offer.images
    case 'cached.model':
      return offer.models
    case 'sla':
      return offer.sla === null ? [] : [offer.sla.rail]
    default:
      return offer.rails.map((r) => r.rail)
  }
}

function longer<A extends Float64Array | Uint32Array | Uint8Array>(old: A, length: number): A {
  const Kind = old.constructor as new (length: number) => A
  const next = new Kind(length)
  next.set(old)
  return next
}
