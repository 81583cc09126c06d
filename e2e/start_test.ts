// `npm start` as a newcomer runs it, with a smaller picture.

import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findAnvil } from '@haggle/chain/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

interface StartResult {
  readonly ok: boolean
  readonly picture: string
  readonly killed: string | null
  readonly contracts: readonly {
    readonly provider: string
    readonly path: string
    readonly tiles: number
    readonly signedBy: string
    readonly verified: boolean
    readonly lost: string | null
    readonly cost: string
    readonly paid?: string
    readonly settled?: string
    readonly gas?: { readonly open: number; readonly claim: number; readonly anchor: number }
    readonly anchor?: { readonly transaction: string; readonly size: number } | null
  }[]
  readonly chain: { readonly agrees: boolean; readonly wrong: readonly string[] } | null
  readonly recheck: { readonly same: boolean }
}

const root = join(import.meta.dirname, '..')
const LIMIT_MS = 240_000

describe('npm start', () => {
  let folder = ''
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'haggle-start-test-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  const start = (...flags: string[]): Promise<{ result: StartResult; code: number | null }> =>
    new Promise((resolve, reject) => {
      const args = [
        '--conditions=@haggle/source',
        join(root, 'tools/start/main.ts'),
        '--once',
        '--json',
        '--out',
        join(folder, 'out'),
        '--width',
        '400',
        ...flags,
      ]
      const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
      let stdout = ''
      let stderr = ''
      child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
      child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
      child.once('error', reject)
      child.once('close', (code) => {
        try {
          resolve({ code, result: JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as StartResult })
        } catch {
          reject(new Error(`no JSON at the end of stdout: ${stdout}\n${stderr}`))
        }
      })
    })

  it(
    'renders the picture on three strangers, one of them through the relay, with receipts that both signed',
    async () => {
      const { result, code } = await start('--samples', '4', '--free')
      expect(result.chain).toBeNull()
      expect(result).toMatchObject({ ok: true, killed: null, recheck: { same: true } })
      expect(code).toBe(0)
      expect(readFileSync(result.picture).subarray(1, 4).toString()).toBe('PNG')
      expect(new Set(result.contracts.map(({ provider }) => provider)).size).toBe(3)
      expect(result.contracts.map(({ signedBy, verified, lost }) => ({ signedBy, verified, lost }))).toEqual(
        Array(3).fill({ signedBy: 'both', verified: true, lost: null }),
      )
      expect(result.contracts.filter(({ path }) => path.startsWith('relay'))).toHaveLength(1)
    },
    LIMIT_MS,
  )

  it(
    'pays in test money what is claimed and anchored, and still gives the picture when a provider is killed in the middle',
    async ({ skip }) => {
      skip(findAnvil() === undefined, 'anvil has no program for this machine')
      const { result, code } = await start('--samples', '8', '--kill-one')
      expect(result.chain).toMatchObject({ agrees: true, wrong: [] })
      expect(result).toMatchObject({ ok: true, recheck: { same: true } })
      expect(code).toBe(0)
      const isDead = ({ provider }: StartResult['contracts'][number]): boolean => provider === result.killed
      expect(result.contracts.filter(isDead)).toMatchObject([{ lost: expect.any(String) as string }])
      const alive = result.contracts.filter((one) => !isDead(one))
      expect(alive.map(({ lost }) => lost)).toEqual([null, null])
      for (const { paid, settled } of alive) expect([Number(paid) > 0, settled]).toEqual([true, paid])
      // The one that was killed comes back and claims what vouchers gave it: nothing, where it died before its first METER was paid.
      for (const { paid, settled } of result.contracts) expect(Number(settled)).toBeLessThanOrEqual(Number(paid))
      for (const { gas, anchor } of alive) {
        expect(gas?.open).toBeGreaterThan(50_000)
        expect(gas?.claim).toBeGreaterThan(20_000)
        expect(anchor?.size).toBeGreaterThan(0)
      }
    },
    LIMIT_MS,
  )
})
