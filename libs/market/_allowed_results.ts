// What a contract lets its provider bring to the renter: names, sizes and counts that come from there are held against the renter's own spec and the terms.

import { decodeSpec, type FileRef, matchesGlob } from '@haggle/job'
import type { Thread } from '@haggle/negotiate'
import { HaggleError } from '@haggle/wire'

const MIB = 1024 * 1024

/** Octets that all result files of a contract may have together: its disk. 0 before there are terms. */
export function resultBytes(thread: Thread): number {
  const { terms, proposed } = thread.view()
  return ((terms ?? proposed)?.limits.diskMiB ?? 0) * MIB
}

/** Octets that stdout and stderr of a contract may have together. 0 before there are terms. */
export function outputBytes(thread: Thread): number {
  const { terms, proposed } = thread.view()
  return ((terms ?? proposed)?.limits.outMiB ?? 0) * MIB
}

/**
 * A listing that its contract allows, unchanged.
 *
 * @throws HaggleError `E_JOB_LIST` for a path that the spec's outputs do not match, and for more octets than the disk of the terms;
 * `E_CONTRACT_STATE` when this node does not have the spec.
 */
export async function allowedListing(files: readonly FileRef[], thread: Thread): Promise<readonly FileRef[]> {
  const spec = await thread.note('spec')
  if (spec === undefined)
    throw new HaggleError('E_CONTRACT_STATE', 'This node does not have the spec of the job: it can not tell its results')
  const { outputs } = decodeSpec(spec)
  const foreign = files.find(({ path }) => !matchesGlob(path, outputs))
  if (foreign !== undefined)
    throw new HaggleError('E_JOB_LIST', `The provider lists "${foreign.path}", which is none of the job's results`, {
      details: { path: foreign.path },
      next: 'take nothing else from this provider: an honest one never lists it',
    })
  const bytes = files.reduce((sum, { size }) => sum + size, 0)
  if (bytes > resultBytes(thread))
    throw new HaggleError('E_JOB_LIST', `The provider lists ${bytes} bytes of results, and the job's disk is ${resultBytes(thread)}`, {
      details: { bytes, allowed: resultBytes(thread) },
      next: 'ask for more disk (--disk) when the job really makes so much',
    })
  return files
}
