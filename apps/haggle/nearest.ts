// "Did you mean": the known word that is closest to what was typed.

function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replace = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replace, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}

/** The word of `known` nearest to `typed`, or undefined when none is near: at most a third of its letters differ, or it begins with what was typed. */
export function nearest(typed: string, known: readonly string[]): string | undefined {
  let best: { word: string; far: number } | undefined
  for (const word of known) {
    const far = word.startsWith(typed) && typed.length >= 3 ? 1 : distance(typed, word)
    if (far <= Math.max(1, Math.floor(word.length / 3)) && (best === undefined || far < best.far)) best = { word, far }
  }
  return best?.word
}
