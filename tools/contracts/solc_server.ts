// A compiler that stays warm: solc_stand_in.mjs sends it what forge asks, so that a mutant costs a compilation and not the loading of a compiler too.

import { createServer, type Server, type Socket } from 'node:net'
import { once } from 'node:events'
import solc from 'solc'

/** A listening compiler. */
export interface SolcServer extends AsyncDisposable {
  /** Path of its socket, for `HAGGLE_SOLC_SOCKET`. */
  readonly path: string
}

/** Listens on `path`, a file that must not be there yet. One question (standard JSON) and its answer for each connection. */
export async function solcServer(path: string): Promise<SolcServer> {
  const sockets = new Set<Socket>()
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    const chunks: Buffer[] = []
    sockets.add(socket)
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.on('end', () => socket.end(solc.compile(Buffer.concat(chunks).toString()) as string))
    // Whoever asked has gone; forge says so itself.
    socket.on('error', () => socket.destroy())
    socket.on('close', () => sockets.delete(socket))
  })
  server.listen(path)
  await once(server, 'listening')
  return {
    path,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
