import { treeKeyOf } from '../config/kinds.ts'
import { invariant } from '../kernel/invariant.ts'
import { wallTime } from '../kernel/time.ts'
import type { KubernetesServiceSpec } from '../model/kubernetes.ts'
import { type Resource, type ResourceTree, specAs } from '../model/resource.ts'
import { defineComponent, stateOf } from '../world/component.ts'
import { type Change, commit, treeOf } from '../world/resources.ts'
import type { World } from '../world/world.ts'
import { type AddressPool, addressPool, serviceRange, takeAddress } from './addresses.ts'
import { everyResource } from './dns-zone.ts'

/** What the API server gives out by itself: Service addresses. */
export const apiServer = defineComponent<{ readonly services: AddressPool }>({
  name: 'apiServer',
  init: () => ({ services: addressPool(serviceRange, []) }),
  on: {},
})

/** `kubectl apply` of whole objects: defaults are filled in as the API server does, and everything is written at once. */
export function apply(world: World, objects: readonly Resource[]): number {
  const { services } = stateOf(world, apiServer)
  const tree = treeOf(world)
  for (const object of [...objects, ...everyResource(tree, 'Service')]) {
    const address = object.kind === 'Service' ? specAs<KubernetesServiceSpec>(object).clusterIP : undefined
    if (address?.startsWith(services.prefix) && !services.taken.includes(address))
      services.taken.push(address)
  }
  return commit(
    world,
    objects.map(object => applied(world, tree, services, object)),
  )
}

/** `kubectl delete`. */
export function remove(world: World, kind: string, namespace: string, name: string): number {
  return commit(world, [{ verb: 'delete', kind, namespace, name }])
}

function applied(world: World, tree: ResourceTree, services: AddressPool, object: Resource): Change {
  const kind = treeKeyOf(object.apiVersion, object.kind)
  const before = tree[kind]?.[object.metadata.namespace]?.[object.metadata.name]
  const dated = withCreation(world, object, before)
  return {
    verb: 'apply',
    kind,
    resource: object.kind === 'Service' ? withAddress(dated, before, services) : dated,
  }
}

/** What stood from the beginning keeps its own date; what comes later is as old as its first write. */
function withCreation(world: World, object: Resource, before: Resource | undefined): Resource {
  const { creationTimestamp } = object.metadata
  if (creationTimestamp !== 0) return object
  const date =
    before?.metadata.creationTimestamp ??
    (world.kernel.now === 0 ? 0 : wallTime(world.state.startTime, world.kernel.now))
  return date === 0 ? object : { ...object, metadata: { ...object.metadata, creationTimestamp: date } }
}

function withAddress(service: Resource, before: Resource | undefined, pool: AddressPool): Resource {
  const spec = specAs<KubernetesServiceSpec>(service)
  if (spec.clusterIP || spec.type === 'ExternalName') return service
  const kept = specAs<KubernetesServiceSpec>(before).clusterIP
  const clusterIP = kept || takeAddress(pool)
  invariant(clusterIP !== '', 'a Service gets an address')
  return { ...service, spec: { ...spec, clusterIP } }
}
