// The order of test files: those that take minutes begin first, so that none of them is left alone at the end with a processor idle.

import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Files below the root, the longest first. All others follow in vitest's own order. */
const LONGEST: readonly string[] = [
  'e2e/start_test.ts',
  'e2e/sla_test.ts',
  'e2e/memory_test.ts',
  'e2e/court_test.ts',
  'e2e/faults/faults_test.ts',
  'e2e/market_test.ts',
  'e2e/paid_test.ts',
  'libs/chain/trouble_test.ts',
  'libs/runners/escape_deno_test.ts',
  'libs/runners/escape_exec_test.ts',
  'libs/runners/launcher_host_test.ts',
  'libs/discovery/flood_test.ts',
  'apps/relay/relay_mesh_test.ts',
  'libs/watch/watch_service_test.ts',
  'libs/runners/launcher_life_test.ts',
  'tools/contracts/mutant_bench_test.ts',
  'libs/chain/court_differential_test.ts',
  'libs/mesh/keeper_test.ts',
]

/** Sorts by {@link LONGEST}. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = LONGEST.findIndex((path) => moduleId.endsWith(`/${path}`))
      return at < 0 ? LONGEST.length : at
    }
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b))
  }
}
