// A bare libp2p node as a process of its own: the floor of everything that goes over the network. Echoes, and streams bytes on request.
// Usage: _bare_node.ts serve | idle | cold ADDR

import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { kadDHT } from '@libp2p/kad-dht'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { dialEcho, ECHO, SOURCE, serveEcho, serveSource } from './_bare_streams.ts'

const started = performance.now()
// Every dial of the benchmark comes from one address: the default takes five a second.
const base = {
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  connectionManager: { inboundConnectionThreshold: 10_000 },
}
const [mode = 'serve', address = ''] = process.argv.slice(2)

if (mode === 'cold') {
  const node = await createLibp2p(base)
  const echo = await dialEcho(node, address)
  await echo.roundTrip()
  process.stdout.write(`${JSON.stringify({ firstMs: performance.now() - started })}\n`)
  process.exit(0)
}
const listen = { addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] } }
const services = { identify: identify(), ping: ping(), dht: kadDHT({ clientMode: false }), pubsub: gossipsub() }
const node = mode === 'idle' ? await createLibp2p({ ...base, ...listen, services }) : await createLibp2p({ ...base, ...listen })
if (mode === 'serve') {
  await node.handle(ECHO, serveEcho, { maxInboundStreams: 1000 })
  await node.handle(SOURCE, serveSource, { maxInboundStreams: 1000 })
}
// The benchmark holds our stdin open: without it there is nobody to serve.
process.stdin.resume().once('end', () => process.exit(0))
process.stdout.write(`${JSON.stringify({ address: node.getMultiaddrs()[0]?.toString(), pid: process.pid })}\n`)
