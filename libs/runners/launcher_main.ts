// Entry of the launcher process. Started once per home, detached, with few imports so that it stays small: what it forks is copied.

import { createLauncher } from './launcher.ts'

const [folder] = process.argv.slice(2)
if (folder === undefined) throw new Error('usage: launcher_main FOLDER')
// The agent's terminal is not ours: Ctrl-C there must not end the jobs.
process.on('SIGINT', () => {})
process.on('SIGHUP', () => {})
const launcher = await createLauncher({ folder })
process.on('SIGTERM', () => void launcher.close())
process.stdout.on('error', () => {}) // The agent that started us may be gone.
process.stdout.write('ready\n')
await launcher.closed
process.exit(0)
