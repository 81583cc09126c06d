/** The clone. */
export declare const ROOT: string
/** Where an app's bundles lie: a folder for each, and `current.json`. */
export declare function bundlesOf(app: string, root?: string): string
/** What a source file's change shows in; `path` is relative to `root` (default: the clone). Throws when it is not there. */
export declare function markOf(path: string, root?: string): string
/** The module `name` (default: `main.js`) of the app's bundle, or undefined when there is none or a source has changed since. */
export declare function bundled(app: string, name?: string, root?: string): string | undefined
