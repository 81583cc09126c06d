// The version of the command, in one place.

/** Version of haggle, as in package.json. A test holds both to the same text. */
export const VERSION = '0.1.0'
