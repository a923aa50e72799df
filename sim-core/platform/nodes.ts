import { id } from '../kernel/id.ts'
import { ZERO } from '../kernel/time.ts'
import type { Resource, ResourceTree } from '../model/resource.ts'
import type { World } from '../world/world.ts'
import { OUTSIDE } from './controllers.ts'
import { everyResource } from './dns-zone.ts'

/** Two machines of one zone stand where the manifests name none. */
const unnamedNodes = ['node-1', 'node-2']

/** Rows for the Nodes of the manifests (or two plain ones), and one for everything outside the cluster. */
export function createNodes(world: World, tree: ResourceTree, zones: readonly string[] = []): void {
  const given = everyResource(tree, 'Node')
  if (given.length > 0) for (const node of given) addNode(world, node.metadata.name, topologyOf(node))
  else if (zones.length > 0)
    for (const zone of zones) addNode(world, `node-${zone}`, { region: 'region', zone, subzone: '' })
  else for (const name of unnamedNodes) addNode(world, name, { region: '', zone: '', subzone: '' })
  addNode(world, OUTSIDE, { region: '', zone: '', subzone: '' })
}

interface Topology {
  readonly region: string
  readonly zone: string
  readonly subzone: string
}

function topologyOf(node: Resource): Topology {
  const { labels } = node.metadata
  return {
    region: labels['topology.kubernetes.io/region'] ?? '',
    zone: labels['topology.kubernetes.io/zone'] ?? '',
    subzone: labels['topology.istio.io/subzone'] ?? '',
  }
}

function addNode(world: World, name: string, topology: Topology): void {
  world.state.nodes.push({
    id: id(world.state.nodes.length),
    name,
    ...topology,
    network: '',
    cluster: 'Kubernetes',
    clockSkew: ZERO,
    ready: true,
  })
}
