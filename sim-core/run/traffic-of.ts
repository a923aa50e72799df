import type { Draw } from '../kernel/draw.ts'
import { type Nanos, nanos, ZERO } from '../kernel/time.ts'
import type { RequestTemplate } from '../model/http.ts'
import { CLIENTS, requestOf } from '../workload/clients.ts'
import { type Load, type Stage, steady, type Traffic } from '../workload/load-generator.ts'
import { internArrival, internTemplate, type World } from '../world/world.ts'
import { drawOf, type ReadFile } from './dist.ts'
import type { ProbeFrom, ProbeRequest } from './mesh-input.ts'
import { qualified } from './names.ts'
import { prepareRequest } from './probe.ts'
import { nanosOf, perSecondOf } from './quantity.ts'
import type { ScenarioDocument } from './scenario/schema.ts'

/** One stream of requests as it is written. */
export type WrittenTraffic = NonNullable<ScenarioDocument['spec']['traffic']>[number]

interface Context {
  readonly world: World
  readonly namespace: string
  readonly readFile: ReadFile
  /** An instant of the run → the world's clock. */
  readonly at: (moment: string | undefined) => Nanos | undefined
}

/** A scenario's traffic as the load generator takes it; a text says why it cannot be sent. */
export function trafficOf(written: WrittenTraffic, context: Context): Traffic | string {
  const { world } = context
  const prepared = prepareRequest(
    world,
    senderOf(written.from, context.namespace),
    requestOfTraffic(written.request, world),
  )
  if (typeof prepared === 'string') return prepared
  const client = CLIENTS[written.client ?? 'fortio']
  const row = world.state.pods[prepared.sender]
  const load = loadOf(written, context.readFile)
  if (typeof load === 'string') return load
  const template = requestOf(client, prepared.template)
  const stop = context.at(written.stop)
  return {
    name: written.name,
    from: `${row?.namespace ?? ''}/${row?.workload ?? ''}`,
    template: internTemplate(world, template),
    arrival: internArrival(world, { ...prepared.arrival, protocol: wire(template.protocol) }),
    keepAlive: client.keepAlive,
    load,
    timeout: written.timeout === undefined ? undefined : nanos(nanosOf(written.timeout)),
    start: context.at(written.start) ?? context.at('0') ?? ZERO,
    stop,
  }
}

/** A connection never speaks HTTP/1.0 here: what its template says otherwise. */
function wire(protocol: RequestTemplate['protocol']) {
  return protocol === 'http/1.0' ? 'http/1.1' : protocol
}

/** Who sends, with complete names. */
export function senderOf(from: WrittenTraffic['from'], namespace: string): ProbeFrom {
  if (from.workload !== undefined) return { workload: qualified(from.workload, namespace) }
  if (from.pod !== undefined) return { pod: qualified(from.pod, namespace) }
  if (from.kubelet !== undefined) return { kubelet: from.kubelet }
  return {
    external: from.external ?? 'internet',
    ...(from.via !== undefined && { via: qualified(from.via, namespace) }),
  }
}

type WrittenRequest = WrittenTraffic['request']

/** The first of every list: a stream of requests sends one and the same. `{podIP:ns/workload@n}` becomes an address. */
export function requestOfTraffic(written: WrittenRequest, world: World): ProbeRequest {
  return combinationsOf(written, world)[0] ?? {}
}

/** Every combination of the lists in a request, in the order in which they are written. */
export function combinationsOf(written: WrittenRequest, world: World): readonly ProbeRequest[] {
  let made: readonly Readonly<Record<string, unknown>>[] = [{}]
  for (const [key, value] of Object.entries(written)) {
    if (key === 'bodyBytes') continue
    const choices: readonly unknown[] = Array.isArray(value) ? value : [value]
    made = made.flatMap(one => choices.map(choice => ({ ...one, [key]: filled(choice, world) })))
  }
  return made
}

function filled(value: unknown, world: World): unknown {
  if (typeof value === 'string')
    return value.replaceAll(
      /\{podIP:([^}@]+)(?:@(\d+))?\}/g,
      (_, name: string, ordinal: string | undefined) => podIp(world, name, ordinal),
    )
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, filled(item, world)]))
}

function podIp(world: World, name: string, ordinal: string | undefined): string {
  const wanted = name.includes('/') ? name : `default/${name}`
  const pods = world.state.pods.filter(pod => `${pod.namespace}/${pod.workload}` === wanted)
  const found =
    ordinal === undefined
      ? pods.find(pod => pod.phase === 'Running')
      : pods.find(pod => pod.ordinal === Number(ordinal))
  return found?.ip ?? ''
}

function loadOf({ arrival }: WrittenTraffic, readFile: ReadFile): Load | string {
  const { open, closed } = arrival
  if (closed) {
    if (closed.users === undefined) return 'closed loads with stages are not simulated yet; give users'
    const think: Draw = closed.think === undefined ? { constant: ZERO } : drawOf(closed.think, readFile)
    return { users: Number(closed.users), think }
  }
  if (!open) return 'give open or closed'
  if (open.process === 'mmpp' || open.process === 'trace')
    return `arrivals by ${open.process} are not simulated yet; use poisson or constant`
  const process = open.process ?? 'poisson'
  if (open.rate !== undefined) return steady(process, perSecondOf(open.rate))
  let at = 0
  const stages: Stage[] = []
  for (const stage of open.stages ?? []) {
    stages.push({ at: nanos(at), perSecond: perSecondOf(stage.rate), ramp: false })
    at += nanosOf(stage.for)
  }
  return { open: process, stages }
}
