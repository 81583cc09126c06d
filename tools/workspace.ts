// Reads the workspace from disk: every package with its manifest and its TypeScript sources. The checks below tools/ work on this.

import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, relative } from 'node:path'
import { parseSync } from 'oxc-parser'

/** The parts of a package.json that the checks read. */
export interface Manifest {
  readonly name: string
  readonly private?: boolean
  readonly exports?: Readonly<Record<string, string | Readonly<Record<string, string>>>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly nx?: { readonly tags?: readonly string[] }
}

/** One package of the workspace. */
export interface Package {
  /** Folder relative to the root, such as `libs/wire`. */
  readonly dir: string
  readonly manifest: Manifest
  /** Source text by path relative to the root. Sources only: no `dist`, no `node_modules`. */
  readonly sources: ReadonlyMap<string, string>
}

/** The whole workspace as the checks see it. */
export interface Workspace {
  /** Root devDependencies: what tests and tools may import. */
  readonly devDependencies: readonly string[]
  readonly packages: readonly Package[]
}

/** One import or re-export of a file. */
export interface ImportEdge {
  readonly specifier: string
  /** True when nothing of it is left at run time. */
  readonly typeOnly: boolean
}

const BUILT = /(^|\/)(node_modules|dist)(\/|$)/

/** Loads the workspace under `root`. */
export function loadWorkspace(root: string): Workspace {
  const read = (path: string): Manifest => JSON.parse(readFileSync(`${root}/${path}`, 'utf8')) as Manifest
  const manifests = globSync('{{libs,apps}/*,e2e,tools,examples}/package.json', { cwd: root })
  return {
    devDependencies: Object.keys(read('package.json').devDependencies ?? {}),
    packages: manifests.sort().map((path) => ({ dir: dirname(path), manifest: read(path), sources: readSources(root, dirname(path)) })),
  }
}

function readSources(root: string, dir: string): Map<string, string> {
  const files = globSync(`${root}/${dir}/**/*.{ts,js}`, { exclude: (entry) => BUILT.test(relative(root, String(entry))) })
  return new Map(files.sort().map((file) => [relative(root, file), readFileSync(file, 'utf8')]))
}

/** Static imports and re-exports of one source text. Dynamic `import()` is left out: it is how an optional platform is reached. */
export function importsOf(path: string, source: string): ImportEdge[] {
  const { module } = parseSync(path, source)
  const edges: ImportEdge[] = module.staticImports.map((one) => ({
    specifier: one.moduleRequest.value,
    typeOnly: one.entries.length > 0 && one.entries.every((entry) => entry.isType),
  }))
  for (const { entries } of module.staticExports) {
    for (const entry of entries) {
      if (entry.moduleRequest) edges.push({ specifier: entry.moduleRequest.value, typeOnly: entry.isType })
    }
  }
  return edges
}

/** The value of a `key:value` tag of a package, such as its layer. */
export function tagOf({ manifest }: Package, key: string): string {
  return manifest.nx?.tags?.find((tag) => tag.startsWith(`${key}:`))?.slice(key.length + 1) ?? ''
}

/** Source file of each export of a package: subpath (`.` or `./node`) -> path relative to the root. */
export function sourceExports({ dir, manifest }: Package): Map<string, string> {
  const entries = new Map<string, string>()
  for (const [subpath, target] of Object.entries(manifest.exports ?? {})) {
    const source = typeof target === 'string' ? target : target['@haggle/source']
    if (source?.endsWith('.ts')) entries.set(subpath, `${dir}/${source.replace('./', '')}`)
  }
  return entries
}

/** Name of the package that an import specifier names: `@haggle/wire/testing` -> `@haggle/wire`. */
export function packageName(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

/** True when `dir` of the checkout exists: a stage that has nothing to look at says so instead of passing silently. */
export function present(root: string, dir: string): boolean {
  return existsSync(`${root}/${dir}`)
}
