// One launcher per folder: a name that the kernel gives to one process and takes back when it dies.

import { createHash } from 'node:crypto'
import { statSync } from 'node:fs'
import { createConnection, createServer, type Server } from 'node:net'

/** Code of the error that says that another launcher has the folder. */
export const LAUNCHER_BUSY = 'E_LAUNCHER_BUSY'

/** Holds the folder until `release` or the end of the process. */
export interface LauncherLock {
  release(): void
}

/**
 * Takes the folder, or rejects with an error of code {@link LAUNCHER_BUSY}. On Linux by an abstract unix socket, which no crash leaves behind; elsewhere by
 * asking whether somebody listens on `socketPath`.
 */
export async function lockLauncher(folder: string, socketPath: string): Promise<LauncherLock> {
  if (process.platform !== 'linux') {
    if (await answers(socketPath)) throw busy(folder)
    return { release: () => {} }
  }
  const { dev, ino } = statSync(folder)
  const name = createHash('sha256').update(`${folder}\0${dev}\0${ino}`).digest('hex')
  const server = createServer((socket) => socket.destroy())
  server.unref()
  await listen(server, `\0haggle-launcher-${name}`).catch((error: unknown) => {
    throw (error as NodeJS.ErrnoException).code === 'EADDRINUSE' ? busy(folder) : error
  })
  return { release: () => void server.close() }
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => server.once('error', reject).listen(path, resolve))
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

function busy(folder: string): Error & { code: string } {
  return Object.assign(new Error(`Another launcher has ${folder}`), { code: LAUNCHER_BUSY })
}
