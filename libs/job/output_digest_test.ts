import { portableSuite } from '@haggle/identity'
import { utf8 } from '@haggle/wire'
import { expect, it } from 'vitest'
import { outputDigest } from './output_digest.ts'

const suite = portableSuite()
const hashOf = (text: string): Uint8Array => suite.sha256(utf8(text))
const file = (path: string, content: string) => ({ path, size: content.length, sha256: hashOf(content), executable: false })
const base = {
  stdout: hashOf('out'),
  stderr: hashOf('err'),
  files: [file('b', '1'), file('a/c', '2'), file('\u{1f600}', '3'), file('\uffee', '4')],
}

it('outputDigest() does not depend on the order in which files are given', () => {
  expect(outputDigest({ ...base, files: base.files.toReversed() }, suite)).toEqual(outputDigest(base, suite))
})

it('outputDigest() changes with every part', () => {
  const others = [
    { ...base, stdout: hashOf('other') },
    { ...base, stderr: hashOf('other') },
    { ...base, stdout: base.stderr, stderr: base.stdout },
    { ...base, files: base.files.slice(1) },
    { ...base, files: [{ ...file('b', '1'), executable: true }, ...base.files.slice(1)] },
    { ...base, files: [{ ...file('b', '1'), size: 2 }, ...base.files.slice(1)] },
  ]
  const digests = [base, ...others].map((output) => outputDigest(output, suite).join())
  expect(new Set(digests).size).toBe(digests.length)
})
