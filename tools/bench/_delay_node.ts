// A TCP relay that holds every byte back for a while: a long link on one machine.
// Usage: _delay_node.ts HOST PORT ONE_WAY_MS

import { connect, createServer, type Socket } from 'node:net'

const [host = '127.0.0.1', port = '0', oneWayMs = '30'] = process.argv.slice(2)

/** Passes bytes on `oneWayMs` after they came, in order, however many are on their way. */
function delayed(from: Socket, to: Socket): void {
  const after = (run: () => void): void => void setTimeout(run, Number(oneWayMs))
  from.on('data', (chunk) => after(() => to.writable && to.write(chunk)))
  from.on('end', () => after(() => to.end()))
  from.on('close', () => after(() => to.destroy()))
  from.on('error', () => to.destroy())
}

const server = createServer({ noDelay: true }, (near) => {
  const far = connect({ host, port: Number(port), noDelay: true })
  delayed(near, far)
  delayed(far, near)
})
server.listen(0, '127.0.0.1', () => {
  const at = server.address()
  process.stdout.write(`${JSON.stringify({ port: typeof at === 'object' ? at?.port : 0 })}\n`)
})
process.stdin.resume()
process.stdin.on('end', () => process.exit(0))
