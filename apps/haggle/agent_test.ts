// The agent's life in real processes: started on demand, one per home, gone when idle, nothing left behind by a kill.

import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'
import { ask, dial, type Reach, reachOf, startBackground, stopAgent } from './client.ts'
import { describe } from './failure.ts'
import { pathsOf } from './home.ts'
import { haggle, httpGet, LOCAL_AGENT, localAgent, PLAIN_BOOT, start, temporary } from './testing/command.ts'

// Real processes on a machine that others use too: what hangs is ended by this, what is slow is not.
vi.setConfig({ testTimeout: 30_000 })

const place = temporary()
afterAll(() => place[Symbol.dispose]())

/** A reach whose background agent has the local market. */
function reach(home: string): Reach {
  // vitest's own flags are not for children.
  process.execArgv = ['--conditions=@haggle/source']
  return { ...reachOf(home, PLAIN_BOOT), start: (self) => startBackground(self, [LOCAL_AGENT]) }
}

test('ask() starts an agent when there is none and finds it the next time', async () => {
  const here = reach(join(place.folder, 'a'))
  const first = await ask(here, 'status', {})
  const second = await ask(here, 'status', {})
  expect(second['pid']).toBe(first['pid'])
  expect(first['pid']).not.toBe(process.pid)
  expect(await stopAgent(here.paths)).toMatchObject({ stopped: true })
  expect(await stopAgent(here.paths)).toBeUndefined()
})

test('ask() from many commands at once starts one agent', async () => {
  const here = reach(join(place.folder, 'b'))
  const answers = await Promise.all(Array.from({ length: 4 }, () => ask(here, 'status', {})))
  expect(new Set(answers.map((answer) => answer['pid'])).size).toBe(1)
  await stopAgent(here.paths)
})

test('ask() goes on with a new agent after kill -9', async () => {
  const here = reach(join(place.folder, 'c'))
  const { pid } = await ask(here, 'status', {})
  process.kill(Number(pid), 'SIGKILL')
  await expect.poll(async () => (await dial(here.paths)) === undefined).toBe(true)
  const again = await ask(here, 'status', {})
  expect(again['pid']).not.toBe(pid)
  await stopAgent(here.paths)
})

test('ask() replaces an idle agent of another network and leaves a busy one alone', async () => {
  const here = reach(join(place.folder, 'd'))
  const first = await ask(here, 'status', {})
  const other: Reach = { ...here, boot: { ...PLAIN_BOOT, network: 'devnet-1' } }
  const second = await ask(other, 'status', {})
  expect(second['pid']).not.toBe(first['pid'])
  expect(second['network']).toBe('devnet-1')
  await ask(other, 'up', { provide: { price: '0.1' } })
  expect((await ask(here, 'status', {}))['pid']).toBe(second['pid'])
  const another: Reach = { ...here, boot: { ...PLAIN_BOOT, network: 'haggle' } }
  const refused = await ask(another, 'status', {}).catch((error: unknown) => describe(error))
  expect(refused).toMatchObject({ code: 'E_AGENT_BOOT', next: 'haggle down, then again' })
  await stopAgent(here.paths, { now: true })
})

test('ask() says what kept the agent from starting', async () => {
  const home = join(place.folder, 'e')
  await using busy = await localAgent(home)
  // The holder of the home is alive and does not answer: as a process of another kind would be.
  const here = reach(join(place.folder, 'f'))
  await using held = await localAgent(here.paths.home)
  void busy
  void held
  const direct = await startBackground({ ...here, paths: { ...here.paths, socket: join(place.folder, 'none.sock') } }, [LOCAL_AGENT]).catch(
    (error: unknown) => describe(error),
  )
  expect(direct).toMatchObject({ code: 'E_HOME_BUSY' })
}, 60_000)

/** Longer than a loaded machine takes to start a command, shorter than the job of the test. */
const IDLE_MS = 3000

test('the agent leaves when nothing is open for its idle time, and stays while a job is open', async () => {
  const home = join(place.folder, 'g')
  await using agent = await localAgent(home, { idleMs: IDLE_MS })
  const running = start(['run', '--home', home, '--', 'sh', '-c', 'echo go; sleep 4'])
  await running.seen(/go/)
  expect((await running.ended).code).toBe(0)
  await agent.gone
  expect(await dial(pathsOf(home))).toBeUndefined()
})

test('the agent drains on SIGTERM and takes a new price on SIGHUP', async () => {
  const home = join(place.folder, 'h')
  await using agent = await localAgent(home)
  const here = reachOf(home, PLAIN_BOOT)
  await ask(here, 'up', { provide: { price: '0.1' } })
  writeFileSync(here.paths.config, '{"price":"0.2"}')
  agent.child.kill('SIGHUP')
  await expect
    .poll(async () => ((await ask(here, 'status', {}))['providing'] as { offer: { pricePerHour: string } }).offer.pricePerHour)
    .toBe('0.2')
  agent.child.kill('SIGTERM')
  await agent.gone
  expect(agent.child.exitCode).toBe(0)
})

test('the agent refuses a call of another version and nonsense, and lives on', async () => {
  const home = join(place.folder, 'i')
  await using agent = await localAgent(home)
  void agent
  const here = reachOf(home, PLAIN_BOOT)
  expect(describe(await ask(here, 'constructor', {}).catch((error: unknown) => error))).toMatchObject({ code: 'E_AGENT_CALL' })
  const socket = await dial(here.paths)
  const closed = new Promise<void>((done) => socket?.on('close', () => done()))
  socket?.on('error', () => undefined)
  socket?.write(Buffer.from([0xff, 0xff, 0xff, 0xff, 0, 0, 0]))
  await closed
  expect(await httpGet(home, '/readyz')).toContain('ready')
})

test('haggle down refuses while others’ jobs would be cut, and ends an idle agent', async () => {
  const home = join(place.folder, 'j')
  await using agent = await localAgent(home)
  const found = await haggle(['down', '--home', home, '--json'])
  expect(JSON.parse(found.stdout.toString())).toMatchObject({ stopped: true })
  await agent.gone
  expect((await haggle(['down', '--home', home])).stderr).toContain('no agent was running')
})

test('the agent makes its socket again when somebody took it away', async () => {
  const home = join(place.folder, 'k')
  await using agent = await localAgent(home)
  rmSync(pathsOf(home).socket)
  await expect.poll(async () => await httpGet(home, '/readyz').catch(() => ''), { timeout: 5000 }).toContain('ready')
  const status = JSON.parse((await haggle(['status', '--json', '--home', home])).stdout.toString()) as { pid: number }
  expect(status.pid).toBe(agent.child.pid)
})
