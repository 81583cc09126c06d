// Health and figures of a relay over HTTP, for whoever watches it. Loopback unless the operator says otherwise.

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { HaggleError } from '@haggle/wire'
import type { Relay } from './relay.ts'

/** A running page server. */
export interface HealthServer {
  readonly port: number
  stop(): Promise<void>
}

/** Serves /healthz, /readyz and /metrics. `isReady` is false while the relay drains. Throws `E_PORT_TAKEN` or `E_HTTP`. */
export async function serveHealth(relay: Relay, at: { host: string; port: number }, isReady: () => boolean): Promise<HealthServer> {
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://relay').pathname
    const answer = (status: number, body: string): void => {
      response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' }).end(body)
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') answer(405, 'GET only\n')
    else if (path === '/healthz') answer(200, 'ok\n')
    else if (path === '/readyz') answer(isReady() ? 200 : 503, isReady() ? 'ready\n' : 'draining\n')
    else if (path === '/metrics') answer(200, metricsOf(relay))
    else answer(404, 'try /healthz, /readyz or /metrics\n')
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => reject(httpError(at, cause)))
    server.listen(at.port, at.host, resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** The figures in Prometheus' text format. */
function metricsOf(relay: Relay): string {
  const { connections, peers, relayed, reservations, circuits, dhtRefused, gateRefused } = relay.mesh.stats()
  const lines: string[] = []
  const figure = (
    name: string,
    kind: 'gauge' | 'counter',
    help: string,
    values: Iterable<readonly [labels: string, value: number]>,
  ): void => {
    lines.push(`# HELP haggle_relay_${name} ${help}`, `# TYPE haggle_relay_${name} ${kind}`)
    for (const [labels, value] of values) lines.push(`haggle_relay_${name}${labels} ${value}`)
  }
  const one = (value: number): [string, number][] => [['', value]]
  const byReason = (counts: ReadonlyMap<string, number>): [string, number][] =>
    [...counts].map(([reason, n]) => [`{reason="${reason}"}`, n])
  figure('connections', 'gauge', 'Open connections', one(connections))
  figure('peers', 'gauge', 'Connected peers', one(peers))
  figure('relayed_connections', 'gauge', 'Own connections that go through another relay', one(relayed))
  figure('reservations', 'gauge', 'Peers reachable through this relay', one(reservations))
  figure('circuits', 'gauge', 'Circuits open between other peers', one(circuits))
  figure('known_peers', 'gauge', 'Peers remembered over restarts', one(relay.mesh.known.all().length))
  figure('offers', 'gauge', 'Providers heard', one(relay.discovery.book.size))
  figure('adverts_refused_total', 'counter', 'Adverts refused', byReason(relay.discovery.refusals))
  figure('snapshots_refused_total', 'counter', 'Questions for snapshots refused', byReason(relay.discovery.snapshotRefusals))
  figure('connections_refused_total', 'counter', 'Connections refused', byReason(gateRefused))
  figure('dht_refused_total', 'counter', 'DHT records refused', byReason(dhtRefused))
  figure('resident_bytes', 'gauge', 'Resident memory', one(process.memoryUsage.rss()))
  figure('uptime_seconds', 'gauge', 'Seconds since start', one(Math.round(process.uptime())))
  return `${lines.join('\n')}\n`
}

function httpError(at: { host: string; port: number }, cause: NodeJS.ErrnoException): HaggleError {
  const isTaken = cause.code === 'EADDRINUSE'
  return new HaggleError(
    isTaken ? 'E_PORT_TAKEN' : 'E_HTTP',
    `Cannot serve figures on ${at.host}:${at.port}: ${isTaken ? 'the port is taken' : cause.message}`,
    {
      cause,
      details: { host: at.host, port: at.port },
      next: 'Give another port with --http',
    },
  )
}
