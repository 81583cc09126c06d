// Whether a text is in Unicode normal form C, in time that grows with its length only (spec/wire.md, Dialect).

/** UTF-16 units from the start of a piece to the start of the next: more than most names and paths hold, which are one piece. */
const STEP = 256
/** Units that two pieces share: two code points that follow each other, four units at most, lie whole in one of them. */
const SHARED = 3
/** The mark of the highest combining class: every other mark goes before it, and nothing else does. */
const LAST_MARK = 0x345

/**
 * True when `text` is in normal form C: what comparing it with `text.normalize('NFC')` says. `text` holds no half of a surrogate pair.
 *
 * That call takes a step for every two marks that are out of order, and moves all that follows for every two code points that it puts together:
 * seconds for a text that fits a message. So it is only made for pieces. Each piece of a text in normal form C is in it too (UAX #15, section 9), and
 * half a pair at an edge stands for itself: no piece refuses what the whole would not. Nor does the whole refuse what all pieces let through: a code
 * point of combining class 0 is changed by none but the one before it, and a mark by none but the letter that its run of marks follows. Where a cut
 * goes through such a run, the run is a piece of its own, with its letter; its marks are known to be in order by then.
 */
export function isNormal(text: string): boolean {
  if (text.length <= STEP + SHARED) return isOwnForm(text)
  for (let at = 0; at < text.length; at += STEP) if (!isOwnForm(text.slice(at, at + STEP + SHARED))) return false
  const starters = new Map<number, boolean>()
  const startsAt = (at: number): boolean => {
    const point = text.codePointAt(at) ?? 0
    if (point < 0x300) return true
    let starts = starters.get(point)
    if (starts === undefined) starters.set(point, (starts = isStarter(point)))
    return starts
  }
  let to = 0
  for (let cut = STEP; cut < text.length; cut += STEP) {
    if (cut < to) continue
    let from = cut
    while (from > 0 && !startsAt(from)) from--
    to = cut + 1
    while (to < text.length && !startsAt(to)) to++
    if (!isOwnForm(text.slice(from, to))) return false
  }
  return true
}

function isOwnForm(text: string): boolean {
  return text === text.normalize('NFC')
}

/** True for a code point of combining class 0: no mark goes before it, and it goes before none. False for the second half of a surrogate pair. */
function isStarter(point: number): boolean {
  if (point === LAST_MARK || (point >= 0xdc00 && point <= 0xdfff)) return false
  return String.fromCodePoint(LAST_MARK, point).normalize('NFC').codePointAt(0) === LAST_MARK
}
