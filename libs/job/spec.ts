// What a job is: the runner's input as the renter writes it. Its dialect form is hashed (salted) into ACCEPT.

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
