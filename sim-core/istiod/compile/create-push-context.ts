import { normalizeFeatures } from '../../config/defaults/features.ts'
import { effectiveMeshConfig } from '../../config/defaults/mesh-config.ts'
import type { MeshConfig } from '../../model/istio.ts'
import type { ResourceTree } from '../../model/resource.ts'
import { endpointIndex } from './instances.ts'
import { lastOf, ofKind } from './memo.ts'
import { podsOf } from './pods.ts'
import type { PodView, PushContext } from './push-context.ts'
import { servicesOf } from './registry.ts'

/** What a push context is made from. Only the tree is needed. */
export interface PushInput {
  readonly tree: ResourceTree
  /** Over the defaults and over the ConfigMap `istio` of the tree. */
  readonly mesh?: MeshConfig
  /** Flags of istiod, by environment or Go name. */
  readonly features?: Readonly<Record<string, unknown>>
  /** Domain of Kubernetes services; `cluster.local` when absent. */
  readonly domainSuffix?: string
  /** Domain of short hosts in Istio's resources; as `domainSuffix` when absent, `''` for none. */
  readonly configDomainSuffix?: string
  readonly version?: number
  /** The pods, where they are not resources of the tree. Pass the same list again when nothing changed. */
  readonly pods?: readonly PodView[]
}

const NOTHING = {}
const meshes = lastOf<object, MeshConfig>()
const normalized = lastOf<object, PushContext['features']>()
const podLists = lastOf<object, readonly PodView[]>()

/** Everything that one compilation reads, indexed lazily. istio: pilot/pkg/model/push_context.go InitContext. */
export function createPushContext(input: PushInput): PushContext {
  const { tree, domainSuffix = 'cluster.local' } = input
  const over = input.mesh ?? NOTHING
  const mesh = meshes(over, [over, tree['ConfigMap']?.['istio-system']?.['istio']], () =>
    effectiveMeshConfig(tree, over),
  )
  const given = input.features ?? NOTHING
  const features = normalized(given, [given], () => normalizeFeatures(given))
  const settings = { domainSuffix, mesh, features }
  const services = servicesOf(tree, settings)
  const podObjects = ofKind(tree, 'Pod')
  const pods = input.pods ?? podLists(podObjects, [podObjects], () => podsOf(tree))
  return {
    tree,
    mesh,
    features,
    domainSuffix,
    configDomainSuffix: input.configDomainSuffix ?? domainSuffix,
    version: input.version ?? 0,
    services,
    pods,
    endpointsOf: endpointIndex(tree, services, pods, settings),
  }
}
