import { expect, it } from 'vitest'
import { isEnd, PHASES } from './phase.ts'
import { STATES } from './states.ts'
import { allTransitions, transitionOf, TRANSITIONS } from './transitions.ts'

it('TRANSITIONS reaches every phase of both sides from idle, and an end from each', () => {
  for (const role of ['renter', 'provider'] as const) {
    const steps = allTransitions()
      .map((line) => line.split(' '))
      .filter(([who, machine]) => who === role && machine === 'contract')
    const closure = (from: string): Set<string> => {
      const reached = new Set([from])
      for (const at of reached) for (const [, , start, , to] of steps) if (start === at && to !== undefined) reached.add(to)
      return reached
    }
    const phases = PHASES.filter((phase) => !isEnd(phase) && !(role === 'renter' && phase === 'confirmed'))
    expect([...closure('idle')].toSorted()).toEqual([...phases, 'end'].toSorted())
    for (const phase of phases) expect(closure(phase).has('end')).toBe(true)
    expect(STATES.filter((state) => state.role === role).map(({ phase }) => phase)).toEqual(phases)
  }
})

it('transitionOf() names every end the same', () => {
  const move = { machine: 'contract', from: 'accepted', on: 'peer:cancel', to: 'expired' } as const
  expect(transitionOf('provider', move)).toBe('provider contract accepted peer:cancel end')
  expect(TRANSITIONS.provider.contract.accepted?.['peer:cancel']).toEqual(['end'])
})
