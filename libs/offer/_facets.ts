// Which properties have bitmaps, and the bits that a row has in them.

import type { Bitmaps } from './_bitmaps.ts'
import { type Columns, type NumberColumn, SOURCES } from './_columns.ts'
import { NumberGroup, WordGroup } from './_groups.ts'

/** A number of an offer. */
const ROW_NUMBERS = [
  'gpu.count',
  'cpu.cores',
  'cpu.threads',
  'memory',
  'disk',
  'net.down',
  'net.up',
  'slots.free',
  'limit.cpu',
  'limit.memory',
  'limit.disk',
  'limit.duration',
  'stake',
  'provider.score',
  'provider.jobs',
  'provider.rtt',
] as const

/** A number of a GPU: the largest among an offer's. */
const GPU_NUMBERS = [
  'vram',
  'vram.free',
  'cc',
  'driver',
  'cuda',
  'rocm',
  'metal',
  'vulkan',
  'bench.f32',
  'bench.f16',
  'bench.i8',
  'bench.mem',
] as const

/** A count of GPUs with so much of one of {@link NTH_NUMBERS} asks for the n-th largest. */
export const NTH: readonly number[] = [2, 4, 8]

/** What people ask of each of several GPUs. */
export const NTH_NUMBERS: readonly string[] = ['vram', 'cc']

/** Sources worth a bitmap: people ask for challenged figures. */
const GPU_SOURCES = ['vram.source', 'bench.f32.source', 'bench.f16.source', 'bench.mem.source'] as const

/** Of which values get a bitmap of their own, and how many bitmaps the others share. */
const WORDS: Readonly<Record<string, readonly [own: number, shared: number]>> = {
  'cpu.model': [32, 16],
  os: [6, 2],
  arch: [4, 2],
  region: [128, 32],
  serves: [2, 1],
  runner: [8, 4],
  isolation: [8, 4],
  rail: [8, 4],
  sla: [4, 2],
  'cached.image': [48, 48],
  'cached.model': [48, 48],
  'gpu.model': [96, 48],
  'gpu.vendor': [8, 4],
}

/** A number property with its bitmaps and where a row's value is. */
interface NumberFacet {
  readonly group: NumberGroup
  readonly read: (row: number) => number
  nextRebuild: number
}

/** A string property with its bitmaps and a row's values. */
type WordFacet = readonly [group: WordGroup, keys: (row: number, emit: (key: string) => void) => void]

/** Every bitmap of every row. */
export class Facets {
  /** Rows with a GPU have none of these bits. */
  readonly noGpu: number
  private readonly bitmaps: Bitmaps
  private readonly columns: Columns
  private readonly numbers = new Map<string, NumberFacet>()
  private readonly numberList: NumberFacet[] = []
  private readonly words = new Map<string, WordGroup>()
  private readonly rowWords: readonly WordFacet[]
  private readonly gpuWords: readonly WordFacet[]
  private turn = 0

  constructor(bitmaps: Bitmaps, columns: Columns) {
    this.bitmaps = bitmaps
    this.columns = columns
    this.noGpu = bitmaps.add()
    for (const name of ROW_NUMBERS) this.number(name, readRow(columns.numbers.get(name) as NumberColumn))
    for (const name of GPU_NUMBERS) this.number(`gpu.${name}`, readGpu(columns, name, Math.max))
    this.number('gpu.vram:least', readGpu(columns, 'vram', Math.min))
    for (const name of NTH_NUMBERS) for (const nth of NTH) this.number(`gpu.${name}:${nth}`, readNth(columns, name, nth))
    this.number('gpu.free:count', readFree(columns))
    this.rowWords = this.wordsOfRows()
    this.gpuWords = this.wordsOfGpus()
  }

  /**
   * The number group of a property; `gpu.…` is the largest among the GPUs, `gpu.vram:least` the smallest, `gpu.vram:n` the n-th largest for each n of
   * {@link NTH} and each of {@link NTH_NUMBERS}, `gpu.free:count` how many are free.
   */
  numberGroup(name: string): NumberGroup | undefined {
    return this.numbers.get(name)?.group
  }

  wordGroup(name: string): WordGroup | undefined {
    return this.words.get(name)
  }

  /** Changes when a program made before may no longer hold. */
  get version(): number {
    let sum = 0
    for (const facet of this.numberList) sum += facet.group.version
    for (const group of this.words.values()) sum += group.version
    return sum
  }

  /** Sets every bit of a row that has none. */
  set(row: number): void {
    for (const { group, read } of this.numberList) group.set(row, read(row))
    for (const [group, keys] of this.rowWords) keys(row, (key) => group.set(row, key))
    this.setGpuBits(row)
  }

  /** Clears every bit of a row. To be called before its columns change. */
  clear(row: number): void {
    for (const { group, read } of this.numberList) group.clear(row, read(row))
    for (const [group, keys] of this.rowWords) keys(row, (key) => group.clear(row, key))
    for (const [group, keys] of this.gpuWords) {
      keys(row, (key) => group.clear(row, key))
      this.bitmaps.clear(group.uniform, row)
    }
    this.bitmaps.clear(this.noGpu, row)
  }

  /** Chooses better cuts for one group now and then, as the number of rows grows. `rows` are all that are there. */
  tend(size: number, rows: () => Iterable<number>): void {
    if (size < 64) return
    this.turn = (this.turn + 1) % this.numberList.length
    const facet = this.numberList[this.turn] as NumberFacet
    if (size < facet.nextRebuild) return
    facet.nextRebuild = size * 4
    const { read } = facet
    facet.group.rebuild(function* () {
      for (const row of rows()) yield [row, read(row)] as const
    }, size)
  }

  private setGpuBits(row: number): void {
    for (const [group, keys] of this.gpuWords) {
      let first: string | undefined
      let same = true
      keys(row, (key) => {
        first ??= key
        if (key !== first) same = false
        group.set(row, key)
      })
      if (first !== undefined && same) this.bitmaps.set(group.uniform, row)
    }
    if (this.columns.numbers.get('gpu.count')?.data[row] === 0) this.bitmaps.set(this.noGpu, row)
  }

  private number(name: string, read: (row: number) => number): void {
    const facet = { group: new NumberGroup(this.bitmaps), read, nextRebuild: 64 }
    this.numbers.set(name, facet)
    this.numberList.push(facet)
  }

  private word(name: string, single: boolean, sizes?: readonly [number, number]): WordGroup {
    const [own, shared] = sizes ?? WORDS[name] ?? [8, 4]
    const group = new WordGroup(this.bitmaps, { single, own, shared })
    this.words.set(name, group)
    return group
  }

  private wordsOfRows(): WordFacet[] {
    const { columns } = this
    const found: WordFacet[] = []
    for (const [name, column] of columns.words) {
      found.push([
        this.word(name, true),
        (row, emit) => {
          const code = column.data[row] as number
          if (code !== 0) emit(column.dictionary.key(code))
        },
      ])
    }
    for (const [name, list] of columns.lists) {
      found.push([
        this.word(name, false),
        (row, emit) => {
          const code = list.data[row] as number
          if (code !== 0) for (const key of list.dictionary.value(code)?.keys ?? []) emit(key)
        },
      ])
    }
    for (const [name, part] of [
      ['runner', 'names'],
      ['isolation', 'isolations'],
    ] as const) {
      found.push([
        this.word(name, false),
        (row, emit) => {
          for (const key of columns.runners.dictionary.value(columns.runners.data[row] as number)?.[part] ?? []) emit(key)
        },
      ])
    }
    return found
  }

  private wordsOfGpus(): WordFacet[] {
    const { columns } = this
    const onGpus =
      (key: (at: number) => string | undefined) =>
      (row: number, emit: (key: string) => void): void => {
        const start = columns.deviceStart[row] as number
        const end = start + (columns.deviceCount[row] as number)
        for (let at = start; at < end; at++) {
          const found = columns.deviceKind[at] === 0 ? key(at) : undefined
          if (found !== undefined) emit(found)
        }
      }
    const found: WordFacet[] = []
    for (const [name, column] of columns.deviceWords)
      found.push([this.word(`gpu.${name}`, false), onGpus((at) => column.dictionary.key(column.data[at] as number))])
    found.push([this.word('gpu.free', false, [2, 1]), onGpus((at) => (columns.deviceFree[at] === 1 ? 'true' : 'false'))])
    for (const name of GPU_SOURCES) {
      found.push([
        this.word(`gpu.${name}`, false, [5, 1]),
        onGpus((at) => SOURCES[columns.deviceSources.get(name)?.data[at] ?? 0] || undefined),
      ])
    }
    return found
  }
}

function readRow(column: NumberColumn): (row: number) => number {
  return (row) => (column.data[row] as number) * column.factor
}

/** The largest or smallest known value of a property among a row's GPUs, NaN without any. */
export function readGpu(columns: Columns, name: string, pick: (a: number, b: number) => number): (row: number) => number {
  const column = columns.deviceNumbers.get(name) as NumberColumn
  return (row) => {
    let best = NaN
    const start = columns.deviceStart[row] as number
    const end = start + (columns.deviceCount[row] as number)
    for (let at = start; at < end; at++) {
      if (columns.deviceKind[at] !== 0) continue
      const value = column.data[at] as number
      if (value === value) best = best === best ? pick(best, value) : value
    }
    return best
  }
}

/** The n-th largest known value of a property among a row's GPUs, NaN with fewer. */
function readNth(columns: Columns, name: string, nth: number): (row: number) => number {
  const column = columns.deviceNumbers.get(name) as NumberColumn
  return (row) => {
    const start = columns.deviceStart[row] as number
    const count = columns.deviceCount[row] as number
    if (count < nth) return NaN
    const values: number[] = []
    for (let at = start; at < start + count; at++) {
      const value = column.data[at] as number
      if (columns.deviceKind[at] === 0 && value === value) values.push(value)
    }
    return values.length < nth ? NaN : (values.sort((a, b) => b - a)[nth - 1] as number)
  }
}

/** How many of a row's GPUs are free. */
function readFree(columns: Columns): (row: number) => number {
  return (row) => {
    const start = columns.deviceStart[row] as number
    const end = start + (columns.deviceCount[row] as number)
    let free = 0
    for (let at = start; at < end; at++) if (columns.deviceKind[at] === 0 && columns.deviceFree[at] === 1) free++
    return free
  }
}
