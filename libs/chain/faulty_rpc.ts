// A node of a chain that misbehaves on demand: a loopback proxy before a real one, for tests of whatever talks to chains.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** One JSON-RPC call as the proxy sees it. */
export interface ProxiedCall {
  readonly method: string
  readonly params: readonly unknown[]
}

/**
 * What becomes of a call:
 *
 * - `pass`: answered by the real node.
 * - `hang`: never answered.
 * - `drop`: the connection breaks before the real node hears of it.
 * - `lose`: the real node does it, and the connection breaks before the answer.
 * - `limit`: 429, try again in a second.
 * - `fail`: 502 and no JSON.
 * - a function: the real node's result is changed into what it returns.
 */
export type Fault = 'pass' | 'hang' | 'drop' | 'lose' | 'limit' | 'fail' | ((result: unknown) => unknown)

/** A running proxy. */
export interface FaultyRpc {
  readonly url: string
  /** Decides about each call. Exchange it at any time; calls that hang then stay so. */
  fault: (call: ProxiedCall) => Fault
  /** Calls so far, the oldest first. */
  readonly calls: readonly ProxiedCall[]
  /** Breaks every connection and ends it. */
  stop(): Promise<void>
}

/**
 * Starts a proxy before the node at `target`.
 *
 * @example
 * ```ts no-run
 * import { startAnvil, startFaultyRpc } from "@haggle/chain/testing";
 *
 * const anvil = await startAnvil();
 * const proxy = await startFaultyRpc(anvil.url);
 * proxy.fault = ({ method }) => (method === "eth_sendRawTransaction" ? "lose" : "pass");
 * await proxy.stop();
 * await anvil.stop();
 * ```
 */
export async function startFaultyRpc(target: string): Promise<FaultyRpc> {
  const calls: ProxiedCall[] = []
  const server = createServer((request, response) => void handle(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const proxy: FaultyRpc = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    fault: () => 'pass',
    calls,
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await textOf(request)
    const call = JSON.parse(body) as ProxiedCall
    calls.push({ method: call.method, params: call.params })
    const fault = proxy.fault(call)
    if (fault === 'hang') return
    if (fault === 'drop') return void request.socket.destroy()
    if (fault === 'limit') return void response.writeHead(429, { 'retry-after': '1' }).end()
    if (fault === 'fail') return void response.writeHead(502, { 'content-type': 'text/html' }).end('<html>bad gateway</html>')
    const answer = await fetch(target, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
      .then((real) => real.text())
      .catch(() => undefined)
    if (fault === 'lose' || answer === undefined) return void request.socket.destroy()
    response.writeHead(200, { 'content-type': 'application/json' }).end(typeof fault === 'function' ? changed(answer, fault) : answer)
  }

  return proxy
}

function changed(answer: string, change: (result: unknown) => unknown): string {
  const parsed = JSON.parse(answer) as { readonly result?: unknown }
  return JSON.stringify('result' in parsed ? { ...parsed, result: change(parsed.result) } : parsed)
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request.setEncoding('utf8')) text += String(chunk)
  return text
}
