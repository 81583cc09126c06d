// Writes the tables of spec/negotiation.md from the machine's own data: `node --conditions=@haggle/source tools/contract_tables.ts [--check]`.

import {
  ACCEPT_MS,
  ACCEPT_RESEND_MS,
  ANSWER_MS,
  ASK_MS,
  CANCEL_MS,
  CLOSE_MS,
  MAX_ACK_MS,
  RECEIPT_MS,
  REPEAT_EVERY_MS,
  REPEAT_MS,
  SILENT_TICKS,
  SLACK_MS,
  STATES,
  STOP_MS,
  SYNC_MS,
  THINK_MS,
} from '@haggle/contract'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const PAGE = join(import.meta.dirname, '../spec/negotiation.md')

/** Constants of the timeouts, in the order in which the table names them. */
const CONSTANTS: Readonly<Record<string, number | readonly number[]>> = {
  ACCEPT_MS,
  ACCEPT_RESEND_MS,
  ANSWER_MS,
  THINK_MS,
  SLACK_MS,
  MAX_ACK_MS,
  SILENT_TICKS,
  CANCEL_MS,
  STOP_MS,
  RECEIPT_MS,
  CLOSE_MS,
  REPEAT_MS,
  REPEAT_EVERY_MS,
  SYNC_MS,
  ASK_MS,
}

function states(): string {
  const rows = STATES.map(
    ({ role, phase, waitsFor, timeout, action, end, liable }) =>
      `| ${role} | ${phase} | ${waitsFor} | ${timeout} | ${action} | ${end ?? '–'} | ${liable ?? 'nobody'} |`,
  )
  return ['| side | state | waits for | how long | then | end | liable |', '|---|---|---|---|---|---|---|', ...rows].join('\n')
}

function constants(): string {
  const shown = (value: number | readonly number[]): string =>
    (typeof value === 'number' ? [value] : value).map((each) => each.toLocaleString('en-US')).join(', ')
  return ['| constant | is |', '|---|---|', ...Object.entries(CONSTANTS).map(([name, value]) => `| ${name} | ${shown(value)} |`)].join('\n')
}

/** `page` with both tables written anew. */
export function withTables(page: string): string {
  const put = (text: string, name: string, table: string): string =>
    text.replace(new RegExp(`<!-- ${name} -->[^]*<!-- /${name} -->`), `<!-- ${name} -->\n\n${table}\n\n<!-- /${name} -->`)
  return put(put(page, 'states', states()), 'constants', constants())
}

if (import.meta.main) {
  const page = readFileSync(PAGE, 'utf8')
  const written = withTables(page)
  const ok = written === page
  if (!ok && !process.argv.includes('--check')) writeFileSync(PAGE, written)
  process.exitCode = ok || !process.argv.includes('--check') ? 0 : 1
}
