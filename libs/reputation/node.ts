/**
 * The ledger's journal as a file.
 *
 * @example
 * ```ts
 * import { openJournal } from "@haggle/reputation/node";
 * import { mkdtemp, rm } from "node:fs/promises";
 * import { tmpdir } from "node:os";
 * import { join } from "node:path";
 * import { expect } from "vitest";
 *
 * const folder = await mkdtemp(join(tmpdir(), "journal-"));
 * const journal = await openJournal(join(folder, "ledger.journal"));
 * await journal.append(Uint8Array.of(1, 2, 3));
 * expect(journal.length).toBe(3);
 * await journal.close();
 * await rm(folder, { recursive: true });
 * ```
 *
 * @module
 */

export { ledgerJournals, openJournal } from './file_journal.ts'
