// What haggle verify says of a portable proof of a ledger's entry, and of evidence that a ledger's owner lied.

import { peerIdOf } from '@haggle/identity'
import { nodeSuite } from '@haggle/identity/node'
import { readEvidence, verifyAnchorProof, verifyProof } from '@haggle/reputation'
import { formatAmount, toHex } from '@haggle/wire'
import type { OnChain, Verdict } from './evidence.ts'
import { describe } from './failure.ts'
import { counted, duration } from './format.ts'
import { safe } from './term.ts'

const MS_PER_S = 1000

/** Runs a check that throws for the first wrong thing. */
function judged(kind: string, run: () => { summary: readonly string[]; json: object; onChain?: OnChain }): Verdict {
  try {
    const { summary, json, onChain } = run()
    return { ok: true, summary, wrong: '', json: { ok: true, kind, ...json, errors: [] }, ...(onChain === undefined ? {} : { onChain }) }
  } catch (error) {
    const { code, message } = describe(error)
    return {
      ok: false,
      summary: [],
      wrong: `${safe(message, 400)} (${code})`,
      json: { ok: false, kind, errors: [{ at: -1, code, message }] },
    }
  }
}

/** Checks a proof that an entry is in a log under a head that its owner signed. */
export function proofVerdict(bytes: Uint8Array): Verdict {
  return judged('proof', () => {
    const { owner, entry, index, head, bothSigned } = verifyProof(bytes, nodeSuite())
    const { facts, peer, contract } = entry
    const at = new Date(entry.at * MS_PER_S).toISOString()
    return {
      summary: [
        `entry ${index} is in the log of ${peerIdOf(owner)}, under its signed head of ${head.body.size}`,
        `entry     ${safe(entry.kind, 20)}, ${at}`,
        ...(contract === null ? [] : [`contract  ${toHex(contract)}`]),
        ...(peer === null ? [] : [`with      ${peerIdOf(peer)}`]),
        ...(facts === null
          ? []
          : [
              `outcome   ${facts.outcome}, ${duration(facts.meteredS * MS_PER_S)}, ${formatAmount(facts.settled)} ${facts.rail === 'free' ? 'credits, not money' : facts.rail}`,
            ]),
        bothSigned ? 'signed    by both parties' : "signed    by the log's owner only: worth no more than its word",
      ],
      json: {
        owner: toHex(owner),
        index,
        size: head.body.size,
        root: toHex(head.body.root),
        entry: {
          kind: entry.kind,
          at: entry.at,
          peer: peer === null ? null : toHex(peer),
          contract: contract === null ? null : toHex(contract),
          outcome: facts?.outcome ?? null,
          settled: facts === null ? null : facts.settled.toString(),
        },
        bothSigned,
      },
      onChain: { kind: 'head', head },
    }
  })
}

/** Checks that a head is under the root that an aggregator says it anchored. */
export function anchorVerdict(bytes: Uint8Array): Verdict {
  return judged('anchor', () => {
    const proof = verifyAnchorProof(bytes, nodeSuite())
    const { chain, account, log, size, root, index, head } = proof
    return {
      summary: [
        `the head of ${head.body.size} of the log of ${peerIdOf(head.signer)} is under a root of ${counted(size, 'head')}`,
        `root      ${toHex(root)}`,
        `account   0x${toHex(account)} on chain ${chain}, as the file says`,
      ],
      json: {
        owner: toHex(head.signer),
        head: { log: head.body.log, size: head.body.size, root: toHex(head.body.root) },
        chain,
        account: `0x${toHex(account)}`,
        log,
        index,
        size,
        root: toHex(root),
      },
      onChain: { kind: 'aggregate', proof },
    }
  })
}

/** Checks evidence against a log's owner. */
export function evidenceVerdict(bytes: Uint8Array): Verdict {
  return judged('evidence', () => {
    const { kind, culprit, log, sentence, heads } = readEvidence(bytes, nodeSuite())
    return {
      summary: [
        `${peerIdOf(culprit)} lied in its log ${log}: ${safe(sentence, 400)}`,
        `kind      ${kind}`,
        ...heads.map((head) => `head      size ${head.body.size}, root ${toHex(head.body.root)}`),
      ],
      json: { evidence: kind, culprit: toHex(culprit), log, sentence },
    }
  })
}
