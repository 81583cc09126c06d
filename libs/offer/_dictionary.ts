// Strings as small integers: interned with ASCII case folded, counted, forgotten when the last one goes.

import { fold } from './evaluate.ts'

/** Interned values. Code 0 means "none". */
export class Dictionary<T> {
  /** Grows by one whenever a code is used again for another value: what was worked out for codes is stale then. */
  version = 0
  private readonly codes = new Map<string, number>()
  private readonly keys: string[] = ['']
  private readonly values: (T | undefined)[] = [undefined]
  private readonly uses: number[] = [0]
  private readonly free: number[] = []

  /** Codes in use are below this. */
  get bound(): number {
    return this.values.length
  }

  /** The code of `key`, which counts one more use. `value` is kept for the first use. */
  intern(key: string, value: T): number {
    const known = this.codes.get(key)
    if (known !== undefined) {
      this.uses[known] = (this.uses[known] as number) + 1
      return known
    }
    const again = this.free.pop()
    if (again !== undefined) this.version++
    const code = again ?? this.values.length
    this.codes.set(key, code)
    this.keys[code] = key
    this.values[code] = value
    this.uses[code] = 1
    return code
  }

  /** Takes one use back. */
  release(code: number): void {
    if (code === 0) return
    const left = (this.uses[code] as number) - 1
    this.uses[code] = left
    if (left > 0) return
    this.codes.delete(this.keys[code] as string)
    this.keys[code] = ''
    this.values[code] = undefined
    this.free.push(code)
  }

  /** The code of `key`, or 0. */
  lookup(key: string): number {
    return this.codes.get(key) ?? 0
  }

  value(code: number): T | undefined {
    return this.values[code]
  }

  key(code: number): string {
    return this.keys[code] as string
  }

  usesOf(code: number): number {
    return this.uses[code] as number
  }

  /** Every code in use. */
  *used(): Iterable<number> {
    yield* this.codes.values()
  }
}

/** A dictionary of strings, equal when they fold alike; its values are as first written. */
export class Words extends Dictionary<string> {
  add(text: string | null | undefined): number {
    return text === null || text === undefined ? 0 : this.intern(fold(text), text)
  }

  find(text: string): number {
    return this.lookup(fold(text))
  }
}
