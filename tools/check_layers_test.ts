import { describe, expect, it } from 'vitest'
import { layerErrors } from './check_layers.ts'
import type { Package, Workspace } from './workspace.ts'

interface Made {
  readonly layer?: string
  readonly platform?: string
  readonly depends?: readonly string[]
  readonly exports?: Readonly<Record<string, string>>
}

const made = (
  name: string,
  files: Readonly<Record<string, string>>,
  { layer = 'core', platform = 'any', depends = [], exports = {} }: Made = {},
): Package => ({
  dir: `libs/${name}`,
  manifest: {
    name: `@haggle/${name}`,
    exports: Object.fromEntries(Object.entries({ '.': './mod.ts', ...exports }).map(([path, file]) => [path, { '@haggle/source': file }])),
    dependencies: Object.fromEntries(depends.map((one) => [one, '0.1.0'])),
    nx: { tags: [`layer:${layer}`, `platform:${platform}`] },
  },
  sources: new Map(Object.entries(files).map(([file, text]) => [`libs/${name}/${file}`, text])),
})

const check = (...packages: Package[]): string[] => layerErrors({ packages, devDependencies: ['vitest'] } satisfies Workspace)

describe('layerErrors()', () => {
  it('accepts an import of a lower layer when it is declared', () => {
    const wire = made('wire', { 'mod.ts': 'export const a = 1' })
    const offer = made(
      'offer',
      { 'mod.ts': "import { a } from '@haggle/wire'\nexport const b = a" },
      { layer: 'domain', depends: ['@haggle/wire'] },
    )
    expect(check(wire, offer)).toEqual([])
  })

  it('refuses an import of a higher layer', () => {
    const wire = made('wire', { 'mod.ts': "export * from '@haggle/offer'" }, { depends: ['@haggle/offer'] })
    const offer = made('offer', { 'mod.ts': 'export const b = 1' }, { layer: 'domain' })
    expect(check(wire, offer)).toEqual([expect.stringContaining('imports @haggle/offer of the higher layer domain')])
  })

  it('refuses an undeclared dependency, also through export from', () => {
    expect(check(made('wire', { 'mod.ts': "export { x } from 'left-pad'" }))).toEqual([
      expect.stringContaining('left-pad is not a declared dependency'),
    ])
  })

  it('lets tests import root devDependencies, and only tests', () => {
    const source = "import { it } from 'vitest'\nit('x', () => {})"
    expect(check(made('wire', { 'mod.ts': 'export {}', 'mod_test.ts': source }))).toEqual([])
    expect(check(made('wire', { 'mod.ts': source }))).toHaveLength(1)
  })

  it('refuses node: in a file that a browser reaches, also behind a relative import', () => {
    const files = {
      'mod.ts': "export * from './deep.ts'",
      'deep.ts': "import { readFileSync } from 'node:fs'\nexport const r = readFileSync",
    }
    expect(check(made('wire', files))).toEqual(['libs/wire/deep.ts: reachable by a browser, but imports node:fs'])
    expect(check(made('wire', files, { platform: 'node' }))).toEqual([])
  })

  it('accepts node: in a file reachable only from a /node, /level or /testing subpath', () => {
    const files = { 'mod.ts': 'export {}', 'node.ts': "export * from './file.ts'", 'file.ts': "import 'node:fs'\nexport {}" }
    for (const subpath of ['./node', './level', './testing'])
      expect(check(made('wire', files, { exports: { [subpath]: './node.ts' } }))).toEqual([])
    expect(check(made('wire', files, { exports: { './other': './node.ts' } }))).toHaveLength(1)
  })

  it('refuses a node subpath of another library in a file that a browser reaches, unless only types are taken', () => {
    const identity = made('identity', { 'mod.ts': 'export {}', 'node.ts': 'export const a = 1' }, { exports: { './node': './node.ts' } })
    const user = (source: string): Package => made('offer', { 'mod.ts': source }, { depends: ['@haggle/identity'] })
    expect(check(identity, user("export { a } from '@haggle/identity/node'"))).toEqual([expect.stringContaining('which needs Node')])
    expect(check(identity, user("import type { a } from '@haggle/identity/node'\nexport type A = typeof a"))).toEqual([])
  })

  it('refuses a subpath that the other library does not export', () => {
    const wire = made('wire', { 'mod.ts': 'export {}', 'inner.ts': 'export const a = 1' })
    const offer = made('offer', { 'mod.ts': "export { a } from '@haggle/wire/inner'" }, { depends: ['@haggle/wire'] })
    expect(check(wire, offer)).toEqual([expect.stringContaining('@haggle/wire exports no "./inner"')])
  })

  it('refuses a relative import of another package', () => {
    expect(check(made('wire', { 'mod.ts': "export * from '../offer/mod.ts'" }))).toEqual([expect.stringContaining('import it by its name')])
  })

  it('refuses a circle of packages and a package with no layer', () => {
    const a = made('a', { 'mod.ts': 'export {}' }, { depends: ['@haggle/b'] })
    const b = made('b', { 'mod.ts': 'export {}' }, { depends: ['@haggle/a'], layer: 'cellar' })
    expect(check(a, b)).toEqual([
      expect.stringContaining('nx.tags must name a layer'),
      'packages depend on each other in a circle: @haggle/a -> @haggle/b -> @haggle/a',
    ])
  })
})
