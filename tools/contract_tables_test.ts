import { allTransitions, isEnd, type Phase, PHASES, STATES } from '@haggle/contract'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { withTables } from './contract_tables.ts'

const page = readFileSync(join(import.meta.dirname, '../spec/negotiation.md'), 'utf8')

it('spec/negotiation.md has the tables of the machine', () => {
  expect(withTables(page)).toBe(page)
})

it('STATES has a timeout and a liable party for every state that the machine waits in', () => {
  const waiting = new Set(
    allTransitions()
      .map((line) => line.split(' '))
      .filter(([, machine]) => machine === 'contract')
      .map(([role, , from]) => `${role} ${from}`),
  )
  expect(new Set(STATES.map(({ role, phase }) => `${role} ${phase}`))).toEqual(waiting)
  const timed = new Set(
    allTransitions()
      .filter((line) => / deadline:(turn|silence|stop) /.test(line))
      .map((line) => line.split(' ').slice(0, 3).join(' ')),
  )
  for (const { role, phase } of STATES) expect([phase, phase === 'idle' || timed.has(`${role} contract ${phase}`)]).toEqual([phase, true])
  expect(PHASES.filter((phase: Phase) => isEnd(phase))).toHaveLength(6)
})
