// Every duration and bound of a negotiation, with its reason. Terms may only name what these allow.

/** ACCEPT lives this long: CONFIRM must arrive at the renter before it, or the renter takes the ACCEPT back. Ms. */
export const ACCEPT_MS = 5_000

/** When the renter repeats an unanswered ACCEPT, ms after it was signed. Same bytes: a retry is not a second job. */
export const ACCEPT_RESEND_MS: readonly number[] = [1_000, 3_000]

/** How long a renter waits for the answer to QUOTE_REQ or COUNTER. Twice what the provider has, so that the provider's REJECTED arrives first. Ms. */
export const ANSWER_MS = 10_000

/** How long a provider may think about QUOTE_REQ or COUNTER before it must say REJECTED(expired). Ms. */
export const THINK_MS = 5_000

/** What a provider adds to a deadline that the renter counts from arrival: the way there and back. Ms. */
export const SLACK_MS = 2_000

/** Longest time that a QUOTE may stay firm in price. Ms. */
export const MAX_QUOTE_MS = 600_000

/** Longest hold of capacity that a QUOTE may promise. Ms. */
export const MAX_HOLD_MS = 15_000

/** A side repeats CANCEL, RESULT and RECEIPT at these times after signing, then every {@link REPEAT_EVERY_MS}, until they are acknowledged. Ms. */
export const REPEAT_MS: readonly number[] = [1_000, 3_000, 7_000, 15_000]

/** The pause between repetitions after the last of {@link REPEAT_MS}. Ms. */
export const REPEAT_EVERY_MS = 30_000

/** How long a side waits for the end of a cancelled contract before it closes alone. Ms. */
export const CANCEL_MS = 60_000

/** How long the provider's driver has to stop a job and say what it used, before RESULT(lost) is signed with the last METER. Ms. */
export const STOP_MS = 10_000

/** How long the renter has to look at RESULT before its RECEIPT is signed for it. Ms. */
export const RECEIPT_MS = 30_000

/** How long a side waits for the other's RECEIPT before it closes alone. Ms. */
export const CLOSE_MS = 60_000

/** The renter acknowledges CONFIRM at the latest after a quarter of a tick, and never later than this. Ms. */
export const MAX_ACK_MS = 1_000

/** METER is due every tick; after this many ticks without one, plus the grace of the terms, the provider is lost. */
export const SILENT_TICKS = 2

/** The renter tolerates usage above its own time by the larger of this and {@link TOLERANCE_PART}. Ms. */
export const TOLERANCE_MS = 1_000

/** One part in this many of its own time is the renter's other tolerance: 0.1 %. */
export const TOLERANCE_PART = 1_000

/** Shortest grace that terms may name. Ms. */
export const MIN_GRACE_MS = 1_000

/** Most COUNTERs in one walk. */
export const MAX_COUNTERS = 4

/** Most octets of encoded terms, so that any message that carries them stays under 16 KiB. */
export const MAX_TERMS_BYTES = 12_288

/** After a restart, how long a side at least waits for the other's SYNC frame before its timeouts decide alone. Ms. */
export const SYNC_MS = 10_000

/** Most messages that one SYNC frame makes a side send again at once; the next frame asks for the rest. */
export const MAX_RESEND = 256

/** A side that lacks something asks for it with a SYNC frame at most this often, so that ten late messages are not ten questions. Ms. */
export const ASK_MS = 250
