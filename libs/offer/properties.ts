// Every property that an expression may name, with its type: over offers, over the parts of an offer, over renters.

import type { Collection } from './ast.ts'
import { FIGURE_NAMES } from './device.ts'
import type { ValueType } from './units.ts'

/** A property of the language. */
export interface Property {
  /** As an expression names it. */
  readonly name: string
  /** What its values are. */
  readonly type: ValueType
  /** What it says, for people. */
  readonly about: string
}

/** Whose properties an expression names: an offer's (a demand's `where`) or a renter's (an offer's `accept`). */
export type Vocabulary = 'offer' | 'renter'

const property = (name: string, type: ValueType, about: string): Property => ({ name, type, about })

/** Properties of one device: the names under `any(gpu, …)`, and with `gpu.` before them at the top. */
export const DEVICE_PROPERTIES: readonly Property[] = [
  property('kind', 'string', 'gpu, software or cpu'),
  property('vendor', 'string', 'maker'),
  property('model', 'string', 'model name'),
  property('vram', 'size', 'nominal memory'),
  property('vram.usable', 'size', "memory by the driver's word"),
  property('vram.free', 'size', 'memory free now'),
  property('cc', 'version', 'CUDA compute capability'),
  property('driver', 'version', 'driver version'),
  property('cuda', 'version', 'CUDA version'),
  property('rocm', 'version', 'ROCm version'),
  property('metal', 'version', 'Metal version'),
  property('vulkan', 'version', 'Vulkan version'),
  property('free', 'boolean', 'no contract holds it'),
  property('bench.f32', 'flops', 'measured f32 speed'),
  property('bench.f16', 'flops', 'measured f16 speed'),
  property('bench.i8', 'flops', 'measured i8 speed'),
  property('bench.mem', 'speed', 'measured memory speed'),
  property('power', 'count', 'power limit, watts'),
  ...FIGURE_NAMES.map((name) => property(`${name}.source`, 'string', `who vouches for ${name}: declared, challenged, attested or live`)),
]

/** Properties of one runner: the names under `any(runner, …)`. */
export const RUNNER_PROPERTIES: readonly Property[] = [
  property('name', 'string', 'deno, exec, container, openai'),
  property('isolation', 'string', 'isolation tier'),
]

/** Properties of an offer at the top of an expression, those of a GPU included. */
export const OFFER_PROPERTIES: readonly Property[] = [
  property('price.hour', 'money', 'price of an hour'),
  property('price.request', 'money', 'price of a request'),
  property('price.input', 'money', 'price of 1,000,000 input tokens'),
  property('price.output', 'money', 'price of 1,000,000 output tokens'),
  property('price.egress', 'money', 'price of 10^9 bytes out'),
  property('gpu.count', 'count', 'number of GPUs'),
  ...DEVICE_PROPERTIES.map((p) => property(`gpu.${p.name}`, p.type, p.about)),
  property('cpu.model', 'string', 'processor'),
  property('cpu.cores', 'count', 'cores'),
  property('cpu.threads', 'count', 'hardware threads'),
  property('memory', 'size', 'memory for jobs'),
  property('disk', 'size', 'disk for jobs'),
  property('net.down', 'rate', 'download rate'),
  property('net.up', 'rate', 'upload rate'),
  property('os', 'string', 'linux, darwin, windows'),
  property('arch', 'string', 'x64, arm64'),
  property('region', 'region', 'country or subdivision'),
  property('runner', 'strings', 'runners'),
  property('isolation', 'strings', 'isolation tiers'),
  property('cached.image', 'strings', 'images that are here'),
  property('cached.model', 'strings', 'models that are here or served'),
  property('rail', 'strings', 'ways to pay'),
  property('sla', 'strings', 'ways to pay with which a service level can be bought'),
  property('limit.cpu', 'cores', 'most cores of a job'),
  property('limit.memory', 'size', 'most memory of a job'),
  property('limit.disk', 'size', 'most disk of a job'),
  property('limit.output', 'size', 'most output of a job'),
  property('limit.pids', 'count', 'most processes of a job'),
  property('limit.duration', 'duration', 'longest job'),
  property('limit.idle', 'duration', 'longest life without the renter'),
  property('tick', 'duration', 'time between meters'),
  property('slots', 'count', 'jobs at a time'),
  property('slots.free', 'count', 'slots free now'),
  property('serves', 'string', 'anyone or friends'),
  property('stake', 'money', 'unlocked stake'),
  property('provider.key', 'key', 'the provider, 64 hex digits'),
  property('provider.score', 'ratio', "the reader's score of the provider, 0 to 1"),
  property('provider.completes', 'ratio', 'its part for contracts completed'),
  property('provider.uptime', 'ratio', 'its part for being reachable'),
  property('provider.speed', 'ratio', 'its part for being as fast as advertised; unknown while nobody has measured'),
  property('provider.disputes', 'ratio', 'its part for ending without disputes'),
  property('provider.jobs', 'count', 'contracts settled with the provider'),
  property('provider.rtt', 'duration', 'round trip to the provider'),
]

/** Properties of a renter and the job it asks for. */
export const RENTER_PROPERTIES: readonly Property[] = [
  property('renter.key', 'key', 'the renter, 64 hex digits'),
  property('renter.score', 'ratio', "the provider's score of the renter, 0 to 1"),
  property('renter.pays', 'ratio', 'its part for contracts paid'),
  property('renter.disputes', 'ratio', 'its part for ending without disputes'),
  property('renter.jobs', 'count', 'contracts settled with the renter'),
  property('renter.stake', 'money', "the renter's stake"),
  property('renter.friend', 'boolean', "on the provider's allow-list"),
  property('job.runner', 'string', 'runner'),
  property('job.isolation', 'strings', 'acceptable isolation tiers'),
  property('job.rail', 'string', 'way to pay'),
  property('job.cap', 'money', 'most it may cost'),
  property('job.duration', 'duration', 'longest time'),
  property('job.idle', 'duration', 'life without the renter'),
  property('job.gpus', 'count', 'GPUs it takes at least'),
  property('job.cpu', 'cores', 'cores'),
  property('job.memory', 'size', 'memory'),
  property('job.disk', 'size', 'disk'),
  property('job.output', 'size', 'output'),
  property('job.pids', 'count', 'processes'),
  property('job.public', 'boolean', 'entries may be seen by all'),
]

/** Collections of an offer, and the properties of their parts. */
export const COLLECTIONS: Readonly<Record<Collection, readonly Property[]>> = {
  gpu: DEVICE_PROPERTIES,
  software: DEVICE_PROPERTIES,
  device: DEVICE_PROPERTIES,
  runner: RUNNER_PROPERTIES,
}

const byName = (list: readonly Property[]): ReadonlyMap<string, Property> => new Map(list.map((p) => [p.name, p]))
const TOP: Readonly<Record<Vocabulary, ReadonlyMap<string, Property>>> = {
  offer: byName(OFFER_PROPERTIES),
  renter: byName(RENTER_PROPERTIES),
}
const DEVICE = byName(DEVICE_PROPERTIES)
const RUNNER = byName(RUNNER_PROPERTIES)

/** The properties that a place in an expression may name. */
export type Scope = Vocabulary | Collection

/** True when a scope is a collection's. */
export function isCollection(word: string): word is Collection {
  return word === 'gpu' || word === 'software' || word === 'device' || word === 'runner'
}

/** Every property of a scope by name. */
export function propertiesOf(scope: Scope): ReadonlyMap<string, Property> {
  return scope === 'offer' || scope === 'renter' ? TOP[scope] : scope === 'runner' ? RUNNER : DEVICE
}

/** Properties that `trust.…` names: the same on both sides, each meaning the other. */
const TRUST = /^trust\.(score|completes|uptime|speed|disputes|pays)$/

/**
 * Names that people write for others: at the top `bench.f16` is `gpu.bench.f16`, `trust.score` is `provider.score` over offers and `renter.score` over
 * renters, and under `any(gpu, …)` `gpu.vram` is `vram`.
 */
export function findProperty(scope: Scope, name: string): Property | undefined {
  const names = propertiesOf(scope)
  const exact = names.get(name)
  if (exact !== undefined) return exact
  const trust = scope === 'offer' || scope === 'renter' ? TRUST.exec(name) : null
  if (trust !== null) return names.get(`${scope === 'offer' ? 'provider' : 'renter'}.${trust[1]}`)
  if (scope === 'offer') return name.startsWith('bench.') ? names.get(`gpu.${name}`) : undefined
  return isCollection(scope) && name.startsWith(`${scope}.`) ? names.get(name.slice(scope.length + 1)) : undefined
}

/** The type of a property named in an expression, whatever vocabulary it is of; undefined for an unknown name. */
export function typeOf(name: string, scope?: Scope): ValueType | undefined {
  if (scope !== undefined) return findProperty(scope, name)?.type
  return (TOP.offer.get(name) ?? TOP.renter.get(name))?.type
}

/** True when a property at the top speaks of one GPU: `gpu.vram`, but not `gpu.count`. */
export function isGpuProperty(name: string): boolean {
  return name.startsWith('gpu.') && DEVICE.has(name.slice(4))
}

/** Properties at the top that are never unknown, and those of a device. */
const ALWAYS: ReadonlySet<string> = new Set(
  'gpu.count cpu.model cpu.cores cpu.threads memory disk os arch runner isolation cached.image cached.model rail sla limit.cpu limit.memory limit.disk limit.output limit.pids limit.duration limit.idle tick slots slots.free serves provider.key'.split(
    ' ',
  ),
)
const ALWAYS_ON_DEVICE: ReadonlySet<string> = new Set(['kind', 'vendor', 'model', 'vram', 'free', 'vram.source'])

/** True when every offer tells this property. */
export function isAlwaysKnown(scope: Scope, name: string): boolean {
  if (scope === 'runner') return true
  if (isCollection(scope)) return ALWAYS_ON_DEVICE.has(name)
  return scope === 'offer' && (isGpuProperty(name) ? ALWAYS_ON_DEVICE.has(name.slice(4)) : ALWAYS.has(name))
}

/** Up to three known names of the scope that are close to a wrong one. */
export function nearNames(scope: Scope, name: string): string[] {
  const wanted = name.toLowerCase()
  return [...propertiesOf(scope).keys()]
    .map((known) => ({ known, far: known.endsWith(`.${wanted}`) || known.startsWith(`${wanted}.`) ? 0 : editDistance(known, wanted) }))
    .filter(({ far, known }) => far <= Math.max(1, Math.floor(Math.min(known.length, wanted.length) / 3)))
    .sort((a, b) => a.far - b.far || (a.known < b.known ? -1 : 1))
    .slice(0, 3)
    .map(({ known }) => known)
}

function editDistance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 8 || b.length > 40) return 99
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const swap = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      row.push(Math.min(swap, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1))
    }
    previous = row
  }
  return previous[b.length] ?? 99
}
