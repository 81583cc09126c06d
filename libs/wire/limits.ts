// How large, how deep and how many: the bounds that every reader of the dialect applies before it decodes.

/** Bounds of one encoded value. A reader refuses what exceeds them before it allocates anything. */
export interface Limits {
  /** Most bytes of the whole encoding. */
  readonly maxBytes: number
  /** Most arrays inside each other; the outermost array is depth 1, a lone scalar depth 0. */
  readonly maxDepth: number
  /** Most values in all: every array, number, string, bin, bool and nil counts as one, the outermost included. */
  readonly maxItems: number
}

/** Bounds of a message: 16 KiB, depth 8, 1,024 items (spec/wire.md, Limits). */
export const MESSAGE_LIMITS: Limits = { maxBytes: 16 * 1024, maxDepth: 8, maxItems: 1024 }

/** Bounds of a document (terms, job specs): 64 KiB, depth 8, 1,024 items (spec/wire.md, Limits). */
export const DOCUMENT_LIMITS: Limits = { maxBytes: 64 * 1024, maxDepth: 8, maxItems: 1024 }
