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
        '560',
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
    'pays each provider in test money, which it claims and anchors, and the chain agrees',
    async ({ skip }) => {
      skip(findAnvil() === undefined, 'anvil has no program for this machine')
      const { result, code } = await start('--samples', '4')
      expect(result.chain).toMatchObject({ agrees: true, wrong: [] })
      expect(result).toMatchObject({ ok: true, recheck: { same: true } })
      expect(code).toBe(0)
      for (const { paid, settled, gas, anchor } of result.contracts) {
        expect(Number(paid)).toBeGreaterThan(0)
        expect(settled).toBe(paid)
        expect(gas?.open).toBeGreaterThan(50_000)
        expect(gas?.claim).toBeGreaterThan(20_000)
        expect(anchor?.size).toBeGreaterThan(0)
      }
    },
    LIMIT_MS,
  )

  it(
    'still gives the picture when a provider is killed in the middle: its tiles go elsewhere',
    async ({ skip }) => {
      skip(findAnvil() === undefined, 'anvil has no program for this machine')
      const { result, code } = await start('--samples', '16', '--kill-one')
      // The one that was killed comes back and claims what vouchers gave it.
      expect(result.chain).toMatchObject({ agrees: true, wrong: [] })
      expect(result).toMatchObject({ ok: true, recheck: { same: true } })
      expect(code).toBe(0)
      const dead = result.contracts.filter(({ provider }) => provider === result.killed)
      expect(dead).toMatchObject([{ lost: expect.any(String) as string }])
      expect(result.contracts.filter(({ lost }) => lost === null)).toHaveLength(2)
    },
    LIMIT_MS,
  )
})
