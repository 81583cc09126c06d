// All mutants of a contract in one source: each function chooses its body by the block's beneficiary, which no contract of ours looks at. So the mutants are
// compiled once, and trying one is running the tests with `--block-coinbase`.

import type { Mutant } from './mutants.ts'

/** Beneficiary that stands for mutant `index`; zero, forge's own, is the contract as it is. */
export function beneficiary(index: number): string {
  return `0x${(index + 1).toString(16).padStart(40, '0')}`
}

/** The source with every mutant that `included` has. Those without a body of their own are left out. */
export function schemata(source: string, mutants: readonly Mutant[], included: ReadonlySet<number>): string {
  const byBody = new Map<number, { to: number; indexes: number[] }>()
  mutants.forEach(({ body }, index) => {
    if (body === null || !included.has(index)) return
    const group = byBody.get(body.from) ?? { to: body.to, indexes: [] }
    group.indexes.push(index)
    byBody.set(body.from, group)
  })
  let text = source
  // From the end, so that the places before stay where they are.
  for (const [from, { to, indexes }] of [...byBody].toSorted(([a], [b]) => b - a)) {
    const branches = indexes.map((index) => {
      const { at, length, replace } = mutants[index] as Mutant
      const body = source.slice(from, at) + replace + source.slice(at + length, to)
      return `if (block.coinbase == address(${index + 1})) /* mutant ${index} */ ${body}`
    })
    text = `${text.slice(0, from)}{\n${branches.join(' else ')} else ${source.slice(from, to)}\n}${text.slice(to)}`
  }
  return text.replaceAll(/ (internal|private|external|public) pure /g, ' $1 view ')
}

/** Lines of `file`, from 0, that the compiler's messages are about. */
function linesOf(file: string, message: string): number[] {
  return [...message.matchAll(/--> ([^\s:]+):(\d+):/g)].filter(([, path]) => path?.endsWith(file)).map(([, , line]) => Number(line) - 1)
}

/** Functions whose heads the compiler complains of. */
export function complainedOf(text: string, file: string, message: string): Set<string> {
  const lines = text.split('\n')
  return new Set(linesOf(file, message).flatMap((line) => /^ {4}function (\w+)/.exec(lines[line] ?? '')?.[1] ?? []))
}

/** Mutants whose bodies the compiler complains of, by the lines of its messages about `file`. */
export function refused(text: string, file: string, message: string): Set<number> {
  const lines = text.split('\n')
  const found = new Set<number>()
  for (let line of linesOf(file, message)) {
    // Up to the mutant's mark, or to the head of its function, where there is none.
    for (; line >= 0 && !/^ {4}function /.test(lines[line] ?? ''); line--) {
      const mark = /\/\* mutant (\d+) \*\//.exec(lines[line] ?? '')
      if (mark === null) continue
      found.add(Number(mark[1]))
      break
    }
  }
  return found
}
