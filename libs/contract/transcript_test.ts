import { portableSuite } from '@haggle/identity'
import { nodeSuite } from '@haggle/identity/node'
import { concat, errorCode, fromHex, peekEnvelope, toHex, utf8 } from '@haggle/wire'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { encodeTranscript, readTranscript, TRANSCRIPT_HEADER } from './transcript.ts'

interface Vectors {
  readonly renter: string
  readonly good: readonly { readonly name: string; readonly file: string; readonly report: { readonly cut: boolean } }[]
}

const vectors = JSON.parse(readFileSync(join(import.meta.dirname, '../../spec/vectors/transcript.json'), 'utf8')) as Vectors
const suite = portableSuite()

it('encodeTranscript() gives the same file again, from the chains of any file', () => {
  for (const { file } of vectors.good) {
    const { messages } = readTranscript(fromHex(file))
    const of = (renter: boolean): Uint8Array[] =>
      messages.filter((bytes) => (toHex(peekEnvelope(bytes, suite).signer) === vectors.renter) === renter)
    const once = encodeTranscript({ renter: of(true), provider: of(false) }, suite)
    const again = readTranscript(once).messages
    expect(again.map(toHex).toSorted()).toEqual(messages.map(toHex).toSorted())
    expect(
      toHex(
        encodeTranscript(
          { renter: again.filter((m) => toHex(peekEnvelope(m, suite).signer) === vectors.renter), provider: of(false) },
          suite,
        ),
      ),
    ).toBe(toHex(once))
  }
})

it('encodeTranscript() takes chains of any length', () => {
  const [first = new Uint8Array(0)] = readTranscript(fromHex(vectors.good[0]?.file ?? '')).messages
  const count = 70_000
  const file = encodeTranscript({ renter: Array.from({ length: count }, () => first), provider: [] }, nodeSuite())
  expect(file.length).toBe(TRANSCRIPT_HEADER.length + count * (4 + first.length))
  expect(readTranscript(file).messages).toHaveLength(count)
})

it('readTranscript() leaves out a tail that is no whole message, and says so', () => {
  const whole = fromHex(vectors.good[0]?.file ?? '')
  const { messages } = readTranscript(whole)
  for (const missing of [1, 4, 60]) {
    const head = readTranscript(whole.subarray(0, whole.length - missing))
    expect([head.cut, head.messages.length]).toEqual([true, messages.length - 1])
  }
  expect(readTranscript(whole).cut).toBe(false)
})

it('readTranscript() refuses another first line and a length that no message has', () => {
  const codeOf = (file: Uint8Array): string => {
    try {
      readTranscript(file)
    } catch (error) {
      return errorCode(error)
    }
    return 'none'
  }
  expect(codeOf(utf8('haggle-transcript/2\n'))).toBe('E_TRANSCRIPT_HEADER')
  expect(codeOf(concat(utf8(TRANSCRIPT_HEADER), Uint8Array.of(0, 0, 0, 0)))).toBe('E_TRANSCRIPT_FRAME')
  expect(codeOf(concat(utf8(TRANSCRIPT_HEADER), Uint8Array.of(0, 0, 0x40, 1)))).toBe('E_TRANSCRIPT_FRAME')
})
