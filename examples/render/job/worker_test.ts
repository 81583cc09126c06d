import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { compileScene, type SceneFile } from './scene.ts'
import { decodeTile, encodeTile, tileRect } from './tile.ts'
import { createTracer } from './tracer.ts'
import type { WorkerLine } from './worker.ts'

const deno = join(import.meta.dirname, '../../../node_modules/.bin/deno')
const shipped = JSON.parse(readFileSync(`${import.meta.dirname}/scene.json`, 'utf8')) as SceneFile
const small = JSON.stringify({ ...shipped, width: 64, height: 36, tile: [32, 36], samples: 4 })

describe('worker', () => {
  let folder = ''
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'haggle-render-'))
    cpSync(import.meta.dirname, folder, { recursive: true })
    writeFileSync(join(folder, 'scene.json'), small)
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  const work = (input: string, ...args: string[]): Promise<{ lines: WorkerLine[]; code: number | null }> =>
    new Promise((resolve, reject) => {
      const flags = [
        'run',
        '--quiet',
        '--no-prompt',
        '--no-config',
        '--no-lock',
        '--no-remote',
        '--no-npm',
        `--allow-read=${folder}`,
        `--allow-write=${folder}`,
      ]
      const child = spawn(deno, [...flags, 'worker.ts', ...args], { cwd: folder, stdio: ['pipe', 'pipe', 'ignore'] })
      let text = ''
      child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      child.on('error', reject)
      child.on('close', (code) =>
        resolve({
          code,
          lines: text
            .trim()
            .split('\n')
            .map((line) => JSON.parse(line) as WorkerLine),
        }),
      )
      child.stdin.end(input)
    })

  it('renders the tiles named on stdin, to the very bytes that Node makes of them', async () => {
    const { lines, code } = await work('1\n0\n')
    expect(code).toBe(0)
    expect(lines.map(({ kind }) => kind)).toEqual(['ready', 'tile', 'tile'])
    const scene = compileScene(small)
    for (const line of lines) {
      if (line.kind !== 'tile') continue
      const here = encodeTile(createTracer(scene).render(tileRect(line.tile, scene.file)))
      expect(line.sha256).toBe(createHash('sha256').update(here).digest('hex'))
      expect(readFileSync(join(folder, line.path)).equals(here)).toBe(true)
    }
  })

  it('refuses a tile that the picture does not have', async () => {
    expect(await work('7\n')).toMatchObject({
      code: 1,
      lines: [
        { kind: 'ready', tiles: 2 },
        { kind: 'error', message: 'no tile "7": there are 2' },
      ],
    })
  })

  it('renders the same picture through WebGPU', async ({ skip }) => {
    const { lines } = await work('1\n', '--gpu')
    skip(
      lines[0]?.kind === 'ready' && lines[0].engine === 'cpu',
      'no WebGPU adapter on this machine: apt-get install mesa-vulkan-drivers brings one in software',
    )
    const scene = compileScene(small)
    const here = createTracer(scene).render(tileRect(1, scene.file)).colour
    const there = decodeTile(readFileSync(join(folder, 'out/tile-1.bin'))).colour
    const sum = here.reduce((total, value) => total + value, 0)
    expect(here.reduce((total, value, i) => total + Math.abs(value - there[i]!), 0) / sum).toBeLessThan(0.02)
  })
})
