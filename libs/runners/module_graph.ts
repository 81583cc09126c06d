// What a deno job loads before its first line runs: asked of Deno, and refused when a file of it is not in the job's folder.

import { realpathSync } from 'node:fs'
import { sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { LauncherFailure } from './launcher_protocol.ts'
import type { Stub, StubOrder } from './stub.ts'

/** Deno answers for a hundred modules in 30 ms; one that takes this long is busy with a source made for that. */
const ASK_MS = 10_000
/** Longest answer that is read: 128 files, the most of a spec, with 150 imports each. */
const ANSWER_BYTES = 8 * 1024 * 1024

/** Why a job may not start, and what its owner can do about it. */
export interface ModuleRefusal {
  readonly message: string
  readonly next: string
}

/** What a keeper ends with that could not keep, or start, what it was given. */
const NOT_KEPT: readonly (number | null)[] = [126, 127]
/** Of its words this much is read. */
const WORDS_BYTES = 4096

/**
 * Has a parked shell print the module graph of a job: `order.plan.argv` is the command for it, under the limits of the job. No code of the job runs.
 * The shell is used up.
 *
 * @returns The graph as `deno info --json` writes it; null when Deno could not tell it, or not within {@link ASK_MS} and {@link ANSWER_BYTES}.
 * @throws LauncherFailure `E_ISOLATION` when this machine could not start Deno as the job would be.
 */
export async function askModuleGraph(stub: Stub, order: StubOrder): Promise<string | null> {
  const chunks: Buffer[] = []
  let bytes = 0
  let words = ''
  stub.stdout.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes <= ANSWER_BYTES) chunks.push(chunk)
    else stub.kill()
  })
  stub.stderr.on('data', (chunk: Buffer) => {
    if (words.length < WORDS_BYTES) words += chunk.toString('utf8')
  })
  const closed = [stub.stdout, stub.stderr].map((stream) => new Promise((resolve) => stream.once('close', resolve)))
  const timer = setTimeout(() => stub.kill(), ASK_MS)
  try {
    stub.go(order)
    const { code } = await stub.exited
    await Promise.all(closed)
    if (NOT_KEPT.includes(code) && order.plan.keeping !== null) {
      const [why = ''] = words.slice(0, 200).split('\n')
      throw new LauncherFailure('E_ISOLATION', `This machine can not start Deno without a sandbox (${why})`, 'haggle doctor')
    }
    return code === 0 && bytes <= ANSWER_BYTES ? Buffer.concat(chunks, bytes).toString() : null
  } finally {
    clearTimeout(timer)
    await stub.discard()
  }
}

/**
 * Why a job with this graph may not start; null when each of its files is beneath `folder`. Deno reads the graph of the entry without asking its
 * own permissions. Modules that are missing, broken or not files are let through: Deno refuses them itself and tells the job why.
 *
 * @param graph What `deno info --json` wrote, or null when it wrote nothing.
 * @param folder Absolute path of the job's folder.
 */
export function moduleRefusal(graph: string | null, folder: string): ModuleRefusal | null {
  const specifiers = graph === null ? null : specifiersOf(graph)
  if (specifiers === null) {
    return { message: 'The modules of this job could not be looked through', next: 'give the job more memory, or smaller modules' }
  }
  const root = realOr(folder)
  const foreign = specifiers.find((specifier) => specifier.startsWith('file:') && !isBeneath(specifier, [folder, root]))
  if (foreign === undefined) return null
  return {
    message: `This job imports ${JSON.stringify(foreign.slice(0, 256))}, which is not in its folder`,
    next: 'send every module that the job imports with it',
  }
}

/** Every module of a graph; null when it is none. */
function specifiersOf(graph: string): string[] | null {
  try {
    const { modules } = JSON.parse(graph) as { modules?: unknown }
    if (!Array.isArray(modules)) return null
    const specifiers = modules.map((one) => (one as { specifier?: unknown } | null)?.specifier)
    return specifiers.every((one) => typeof one === 'string') ? specifiers : null
  } catch {
    return null // Cut short, or not JSON.
  }
}

/** True for a file of the folder, and for one that would be there. What is elsewhere is refused also when it is missing: nobody learns which files exist. */
function isBeneath(specifier: string, [folder, root]: readonly [string, string]): boolean {
  let path: string
  try {
    path = fileURLToPath(specifier)
  } catch {
    return false // Another machine's, or with an encoded slash: Deno reads `..%2f` as a way up.
  }
  if (!path.startsWith(folder + sep) && !path.startsWith(root + sep)) return false
  return realOr(path, root + sep).startsWith(root + sep)
}

/** The path without links; `otherwise`, by default the path itself, when there is no such file. */
function realOr(path: string, otherwise: string = path): string {
  try {
    return realpathSync(path)
  } catch {
    return otherwise
  }
}
