import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { writableFolder } from './run_flags.ts'

it('writableFolder() refuses what can be no folder for results, and makes nothing', () => {
  const root = mkdtempSync(join(tmpdir(), 'haggle-out-'))
  try {
    writeFileSync(join(root, 'file'), '')
    expect(writableFolder('--out', root)).toBe(root)
    expect(writableFolder('--out', join(root, 'new/deep'))).toBe(join(root, 'new/deep'))
    for (const path of ['file', 'file/deep']) {
      const refused = (): string => writableFolder('--out', join(root, path))
      expect(refused).toThrow(expect.objectContaining({ code: 'E_FILE_MISSING' }))
    }
    expect(readdirSync(root)).toEqual(['file'])
  } finally {
    rmSync(root, { recursive: true })
  }
})
