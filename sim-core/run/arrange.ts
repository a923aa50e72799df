import { isRecord } from '../config/documents.ts'
import { treeOf as treeFrom } from '../config/load.ts'
import { readMeshConfig } from '../config/mesh-config-text.ts'
import { parseTimestamp } from '../config/timestamp.ts'
import { setProxyCost } from '../envoy/room.ts'
import { istiodSettings } from '../istiod/settings.ts'
import { type EpochSeconds, START_OF_RUN } from '../kernel/time.ts'
import { injectionWish, istio } from '../meshes/istio.ts'
import type { Mesh, MeshSetup } from '../meshes/mesh.ts'
import { none } from '../meshes/none.ts'
import type { MeshConfig } from '../model/istio.ts'
import { type Latency, setLatency } from '../network/link.ts'
import type { World } from '../world/world.ts'
import { behaviorsOf } from './behaviors.ts'
import { drawOf } from './dist.ts'
import { podSelect } from './names.ts'
import { fractionOf } from './quantity.ts'
import type { ScenarioDocument } from './scenario/schema.ts'
import type { Dist } from './scenario/words.ts'
import type { ScenarioInput } from './scenario-files.ts'

type Spec = ScenarioDocument['spec']

/** The mesh that a scenario asks for. */
export function meshOfScenario(input: ScenarioInput): { readonly mesh: Mesh; readonly setup: MeshSetup } {
  const { mesh = {} } = input.sourced.document.spec
  const { meshConfig, dataplane } = mesh
  const text = typeof meshConfig === 'string' ? input.texts.get(meshConfig) : undefined
  const written: unknown = text === undefined ? meshConfig : readMeshConfig(text).mesh
  const cpu = mesh.istiod?.cpu
  return {
    mesh: mesh.kind === 'none' ? none : istio,
    setup: {
      istiod: istiodSettings({
        mesh: (isRecord(written) ? written : {}) as MeshConfig,
        features: mesh.features ?? {},
        ...(cpu !== undefined && { cpus: cpusOf(cpu) }),
      }),
      profile: mesh.profile === 'minimal' ? 'minimal' : 'default',
      wish: injectionWish(treeFrom(input.resources), wished(dataplane)),
    },
  }
}

/** What of the written mesh is not simulated, as sentences. */
export function unsimulatedMesh({ mesh }: Spec): readonly string[] {
  const ambient = mesh?.dataplane === 'ambient' || mesh?.profile === 'ambient'
  return ambient ? ['ambient mode: pods get no proxy'] : []
}

function wished(dataplane: NonNullable<Spec['mesh']>['dataplane']) {
  if (typeof dataplane !== 'object') return dataplane === 'ambient' ? 'none' : dataplane
  return { force: dataplane.force === 'ambient' ? ('none' as const) : dataplane.force }
}

/** Kubernetes' CPU quantities: `500m`, `2`. */
function cpusOf(cpu: string | number): number {
  const text = String(cpu)
  return text.endsWith('m') ? Number(text.slice(0, -1)) / 1000 : Number(text)
}

/** Wall time at the beginning of a scenario. */
export function wallStart(spec: Spec): EpochSeconds {
  const stated = spec.run?.startTime === undefined ? undefined : parseTimestamp(spec.run.startTime)
  return (stated ?? START_OF_RUN) as EpochSeconds
}

/** Behaviors, places and links, before the first pod is made. */
export function arrange(world: World, input: ScenarioInput, namespace: string): void {
  const { behaviors = [], topology, mesh } = input.sourced.document.spec
  const readFile = (path: string) => input.texts.get(path)
  const tree = treeFrom(input.resources)
  world.state.behaviorRules = behaviorsOf(behaviors, { world, tree, namespace, readFile }).map(
    ({ select, behavior }) => ({ select, behavior: world.state.behaviors.push(behavior) - 1 }),
  )
  world.state.placements = (topology?.place ?? []).map(({ select, zone }) => ({
    select: podSelect(select, namespace),
    zone,
  }))
  const latency = Object.fromEntries(
    Object.entries(topology?.latency ?? {}).flatMap(([distance, dist]) =>
      dist === undefined ? [] : [[distance, drawOf(dist as Dist, readFile)]],
    ),
  ) as Partial<Latency>
  setLatency(world, latency, topology?.loss === undefined ? 0 : fractionOf(topology.loss) * 100)
  if (topology?.proxyCost !== undefined && mesh?.kind !== 'none') setProxyCost(world, topology.proxyCost)
}
