// The agent's log: one JSON object a line, without secrets and without what peers wrote at length.

/** How much a line matters. */
export type Level = 'debug' | 'info' | 'warn' | 'error'

/** Fields of a line. Values under names that sound secret are replaced. */
export type Fields = Readonly<Record<string, unknown>>

/** Writes lines of a log. */
export type Log = (level: Level, event: string, fields?: Fields) => void

/** Longest text of one field. */
const TEXT_CHARS = 300
const SECRET = /seed|secret|pass|psk|token|private|credential|authorization|^env$|^stdin$|^command$|^args$/i
/** Runs of hex or base64 of 64 and more after a word that says it is a key. */
const SECRET_TEXT = /((?:seed|secret|psk|passphrase|token)["'\s:=]+)[^\s"',}]+/gi

function cleaned(name: string, value: unknown, depth: number): unknown {
  if (SECRET.test(name)) return '(left out)'
  if (typeof value === 'string') {
    const text = value.replace(SECRET_TEXT, '$1(left out)')
    return text.length > TEXT_CHARS ? `${text.slice(0, TEXT_CHARS)}…` : text
  }
  if (typeof value === 'bigint') return value.toString()
  if (value instanceof Uint8Array) return `(${value.length} bytes)`
  if (value instanceof Error) return cleaned(name, value.message, depth)
  if (typeof value !== 'object' || value === null) return value
  if (depth > 3) return '…'
  if (Array.isArray(value)) return value.slice(0, 20).map((item) => cleaned(name, item, depth + 1))
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, cleaned(key, item, depth + 1)]))
}

/** A line as it is written: time first, then level and event, then the cleaned fields. */
export function line(at: Date, level: Level, event: string, fields: Fields = {}): string {
  const clean = Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, cleaned(name, value, 0)]))
  return JSON.stringify({ at: at.toISOString(), level, event, ...clean })
}

/** A log that gives its lines to `write`, from `least` on. */
export function createLog(write: (text: string) => void, least: Level = 'info'): Log {
  const order: readonly Level[] = ['debug', 'info', 'warn', 'error']
  return (level, event, fields) => {
    if (order.indexOf(level) >= order.indexOf(least)) write(`${line(new Date(), level, event, fields)}\n`)
  }
}

/** Between two lines about one problem that lasts. */
const AGAIN_MS = 60_000

/** Problems, by what `nameOf` calls them: each is told when it comes, and while it lasts once a minute with how often it came since. `now` in ms. */
export function sparing(
  tell: (error: unknown, times: number) => void,
  { nameOf, now }: { readonly nameOf: (error: unknown) => string; readonly now: () => number },
): (error: unknown) => void {
  const told = new Map<string, { atMs: number; times: number }>()
  return (error) => {
    const name = nameOf(error)
    const last = told.get(name)
    if (last !== undefined && now() - last.atMs < AGAIN_MS) return void last.times++
    told.set(name, { atMs: now(), times: 0 })
    tell(error, 1 + (last?.times ?? 0))
  }
}
