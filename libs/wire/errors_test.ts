// The one error class and the code of anything thrown.

import { describe, expect, it } from 'vitest'
import { errorCode, HaggleError } from './mod.ts'

describe('HaggleError', () => {
  it('carries code, cause, details and what to do next', () => {
    const cause = new Error('inner')
    const error = new HaggleError('E_TEST', 'Cannot test', { cause, details: { n: 1 }, next: 'try again' })
    expect(error).toMatchObject({ name: 'HaggleError', code: 'E_TEST', message: 'Cannot test', details: { n: 1 }, next: 'try again' })
    expect(error.cause).toBe(cause)
    expect('cause' in new HaggleError('E_TEST', 'Cannot test')).toBe(false)
  })
})

describe('errorCode()', () => {
  it('gives a stable code for anything thrown', () => {
    expect(errorCode(new HaggleError('E_TEST', ''))).toBe('E_TEST')
    expect(errorCode(AbortSignal.abort().reason)).toBe('E_ABORTED')
    expect(errorCode(new Error('x'))).toBe('E_UNKNOWN')
    expect(errorCode('x')).toBe('E_UNKNOWN')
  })
})
