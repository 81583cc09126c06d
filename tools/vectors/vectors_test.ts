// The vectors on disk are those that the code makes.

import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { makeAll } from './main.ts'

describe('makeAll()', () => {
  it('makes the files of spec/vectors, byte for byte', async () => {
    const texts = await makeAll()
    expect(texts.size).toBeGreaterThan(0)
    for (const [file, text] of texts) {
      expect(
        readFileSync(new URL(`../../spec/vectors/${file}`, import.meta.url), 'utf8') === text,
        `spec/vectors/${file} is up to date`,
      ).toBe(true)
    }
  })
})
