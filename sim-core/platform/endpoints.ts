import { id } from '../kernel/id.ts'
import { ms, seconds } from '../kernel/time.ts'
import type { EndpointSliceBody, KubernetesServiceSpec, PodSpec } from '../model/kubernetes.ts'
import { type Resource, type ResourceTree, specAs } from '../model/resource.ts'
import type { PodRow, ServiceEndpoint, ServiceRow } from '../world/cluster.ts'
import { defineComponent, send } from '../world/component.ts'
import { type Change, commit, commitOf, treeOf, watchResources } from '../world/resources.ts'
import type { World } from '../world/world.ts'
import { dnsZone, everyResource, isAddress, outsideAddress } from './dns-zone.ts'
import { type EndpointPod, endpointSlicesOf } from './endpoint-slices.ts'
import { ensureOutsideHost } from './outside.ts'

interface EndpointsState {
  /** A sync is under way: what changes before it comes is part of it. */
  due: boolean
}

/** Keeps an EndpointSlice per Service equal to the pods that it selects. */
export const endpoints = defineComponent<EndpointsState>({
  name: 'endpoints',
  init: world => {
    watchResources(world, 'endpoints')
    return { due: false }
  },
  on: {
    watch: (self, world, number) => {
      const { changed } = commitOf(world, number)
      if (self.due || !changed.some(key => key.kind === 'Pod' || key.kind === 'Service')) return
      self.due = true
      send(world, 'endpoints.sync', ms(0))
    },
    sync: (self, world) => {
      self.due = false
      commit(world, sliceChanges(world))
    },
  },
})

function sliceChanges(world: World): readonly Change[] {
  const tree = treeOf(world)
  const pods = podsByNamespace(world, tree)
  const changes: Change[] = []
  const wanted = new Set<string>()
  for (const service of everyResource(tree, 'Service')) {
    const { namespace } = service.metadata
    for (const slice of endpointSlicesOf(service, pods.get(namespace) ?? [])) {
      const { name } = slice.metadata
      wanted.add(`${namespace}/${name}`)
      const before = tree['EndpointSlice']?.[namespace]?.[name]
      if (!before || JSON.stringify(before.body) !== JSON.stringify(slice.body))
        changes.push({ verb: 'apply', kind: 'EndpointSlice', resource: slice })
    }
  }
  for (const slice of everyResource(tree, 'EndpointSlice')) {
    const { namespace, name, labels } = slice.metadata
    const isOurs = labels['endpointslice.kubernetes.io/managed-by'] === 'endpointslice-controller.k8s.io'
    if (isOurs && !wanted.has(`${namespace}/${name}`))
      changes.push({ verb: 'delete', kind: 'EndpointSlice', namespace, name })
  }
  return changes
}

function podsByNamespace(world: World, tree: ResourceTree): ReadonlyMap<string, readonly EndpointPod[]> {
  const found = new Map<string, EndpointPod[]>()
  for (const row of world.state.pods) {
    const object = tree['Pod']?.[row.namespace]?.[row.name]
    if (!object || row.ip === '' || row.phase === 'Succeeded' || row.phase === 'Failed') continue
    const list = found.get(row.namespace)
    const pod = endpointPod(world, row, object)
    if (list) list.push(pod)
    else found.set(row.namespace, [pod])
  }
  return found
}

function endpointPod(world: World, row: PodRow, object: Resource): EndpointPod {
  const node = world.state.nodes[row.node]
  return {
    name: row.name,
    namespace: row.namespace,
    labels: row.labels,
    spec: specAs<PodSpec>(object),
    ip: row.ip,
    ready: row.ready,
    terminating: row.phase === 'Terminating',
    nodeName: node?.name ?? '',
    zone: node?.zone ?? '',
  }
}

/** Keeps kube-proxy's table and the cluster's DNS equal to Services and EndpointSlices. */
export const kubeProxy = defineComponent<EndpointsState>({
  name: 'kubeProxy',
  init: world => {
    watchResources(world, 'kubeProxy')
    return { due: false }
  },
  on: {
    watch: (self, world, number) => {
      const { changed } = commitOf(world, number)
      if (self.due || !changed.some(key => watched.has(key.kind))) return
      self.due = true
      send(world, 'kubeProxy.sync', ms(0))
    },
    sync: (self, world) => {
      self.due = false
      const tree = treeOf(world)
      writeServices(world, tree)
      writeDns(world, tree)
      placeOutsideHosts(world, tree)
    },
  },
})

const watched = new Set(['Service', 'EndpointSlice', 'ServiceEntry', 'WorkloadEntry'])

function writeServices(world: World, tree: ResourceTree): void {
  const { state } = world
  state.services.length = 0
  state.serviceByAddress.clear()
  const slices = everyResource(tree, 'EndpointSlice')
  for (const service of everyResource(tree, 'Service')) {
    const spec = specAs<KubernetesServiceSpec>(service)
    const vips = [
      ...(spec.clusterIPs ?? (spec.clusterIP && spec.clusterIP !== 'None' ? [spec.clusterIP] : [])),
      ...(spec.externalIPs ?? []),
    ]
    if (vips.length === 0) continue
    const own = slices.filter(
      slice =>
        slice.metadata.namespace === service.metadata.namespace &&
        slice.metadata.labels['kubernetes.io/service-name'] === service.metadata.name,
    )
    for (const port of spec.ports ?? []) {
      const row: ServiceRow = {
        namespace: service.metadata.namespace,
        name: service.metadata.name,
        vips,
        port: port.port,
        protocol: port.protocol === 'UDP' ? 'UDP' : 'TCP',
        nodePort: port.nodePort,
        endpoints: endpointsOf(world, own, port.name ?? ''),
        internalTrafficPolicyLocal: spec.internalTrafficPolicy === 'Local',
        sessionAffinity: false,
      }
      const index = state.services.push(row) - 1
      for (const vip of vips) state.serviceByAddress.set(`${vip}:${port.port}`, index)
    }
  }
}

function endpointsOf(
  world: World,
  slices: readonly Resource[],
  portName: string,
): readonly ServiceEndpoint[] {
  return slices.flatMap(slice => {
    const body: EndpointSliceBody = slice.body
    const port = body.ports?.find(candidate => (candidate.name ?? '') === portName)?.port
    if (port === undefined) return []
    return (body.endpoints ?? [])
      .filter(endpoint => endpoint.conditions?.ready !== false)
      .flatMap(endpoint =>
        (endpoint.addresses ?? []).map(ip => ({
          ip,
          port,
          node: id<'node'>(
            Math.max(
              0,
              world.state.nodes.findIndex(node => node.name === endpoint.nodeName),
            ),
          ),
        })),
      )
  })
}

/** CoreDNS' default TTL of Kubernetes records, 5 s up to 1.7 and 30 s in the stock Corefile. */
const TTL = seconds(30)

function writeDns(world: World, tree: ResourceTree): void {
  const { state } = world
  const zone = dnsZone(tree)
  state.dns.length = 0
  state.dnsByName.clear()
  const add = (name: string, addresses: readonly string[]) => {
    if (state.dnsByName.has(name)) return
    state.dnsByName.set(name, state.dns.push({ name, addresses, ttl: TTL }) - 1)
  }
  // Every resolver's own file of hosts.
  add('localhost', ['127.0.0.1'])
  for (const [name, addresses] of zone.addresses) add(name, addresses)
  for (const name of zone.external)
    if (!name.includes('*') && !zone.addresses.has(name) && !name.endsWith(`.${zone.domain}`))
      add(name, [outsideAddress(name)])
  for (const [name] of zone.aliases) {
    const target = followAlias(zone.aliases, name)
    const at = state.dnsByName.get(target)
    add(name, at === undefined ? [outsideAddress(target)] : (state.dns[at]?.addresses ?? []))
  }
}

function followAlias(aliases: ReadonlyMap<string, string>, name: string): string {
  let at = name
  for (let hops = 0; hops < 8; hops++) {
    const next = aliases.get(at)
    if (next === undefined) return at
    at = next
  }
  return at
}

interface EntrySpec {
  readonly hosts?: readonly string[]
  readonly addresses?: readonly string[]
  readonly ports?: readonly {
    readonly number?: number
    readonly name?: string
    readonly targetPort?: number
  }[]
  readonly endpoints?: readonly {
    readonly address?: string
    readonly ports?: Readonly<Record<string, number>>
  }[]
}

/** Whoever a ServiceEntry or WorkloadEntry speaks of stands somewhere: a host outside for every name and address that no pod has. */
function placeOutsideHosts(world: World, tree: ResourceTree): void {
  for (const entry of everyResource(tree, 'ServiceEntry')) {
    const spec = specAs<EntrySpec>(entry)
    const ports = (spec.ports ?? [])
      .flatMap(port => [port.number ?? 0, port.targetPort ?? 0])
      .filter(port => port > 0)
    const stated = (spec.endpoints ?? []).flatMap(endpoint => Object.values(endpoint.ports ?? {}))
    const addresses = spec.endpoints?.length ? [] : (spec.addresses ?? [])
    const all = [
      ...(spec.hosts ?? []),
      ...addresses,
      ...(spec.endpoints ?? []).map(endpoint => endpoint.address ?? ''),
    ]
    for (const name of all) placeHost(world, name, [80, 443, ...ports, ...stated])
  }
  for (const entry of everyResource(tree, 'WorkloadEntry')) {
    const spec = specAs<{
      readonly address?: string
      readonly ports?: Readonly<Record<string, number>>
    }>(entry)
    placeHost(world, spec.address ?? '', [80, 443, ...Object.values(spec.ports ?? {})])
  }
}

function placeHost(world: World, name: string, ports: readonly number[]): void {
  if (name === '' || name.includes('*') || name.includes('/')) return
  const row = world.state.dnsByName.get(name)
  const addresses = isAddress(name)
    ? [name]
    : row === undefined
      ? []
      : (world.state.dns[row]?.addresses ?? [])
  for (const address of addresses)
    if (!world.state.podByIp.has(address) || isOutside(world, address))
      ensureOutsideHost(world, name, address, ports)
}

function isOutside(world: World, address: string): boolean {
  const pod = world.state.podByIp.get(address)
  return pod !== undefined && world.state.pods[pod]?.namespace === ''
}
