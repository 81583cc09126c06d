// What a job is: the runner's input as the renter writes it. Its dialect form is hashed (salted) into ACCEPT (spec/job.md, Spec).

import {
  bool,
  bytes,
  concat,
  decodeAs,
  DOCUMENT_LIMITS,
  encodeAs,
  errorCode,
  fields,
  HaggleError,
  list,
  mapped,
  refine,
  type Schema,
  schemaError,
  type Suite,
  text,
  uint,
  utf8,
} from '@haggle/wire'
import { octetsSchema } from './octets.ts'
import { MAX_PATH_BYTES, pathProblem } from './path.ts'
import { printable } from './printable.ts'

/** A regular file that travels by content. */
export interface FileRef {
  /** As {@link isSafePath} allows: relative, `/`-separated, printable, <= 255 octets. */
  readonly path: string
  /** Octets, below 2^48. */
  readonly size: number
  /** SHA-256 of the content, 32 bytes. */
  readonly sha256: Uint8Array
  /** True for a program: it gets the mode 0755, others 0644. */
  readonly executable: boolean
}

/** The spec of one job. Strings are data and never interpreted by a shell. */
export interface JobSpec {
  /** `deno`: `args[0]` is the entry module, a path of `files`. `exec`: `args` is the command line. */
  readonly runner: string
  /** 1..256 strings of <= 4,096 octets of UTF-8: any text without NUL, control characters included. Show it with `printableCommand` only. */
  readonly args: readonly string[]
  /** Environment of the job, and nothing besides it: <= 128. Names `[A-Za-z_][A-Za-z0-9_]*`, values like `args`. */
  readonly env: Readonly<Record<string, string>>
  /** Files put into the job's folder before it starts: <= 128. Small ones may ride inline. */
  readonly files: readonly FileRef[]
  /** Contents of `files` that ride inside the spec: index into `files` and bytes; 32 KiB in all at most. */
  readonly inline: readonly { readonly file: number; readonly bytes: Uint8Array }[]
  /** True when the renter will write to stdin; otherwise it is closed at start. */
  readonly stdin: boolean
  /** Globs (only `*` and `**`) of the files to keep as results: <= 64. Empty: none. */
  readonly outputs: readonly string[]
}

/** Octets of inline files in one spec. More would not fit the 64 KiB of a spec beside its other parts. */
export const MAX_INLINE_BYTES: number = 32 * 1024
/** Octets of salt in front of a hashed spec, so that a guessable spec can't be recognised by its hash. */
export const SPEC_SALT_BYTES = 32
/** Octets of one argument, or of one variable's value. */
export const MAX_ARG_BYTES = 4096

interface SpecDocument {
  readonly version: number
  readonly runner: string
  readonly args: readonly string[]
  readonly env: readonly { readonly name: string; readonly value: string }[]
  readonly files: readonly FileRef[]
  readonly inline: readonly { readonly file: number; readonly bytes: Uint8Array }[]
  readonly stdin: boolean
  readonly outputs: readonly string[]
}

const fromUtf8 = (octets: Uint8Array): string => {
  try {
    // A byte order mark is data here like any other: it stays.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(octets)
  } catch {
    throw schemaError('must be UTF-8')
  }
}
const toUtf8 = (value: string): Uint8Array => {
  if (!value.isWellFormed()) throw schemaError('must not hold half of a surrogate pair')
  return utf8(value)
}

/** What a process is given: any UTF-8 but NUL, which would end it. In a bin, because a text of the dialect has no control characters. */
const ARG: Schema<string> = refine(mapped(bytes({ max: MAX_ARG_BYTES }), fromUtf8, toUtf8), (value) =>
  value.includes('\0') ? 'must not hold NUL' : undefined,
)

/** A path of a job's folder, see `isSafePath`. */
export const pathSchema: Schema<string> = refine(text({ max: MAX_PATH_BYTES }), pathProblem)

/** Dialect form of {@link FileRef}: `[path, size, sha256, executable]`. */
export const fileSchema: Schema<FileRef> = fields({
  path: pathSchema,
  size: octetsSchema(),
  sha256: bytes({ length: 32 }),
  executable: bool(),
})

const SPEC: Schema<SpecDocument> = fields({
  version: uint({ min: 1, max: 1 }),
  runner: text({ min: 1, max: 32 }),
  args: list(ARG, { min: 1, max: 256 }),
  env: list(fields({ name: text({ max: 256 }), value: ARG }), { max: 128 }),
  files: list(fileSchema, { max: 128 }),
  inline: list(fields({ file: uint({}), bytes: bytes({ max: MAX_INLINE_BYTES }) }), { max: 128 }),
  stdin: bool(),
  outputs: list(pathSchema, { max: 64 }),
})

/** Octets of all input files together. */
export function inputBytes({ files }: Pick<JobSpec, 'files'>): number {
  return files.reduce((sum, { size }) => sum + size, 0)
}

/**
 * The dialect bytes of a spec, as they are hashed and sent.
 *
 * @throws HaggleError `E_JOB_SPEC` when a rule of {@link JobSpec} is broken, or it is longer than 65,536 octets or more than 1,024 values.
 */
export function encodeSpec(spec: JobSpec): Uint8Array {
  checkSpec(spec)
  const env = Object.entries(spec.env).map(([name, value]) => ({ name, value }))
  return asSpecError(() => encodeAs(SPEC, { version: 1, ...spec, env }, DOCUMENT_LIMITS))
}

/**
 * The spec in `data`, checked.
 *
 * @throws HaggleError `E_JOB_SPEC` when a rule of {@link JobSpec} is broken or the bytes are not the dialect; `cause` has the `E_WIRE_*`.
 */
export function decodeSpec(data: Uint8Array): JobSpec {
  const { version: _, env, ...rest } = asSpecError(() => decodeAs(SPEC, data, DOCUMENT_LIMITS))
  const spec: JobSpec = { ...rest, env: Object.fromEntries(env.map(({ name, value }) => [name, value])) }
  if (new Set(env.map(({ name }) => name)).size !== env.length) refuse('a variable is set twice')
  checkSpec(spec)
  return spec
}

/** `sha256(salt ‖ spec)`: what ACCEPT signs of a spec without showing it. `salt` is 32 random bytes. */
export function specHash(salt: Uint8Array, spec: Uint8Array, suite: Pick<Suite, 'sha256'>): Uint8Array {
  return suite.sha256(concat(salt, spec))
}

/** Rules that no single position of the dialect form shows. */
function checkSpec(spec: JobSpec): void {
  for (const name of Object.keys(spec.env)) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) refuse(`"${printable(name)}" is no name of a variable`)
  }
  checkPaths(spec)
  const entry = spec.args[0] ?? ''
  if (spec.runner === 'deno' && !spec.files.some(({ path }) => path === entry)) {
    refuse(`the entry module "${printable(entry)}" is not among its files`)
  }
  let inlineBytes = 0
  const inline = new Set<number>()
  for (const { file, bytes: content } of spec.inline) {
    if (inline.has(file)) refuse(`the content of file ${file} is given twice`)
    inline.add(file)
    if (spec.files[file]?.size !== content.length) refuse(`inline content ${file} does not have the size of its file`)
    inlineBytes += content.length
  }
  if (inlineBytes > MAX_INLINE_BYTES) refuse(`inline files are ${inlineBytes} bytes, at most ${MAX_INLINE_BYTES} may be`)
}

/** Each path is good, there once, and no folder of another. */
function checkPaths({ files, outputs }: JobSpec): void {
  const paths = new Set<string>()
  for (const { path } of files) {
    const problem = pathProblem(path)
    if (problem !== undefined) refuse(`the path "${printable(path)}" ${problem}`)
    if (paths.has(path)) refuse(`"${path}" is given twice`)
    paths.add(path)
  }
  for (const path of paths) {
    for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) {
      if (paths.has(path.slice(0, at))) refuse(`"${path.slice(0, at)}" is a file and a folder`)
    }
  }
  for (const glob of outputs) {
    const problem = pathProblem(glob)
    if (problem !== undefined) refuse(`the pattern "${printable(glob)}" ${problem}`)
  }
}

function asSpecError<T>(run: () => T): T {
  try {
    return run()
  } catch (cause) {
    if (!errorCode(cause).startsWith('E_WIRE_') || !(cause instanceof Error)) throw cause
    throw new HaggleError('E_JOB_SPEC', `Cannot use this job: ${cause.message}`, { cause })
  }
}

function refuse(why: string): never {
  throw new HaggleError('E_JOB_SPEC', `Cannot use this job: ${why}`)
}
