// The bounded memory: it forgets, and what it forgets is what was used longest ago.

import { describe, expect, it } from 'vitest'
import { Recent } from './_recent.ts'

describe('Recent', () => {
  it('get() gives undefined when the entry was pushed out by later ones', () => {
    const recent = new Recent<number>(2)
    recent.set('a', 1)
    recent.set('b', 2)
    expect(recent.get('a')).toBe(1)
    recent.set('c', 3)
    expect(recent.get('b')).toBeUndefined()
    expect(recent.get('a')).toBe(1)
    expect(recent.get('c')).toBe(3)
  })

  it('set() replaces without pushing out when the entry is there', () => {
    const recent = new Recent<number>(2)
    recent.set('a', 1)
    recent.set('b', 2)
    recent.set('b', 3)
    expect(recent.get('a')).toBe(1)
    expect(recent.get('b')).toBe(3)
  })
})
