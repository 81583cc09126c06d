// Vitest reporter: writes what passed, failed and was skipped, with the reason of each skip, to one JSON file.

import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Reporter } from 'vitest/node'

/** What one vitest run came to. */
export interface Counts {
  readonly passed: number
  readonly failed: readonly { readonly name: string; readonly message: string }[]
  readonly skipped: readonly { readonly name: string; readonly reason: string }[]
  /** The tests that took longest, the longest first. */
  readonly slowest: readonly { readonly name: string; readonly ms: number }[]
}

/** How many of the slowest are kept. */
const SLOWEST = 8

/** A reporter that leaves the {@link Counts} of the run in `path`. */
export function countReporter(path: string): Reporter {
  return {
    onTestRunEnd(modules, unhandled) {
      let passed = 0
      const failed = unhandled.map((error) => ({ name: 'outside of any test', message: firstLine(error.message) }))
      const skipped: { name: string; reason: string }[] = []
      const times: { name: string; ms: number }[] = []
      for (const module of modules) {
        for (const error of module.errors()) failed.push({ name: module.relativeModuleId, message: firstLine(error.message) })
        for (const test of module.children.allTests()) {
          const name = `${module.relativeModuleId} > ${test.fullName}`
          const result = test.result()
          times.push({ name, ms: Math.round(test.diagnostic()?.duration ?? 0) })
          if (result.state === 'passed') passed += 1
          else if (result.state === 'failed') failed.push({ name, message: firstLine(result.errors[0]?.message ?? '') })
          else skipped.push({ name, reason: (result.state === 'skipped' ? result.note : undefined) ?? reasonIn(name) })
        }
      }
      mkdirSync(dirname(path), { recursive: true })
      const slowest = times.sort((a, b) => b.ms - a.ms).slice(0, SLOWEST)
      writeFileSync(path, JSON.stringify({ passed, failed, skipped, slowest } satisfies Counts))
    },
  }
}

/** Tests that are left out as a group carry the reason in their title. */
const reasonIn = (name: string): string => /\(skipped: (.+?)\)(?: >|$)/.exec(name)?.[1] ?? 'no reason given'

const firstLine = (text: string): string => text.split('\n')[0] ?? ''
