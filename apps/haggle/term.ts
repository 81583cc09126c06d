// What a terminal can show: colour, width, and the tables and panels that fit it.

/** A place to print to, and what it can show. */
export interface Screen {
  /** True on a terminal: colour and tables are for people. */
  readonly tty: boolean
  readonly colour: boolean
  readonly columns: number
}

/** What a stream of this process can show. NO_COLOR and a dumb terminal take the colour away. */
export function screenOf(
  stream: { readonly isTTY?: boolean; readonly columns?: number },
  env: Readonly<Record<string, string | undefined>>,
): Screen {
  const tty = stream.isTTY === true
  const plain = (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb'
  return { tty, colour: tty && !plain, columns: stream.columns ?? 80 }
}

/** Paints text for a screen. */
export type Paint = (style: Style, text: string) => string

/** A style of text. */
export type Style = 'good' | 'bad' | 'dim' | 'bold' | 'warn'

const CODES: Readonly<Record<Style, string>> = { good: '32', bad: '31', dim: '2', bold: '1', warn: '33' }

/** A painter for a screen: plain text where there is no colour. */
export function painter(screen: Screen): Paint {
  return screen.colour ? (style, text) => (text === '' ? '' : `\u001b[${CODES[style]}m${text}\u001b[0m`) : (_, text) => text
}

/** Text of others as it may be printed: no control characters, no direction marks, bounded. */
export function safe(text: string, most = 200): string {
  const clean = text.replace(/[\p{Cc}\p{Cf}]/gu, '·')
  return clean.length > most ? `${clean.slice(0, most - 1)}…` : clean
}

// oxlint-disable-next-line no-control-regex -- the escape codes that painter writes
const PAINTED = /\u001b\[[0-9;]*m/g

/** Columns that text takes. */
export function widthOf(text: string): number {
  return [...text.replace(PAINTED, '')].length
}

/** Text padded to a width, to the right unless `left`. */
export function pad(text: string, width: number, left = false): string {
  const space = ' '.repeat(Math.max(0, width - widthOf(text)))
  return left ? space + text : text + space
}

/** A column of a table. */
export interface Column {
  readonly head: string
  /** Numbers stand to the right. */
  readonly right?: boolean
}

/** A table as lines; where the screen is too narrow, each row becomes a small block of `head  value` lines. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[], screen: Screen): string[] {
  const paint = painter(screen)
  const widths = columns.map((column, at) => Math.max(widthOf(column.head), ...rows.map((row) => widthOf(row[at] ?? ''))))
  const total = widths.reduce((sum, width) => sum + width, 0) + 2 * (columns.length - 1)
  if (screen.tty && total > screen.columns) {
    const label = Math.max(...columns.map((column) => widthOf(column.head)))
    return rows.flatMap((row, at) => [
      ...(at === 0 ? [] : ['']),
      ...columns.flatMap((column, place) => ((row[place] ?? '') === '' ? [] : [`${paint('dim', pad(column.head, label))}  ${row[place]}`])),
    ])
  }
  const lineOf = (cells: readonly string[]): string =>
    columns
      .map((column, at) => pad(cells[at] ?? '', widths[at] ?? 0, column.right))
      .join('  ')
      .trimEnd()
  return [paint('dim', lineOf(columns.map((column) => column.head))), ...rows.map(lineOf)]
}

/** Panels side by side when they fit, else one below the other. */
export function panels(blocks: readonly { readonly title: string; readonly lines: readonly string[] }[], screen: Screen): string[] {
  const paint = painter(screen)
  const columns = blocks.map(({ title, lines }) => [paint('bold', title), ...lines])
  const widths = columns.map((lines) => Math.max(...lines.map(widthOf)))
  const total = widths.reduce((sum, width) => sum + width, 0) + 4 * (blocks.length - 1)
  if (!screen.tty || total > screen.columns)
    return columns.flatMap((lines, at) => [...(at === 0 ? [] : ['']), lines[0] ?? '', ...lines.slice(1).map((line) => `  ${line}`)])
  const height = Math.max(...columns.map((lines) => lines.length))
  return Array.from({ length: height }, (_, row) =>
    columns
      .map((lines, at) => pad(lines[row] ?? '', widths[at] ?? 0))
      .join('    ')
      .trimEnd(),
  )
}
