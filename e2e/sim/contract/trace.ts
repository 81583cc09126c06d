// One run, line by line: what every step of both machines saw and did.

import { createMachine, type Effect, type Event, type Machine } from '@haggle/contract'
import { runOnce, type RunResult } from './world.ts'

function shownEvent(event: Event): string {
  switch (event.type) {
    case 'message':
      return `${event.message.type}#${event.message.seq}`
    case 'command':
      return `${event.command.do}()`
    case 'sync':
      return `sync ${event.mine},${event.yours}`
    case 'wake':
      return 'wake'
  }
}

function shownEffect(effect: Effect): string {
  switch (effect.kind) {
    case 'sign':
      return `sign ${effect.type}#${effect.seq}`
    case 'wake':
      return `wake ${effect.atMs === null ? 'never' : Math.round(effect.atMs)}`
    case 'ignored':
      return `ignored(${effect.reason}: ${effect.detail})`
    default:
      return effect.kind
  }
}

/** Replays `seed` with a line for each step. */
export function trace(seed: number, onLine: (line: string) => void): RunResult {
  const machine = createMachine()
  const traced: Machine = {
    ...machine,
    step: (state, event) => {
      const result = machine.step(state, event)
      const own = event.type === 'message' && event.message.signer[0] === state.init.self[0] ? ' own' : ''
      const phases = state.phase === result.state.phase ? state.phase : `${state.phase} -> ${result.state.phase}`
      const alone = result.state.synced ? '' : ' (not synced)'
      onLine(
        `${state.init.role} ${Math.round(event.atMs)} ${shownEvent(event)}${own}: ${phases}${alone} [${result.effects.map(shownEffect).join(', ')}]`,
      )
      return result
    },
    restore: (init, stored, options) => {
      const result = machine.restore(init, stored, options)
      const types = (messages: typeof stored.own): string => messages.map((message) => message.type).join(' ')
      const ended = options.ended === true ? ', had ended' : ''
      onLine(
        `${init.role} ${Math.round(options.nowMs)} restart: ${result.state.phase}${ended}, own: ${types(stored.own)}, peer: ${types(stored.peer)}`,
      )
      return result
    },
  }
  return runOnce({ seed, machine: traced, onMove: () => undefined, onFault: () => undefined })
}
