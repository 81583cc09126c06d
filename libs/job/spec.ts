// What a job is: the runner's input as the renter writes it. Its dialect form is hashed (salted) into ACCEPT.

import {
  bool,
  bytes,
  concat,
  decodeAs,
  DOCUMENT_LIMITS,
  encodeAs,
  fields,
  HaggleError,
  list,
  type Schema,
  type Suite,
  text,
  uint,
} from '@haggle/wire'

/** A regular file that travels by content. */
export interface FileRef {
  /** Relative, `/`-separated, no `..`, no empty part, <= 255 bytes. */
  readonly path: string
  /** Octets. */
  readonly size: number
  /** SHA-256 of the content, 32 bytes. */
  readonly sha256: Uint8Array
  readonly executable: boolean
}

/** The spec of one job. Strings are data and never interpreted by a shell. */
export interface JobSpec {
  /** `deno`: `args[0]` is the entry module, a path of `files`. `exec`: `args` is the command line. */
  readonly runner: string
  /** 1..256 strings, 4 KiB each at most. */
  readonly args: readonly string[]
  /** Environment of the job, and nothing besides it. Names `[A-Za-z_][A-Za-z0-9_]*`. */
  readonly env: Readonly<Record<string, string>>
  /** Files put into the job's folder before it starts. Small ones may ride inline. */
  readonly files: readonly FileRef[]
  /** Contents of `files` that ride inside the spec: index into `files` and bytes; 32 KiB in all at most. */
  readonly inline: readonly { readonly file: number; readonly bytes: Uint8Array }[]
  /** True when the renter will write to stdin; otherwise it is closed at start. */
  readonly stdin: boolean
  /** Globs (only `*` and `**`) of the files to keep as results. Empty: none. */
  readonly outputs: readonly string[]
}

/** Octets of inline files in one spec. More would not fit the 64 KiB of a spec beside its other parts. */
export const MAX_INLINE_BYTES: number = 32 * 1024
/** Octets of salt in front of a hashed spec, so that a guessable spec can't be recognised by its hash. */
export const SPEC_SALT_BYTES = 32

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

const FILE: Schema<FileRef> = fields({ path: text({ max: 255 }), size: uint({}), sha256: bytes({ length: 32 }), executable: bool() })

const SPEC: Schema<SpecDocument> = fields({
  version: uint({ min: 1, max: 1 }),
  runner: text({ max: 32 }),
  args: list(text({ max: 4096 }), { min: 1, max: 256 }),
  env: list(fields({ name: text({ max: 256 }), value: text({ max: 4096 }) }), { max: 128 }),
  files: list(FILE, { max: 128 }),
  inline: list(fields({ file: uint({}), bytes: bytes({ max: MAX_INLINE_BYTES }) }), { max: 128 }),
  stdin: bool(),
  outputs: list(text({ max: 255 }), { max: 64 }),
})

/**
 * The dialect bytes of a spec, as they are hashed and sent.
 *
 * @throws HaggleError `E_JOB_SPEC` when a rule of {@link JobSpec} is broken; `E_WIRE_*` when it is too large.
 */
export function encodeSpec(spec: JobSpec): Uint8Array {
  checkSpec(spec)
  const env = Object.entries(spec.env).map(([name, value]) => ({ name, value }))
  return encodeAs(SPEC, { version: 1, ...spec, env }, DOCUMENT_LIMITS)
}

/**
 * The spec in `data`, checked.
 *
 * @throws HaggleError `E_JOB_SPEC` or `E_WIRE_*`.
 */
export function decodeSpec(data: Uint8Array): JobSpec {
  const { version: _, env, ...rest } = decodeAs(SPEC, data, DOCUMENT_LIMITS)
  const spec: JobSpec = { ...rest, env: Object.fromEntries(env.map(({ name, value }) => [name, value])) }
  if (new Set(env.map(({ name }) => name)).size !== env.length) refuse('a variable is set twice')
  checkSpec(spec)
  return spec
}

/** `sha256(salt ‖ spec)`: what ACCEPT signs of a spec without showing it. */
export function specHash(salt: Uint8Array, spec: Uint8Array, suite: Suite): Uint8Array {
  return suite.sha256(concat(salt, spec))
}

/** True when `path` is relative, plain and stays below its folder: the only paths that travel. */
export function isSafePath(path: string): boolean {
  if (path.length === 0 || path.startsWith('/') || path.includes('\\')) return false
  return path.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
}

function checkSpec(spec: JobSpec): void {
  for (const name of Object.keys(spec.env)) if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) refuse(`"${name}" is no name of a variable`)
  const paths = new Set<string>()
  for (const { path } of spec.files) {
    if (!isSafePath(path)) refuse(`"${path}" is no plain relative path`)
    if (paths.has(path)) refuse(`"${path}" is given twice`)
    paths.add(path)
  }
  let inlineBytes = 0
  for (const { file, bytes: content } of spec.inline) {
    if (spec.files[file]?.size !== content.length) refuse(`inline content ${file} does not have the size of its file`)
    inlineBytes += content.length
  }
  if (inlineBytes > MAX_INLINE_BYTES) refuse(`inline files are ${inlineBytes} bytes, at most ${MAX_INLINE_BYTES} may be`)
  for (const glob of spec.outputs) if (!isSafePath(glob)) refuse(`"${glob}" is no plain relative pattern`)
}

function refuse(why: string): never {
  throw new HaggleError('E_JOB_SPEC', `Cannot use this job: ${why}`)
}
