// What became of asking a provider, in words that finish "the last …".

const WORDS: Readonly<Record<string, string>> = {
  silent: 'did not answer',
  unreachable: 'could not be reached',
  capacity: 'is busy (capacity)',
  policy: 'takes one unpaid job of yours at a time (policy)',
  trust: 'does not serve this key (trust)',
  price: 'wants more than this pays (price)',
  funding: 'found nothing that pays it (funding)',
}

/** A reason of REJECTED, or `silent` or `unreachable`, as a person reads it: "is busy (capacity)". */
export function refusalWords(reason: string): string {
  return WORDS[reason] ?? `said ${reason}`
}
