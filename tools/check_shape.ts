// Fails on a library that lacks what every library has: a documented mod.ts, a README, a deno.json in step with its exports, tests beside its files.

import { existsSync, readFileSync } from 'node:fs'
import { basename, posix } from 'node:path'
import { parseSync } from 'oxc-parser'
import { importsOf, loadWorkspace, type Package, sourceExports } from './workspace.ts'

/** Above this a file is more than one concept. */
export const MAX_LINES = 400

/** Files outside a package's TypeScript that the check reads; null when missing. */
export interface ShapeFiles {
  readonly readme: string | null
  readonly deno: { readonly name?: string; readonly version?: string; readonly exports?: Readonly<Record<string, string>> } | null
}

/** Every breach of one library's shape, one sentence each. */
export function shapeErrors(one: Package & { readonly version?: string }, { readme, deno }: ShapeFiles): string[] {
  const { dir, manifest, sources } = one
  const errors: string[] = []
  const mod = sources.get(`${dir}/mod.ts`)
  if (mod === undefined) errors.push(`${dir}: has no mod.ts`)
  else errors.push(...modErrors(`${dir}/mod.ts`, mod))
  if (readme === null) errors.push(`${dir}: has no README.md`)
  else if (!readme.includes('```ts')) errors.push(`${dir}/README.md: shows no worked example in a ts fence`)

  const exports = Object.fromEntries([...sourceExports(one)].map(([subpath, path]) => [subpath, `./${path.slice(dir.length + 1)}`]))
  if (deno === null) errors.push(`${dir}: has no deno.json`)
  else {
    if (deno.name !== manifest.name) errors.push(`${dir}/deno.json: name is ${deno.name}, package.json says ${manifest.name}`)
    if (deno.version !== one.version) errors.push(`${dir}/deno.json: version is ${deno.version}, package.json says ${one.version}`)
    for (const subpath of new Set([...Object.keys(exports), ...Object.keys(deno.exports ?? {})])) {
      if (exports[subpath] !== deno.exports?.[subpath]) {
        errors.push(
          `${dir}: export "${subpath}" is ${exports[subpath] ?? 'missing'} in package.json and ${deno.exports?.[subpath] ?? 'missing'} in deno.json`,
        )
      }
    }
  }
  for (const [subpath, file] of Object.entries(exports)) {
    if (!sources.has(`${dir}/${file.slice(2)}`)) errors.push(`${dir}: export "${subpath}" names ${file}, which is not there`)
  }
  const tested = testedFiles(one)
  const open = publicFiles(one)
  for (const [path, source] of sources) {
    const lines = source.split('\n').length
    if (lines > MAX_LINES && !path.endsWith('_test.ts'))
      errors.push(`${path}: ${lines} lines, more than ${MAX_LINES}: is it still one concept?`)
    if (!/^(\/\/|\/\*|#!)/.test(source) && !path.endsWith('_test.ts'))
      errors.push(`${path}: does not begin with a comment that says what it is`)
    if (open.has(path) && needsTest(path, source) && !tested.has(path))
      errors.push(`${path}: has no test beside it, and no test of the library imports it`)
  }
  return errors
}

/** A mod.ts opens with the module's doc, has one example, and only re-exports. */
function modErrors(path: string, source: string): string[] {
  const errors: string[] = []
  const { program, comments } = parseSync(path, source)
  const doc = comments.find((comment) => comment.type === 'Block' && comment.value.startsWith('*'))
  if (!doc?.value.includes('```ts')) errors.push(`${path}: its module doc has no example in a ts fence`)
  const own = program.body.filter(
    (node) =>
      !/^(ExportAllDeclaration|ImportDeclaration)$/.test(node.type) &&
      !(node.type === 'ExportNamedDeclaration' && node.declaration === null),
  )
  if (own.length > 0) errors.push(`${path}: does more than re-export`)
  return errors
}

/** Files with a test beside them, and files that some test of the package imports by themselves. */
function testedFiles({ sources }: Package): Set<string> {
  const tested = new Set<string>()
  for (const [path, source] of sources) {
    if (!path.endsWith('_test.ts')) continue
    tested.add(path.replace(/_test\.ts$/, '.ts'))
    for (const { specifier } of importsOf(path, source)) {
      if (specifier.startsWith('.')) tested.add(posix.join(posix.dirname(path), specifier))
    }
  }
  return tested
}

/** Files whose symbols a user of the library gets: the entries of its exports and what they re-export. */
function publicFiles(one: Package): Set<string> {
  const entries = [...sourceExports(one).values()]
  const reexported = entries.flatMap((path) =>
    parseSync(path, one.sources.get(path) ?? '').module.staticExports.flatMap(({ entries: names }) =>
      names.flatMap(({ moduleRequest }) => (moduleRequest ? [posix.join(posix.dirname(path), moduleRequest.value)] : [])),
    ),
  )
  return new Set([...entries, ...reexported])
}

/** A file with something to run needs a test; files of types only, entry points and test suites do not. */
function needsTest(path: string, source: string): boolean {
  const file = basename(path)
  if (!file.endsWith('.ts') || /^(_.*|mod\.ts|main\.ts|testing.*|.*_test\.ts|.*_bench\.ts)$/.test(file)) return false
  const { program } = parseSync(path, source)
  return program.body.some(
    (node) =>
      node.type === 'ExportNamedDeclaration' && node.declaration !== null && /^(Function|Class)Declaration$/.test(node.declaration.type),
  )
}

/** `tools/` and apps are no libraries and are not held to it. */
function main(root: string): number {
  const errors: string[] = []
  for (const one of loadWorkspace(root).packages) {
    if (!one.dir.startsWith('libs/')) continue
    const read = (file: string): string | null =>
      existsSync(`${root}/${one.dir}/${file}`) ? readFileSync(`${root}/${one.dir}/${file}`, 'utf8') : null
    const { version } = JSON.parse(read('package.json') ?? '{}') as { version?: string }
    const deno = JSON.parse(read('deno.json') ?? 'null') as ShapeFiles['deno']
    errors.push(...shapeErrors({ ...one, ...(version === undefined ? {} : { version }) }, { readme: read('README.md'), deno }))
  }
  const { references } = JSON.parse(readFileSync(`${root}/tsconfig.json`, 'utf8')) as { references: { path: string }[] }
  for (const { dir } of loadWorkspace(root).packages) {
    if (/^(libs|apps)\//.test(dir) && !references.some(({ path }) => path === `./${dir}`))
      errors.push(`tsconfig.json: does not refer to ./${dir}, so nothing checks its types`)
  }
  for (const error of errors) console.error(error)
  return errors.length > 0 ? 1 : 0
}

if (import.meta.main) process.exitCode = main(`${import.meta.dirname}/..`)
