import { id, none } from '../../sim-core/kernel/id.ts'
import { ms, type Nanos, ZERO } from '../../sim-core/kernel/time.ts'
import type { RequestTemplate } from '../../sim-core/model/http.ts'
import { legs as networkLegs } from '../../sim-core/network/legs.ts'
import { network } from '../../sim-core/network/link.ts'
import { timers as appTimers, legs as workloadLegs } from '../../sim-core/workload/legs.ts'
import { timers as clientTimers, loadGenerator } from '../../sim-core/workload/load-generator.ts'
import type { Behavior, Script } from '../../sim-core/world/behavior.ts'
import type { ListeningPort, PodRow } from '../../sim-core/world/cluster.ts'
import type { Arrival } from '../../sim-core/world/connection.ts'
import { createFifo } from '../../sim-core/world/fifo.ts'
import { createWorld, type Legs, type WorldOptions } from '../../sim-core/world/journey.ts'
import { STORY } from '../../sim-core/world/story.ts'
import { internArrival, internTemplate, type Leg, type World } from '../../sim-core/world/world.ts'

const nobody: Leg = () => {
  throw new Error('there is no proxy in this world')
}

/** A world of two zones, without proxies. */
export function aWorld(options: Partial<WorldOptions> = {}): World {
  const absent = Object.fromEntries(STORY.map(name => [name, nobody])) as unknown as Legs
  const world = createWorld({
    seed: 1,
    trace: 'off',
    legs: { ...absent, ...networkLegs, ...workloadLegs },
    timers: { ...appTimers, ...clientTimers },
    components: [network, loadGenerator],
    ...options,
  })
  for (const zone of ['a', 'b'])
    world.state.nodes.push({
      id: id<'node'>(world.state.nodes.length),
      name: `node-${zone}`,
      region: 'r',
      zone,
      subzone: '',
      network: '',
      cluster: 'Kubernetes',
      clockSkew: ZERO,
      ready: true,
    })
  return world
}

/** A running pod that listens for HTTP on 8080 unless told otherwise. */
export function aPod(
  world: World,
  workload: string,
  of: Partial<PodRow> & { readonly port?: Partial<ListeningPort> } = {},
): PodRow {
  const row = world.state.pods.length
  const { port, ...fields } = of
  const pod: PodRow = {
    id: id<'pod'>(row),
    namespace: 'default',
    name: `${workload}-${row}`,
    workload,
    ordinal: 0,
    ip: `10.0.0.${row + 1}`,
    node: id<'node'>(row % 2),
    labels: {},
    serviceAccount: 'default',
    phase: 'Running',
    ready: true,
    listening: [
      { port: 8080, name: 'http', protocol: 'http', localhostOnly: false, container: 'app', ...port },
    ],
    hostNetwork: false,
    interception: undefined,
    proxy: none(),
    applicationUid: 1000,
    proxyUid: 1337,
    behavior: 0,
    busy: 0,
    waiting: createFifo(),
    ...fields,
  }
  world.state.pods.push(pod)
  world.state.podByIp.set(pod.ip, pod.id)
  return pod
}

/** A Service on port 80 over the pods' 8080, with its name in DNS. */
export function aService(world: World, name: string, pods: readonly PodRow[]): void {
  const { state } = world
  const vip = `10.96.0.${state.services.length + 1}`
  state.serviceByAddress.set(`${vip}:80`, state.services.length)
  state.services.push({
    namespace: 'default',
    name,
    vips: [vip],
    port: 80,
    protocol: 'TCP',
    nodePort: undefined,
    endpoints: pods.map(pod => ({ ip: pod.ip, port: 8080, node: pod.node })),
    internalTrafficPolicyLocal: false,
    sessionAffinity: false,
  })
  state.dnsByName.set(`${name}.default.svc.cluster.local`, state.dns.length)
  state.dns.push({ name: `${name}.default.svc.cluster.local`, addresses: [vip], ttl: ms(30_000) as Nanos })
}

/** Number of a GET to a host. */
export function aRequest(world: World, authority: string, more: Partial<RequestTemplate> = {}): number {
  return internTemplate(world, {
    protocol: 'http/1.1',
    grpc: false,
    method: 'GET',
    scheme: 'http',
    authority,
    path: '/',
    headers: [],
    bodyBytes: 0,
    ...more,
  })
}

/** Number of a plain connection to a host's port 80. */
export function anArrival(world: World, host: string, more: Partial<Arrival> = {}): number {
  return internArrival(world, {
    host,
    address: '',
    port: 80,
    protocol: 'http/1.1',
    transport: 'raw_buffer',
    sni: '',
    alpn: [],
    peer: '',
    ...more,
  })
}

/** Number of a behavior with one script. */
export function aBehavior(world: World, script: Partial<Script>, of: Partial<Behavior> = {}): number {
  return (
    world.state.behaviors.push({
      name: 'x',
      concurrency: 1,
      queue: 10,
      scripts: [{ steps: [], status: 200, responseBytes: 0, ...script }],
      ...of,
    }) - 1
  )
}
