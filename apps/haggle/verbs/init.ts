// haggle init: a home with a key.

import { existsSync } from 'node:fs'
import { EXIT } from '../failure.ts'
import { openHome } from '../home.ts'
import { print, printJson } from '../out.ts'
import { JSON_FLAG, type Verb } from '../table.ts'

export const verb: Verb = {
  name: 'init',
  summary: 'make the home and its key; other verbs do it when they need to',
  flags: [JSON_FLAG],
  notes: ['The key is this node’s name and its memory: back the file up, and show it to nobody.'],
  async run(args) {
    const paths = openHome(args.home)
    const fresh = !existsSync(paths.key)
    const { openKeyFile } = await import('@haggle/identity/node')
    const { peerId } = await openKeyFile(paths.key, { create: true })
    if (args.on('json')) printJson({ home: paths.home, peerId, created: fresh })
    else
      print(
        `${fresh ? 'made' : 'kept'}    ${paths.key} (0600)`,
        `node    ${peerId}`,
        'next    haggle offers, haggle run -- echo hello, or haggle up to earn',
      )
    return EXIT.ok
  },
}
