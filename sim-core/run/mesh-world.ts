import { examined } from '../config/admission.ts'
import { treeKeyOf } from '../config/kinds.ts'
import { type Loaded, load, treeOf as treeFrom } from '../config/load.ts'
import { hasRefusals } from '../envoy/xds-client.ts'
import { istiodSettings } from '../istiod/settings.ts'
import { injectionWish, istio } from '../meshes/istio.ts'
import type { MeshSetup } from '../meshes/mesh.ts'
import type { MeshConfig } from '../model/istio.ts'
import { type Resource, type ResourceTree, specAs } from '../model/resource.ts'
import { type Checkpoint, checkpoint, restore } from '../world/checkpoint.ts'
import { commit } from '../world/resources.ts'
import type { Trace, TraceLevel } from '../world/trace.ts'
import type { World } from '../world/world.ts'
import type { ProbeMesh } from './mesh-input.ts'
import { emptyWorld, settle, startWorld } from './settled-world.ts'

/** What a mesh is built from. */
export interface MeshInput {
  /** Path → text. */
  readonly files: Readonly<Record<string, string>>
  readonly mesh: ProbeMesh
}

/** A mesh that has come to rest: everything started, every push applied, pools empty. */
export interface SettledMesh {
  readonly loaded: Loaded
  readonly setup: MeshSetup
  /** Whether every pod became ready. */
  readonly isReady: boolean
  /** A copy of its own to act in. */
  copy(trace: TraceLevel | Trace): World
}

/** As many meshes are remembered; batches ask one configuration many things in a row. */
const REMEMBERED = 8
/** As many sets of workloads are remembered, on which configurations are applied. */
const REMEMBERED_BASES = 4

/** Settled meshes by their input, each built once; meshes that differ in mesh configuration alone start their workloads once. */
export function createMeshes(): (input: MeshInput) => SettledMesh {
  const meshes = createMemory<SettledMesh>(REMEMBERED)
  const bases = createMemory<Started>(REMEMBERED_BASES)
  return input => meshes(JSON.stringify(input), () => build(input, bases))
}

type Memory<T> = (key: string, make: () => T) => T

/** Remembers what was used last. */
function createMemory<T>(most: number): Memory<T> {
  const known = new Map<string, T>()
  return (key, make) => {
    const found = known.get(key) ?? make()
    known.delete(key)
    known.set(key, found)
    const oldest = known.size > most ? known.keys().next().value : undefined
    if (oldest !== undefined) known.delete(oldest)
    return found
  }
}

/** Reads the files, starts everything and waits until it is at rest. */
export function buildMesh(input: MeshInput): SettledMesh {
  return build(input, (_, make) => make())
}

const SEED = 1

/** A world at rest, as far as it came to rest. */
interface Started {
  readonly image: Checkpoint
  readonly isReady: boolean
}

/** What routes, secures and observes traffic, and starts nothing by itself. */
const configuration: ReadonlySet<string> = new Set([
  'VirtualService',
  'DestinationRule',
  'ServiceEntry',
  'Sidecar',
  'PeerAuthentication',
  'RequestAuthentication',
  'AuthorizationPolicy',
  'Telemetry',
  'HTTPRoute',
  'GRPCRoute',
  'TCPRoute',
  'TLSRoute',
  'ReferenceGrant',
])

const isConfiguration = ({ apiVersion, kind }: Resource) =>
  configuration.has(kind) || (kind === 'Gateway' && apiVersion.startsWith('networking.istio.io/'))

/** Workloads start first, then configuration is applied to them. What a proxy refuses would leave it with its earlier configuration, so then all starts at once. */
function build(input: MeshInput, bases: Memory<Started>): SettledMesh {
  const loaded = examined(load(input.files))
  const given = loaded.resources.map(resource => withKeySets(resource, input.mesh.jwks ?? {}))
  const tree = treeFrom(given)
  const setup = setupOf(input, tree)
  const startAll = (resources: readonly Resource[]): Started => {
    const world = startWorld({
      mesh: istio,
      setup,
      resources,
      tree: treeFrom(resources),
      seed: SEED,
      trace: 'off',
    })
    const isReady = settle(world)
    return { isReady, image: checkpoint(world) }
  }
  const copyOf = (image: Checkpoint, trace: TraceLevel | Trace): World => {
    const made = emptyWorld({ mesh: istio, setup, seed: SEED, trace })
    restore(made, image)
    return made
  }
  const workloads = given.filter(resource => !isConfiguration(resource))
  const configured = (base: Started): Started | undefined => {
    if (!base.isReady) return undefined
    const world = copyOf(base.image, 'off')
    commit(
      world,
      given
        .filter(isConfiguration)
        .map(resource => ({ verb: 'apply', kind: treeKeyOf(resource.apiVersion, resource.kind), resource })),
    )
    const isReady = settle(world)
    return isReady && !hasRefusals(world) ? { isReady, image: checkpoint(world) } : undefined
  }
  const key = () => JSON.stringify([setup, workloads])
  const started =
    workloads.length === given.length
      ? bases(key(), () => startAll(given))
      : (configured(bases(key(), () => startAll(workloads))) ?? startAll(given))
  return { loaded, setup, isReady: started.isReady, copy: trace => copyOf(started.image, trace) }
}

function setupOf(input: MeshInput, tree: ResourceTree): MeshSetup {
  const dataplane = input.mesh.dataplane === 'ambient' ? 'none' : input.mesh.dataplane
  return {
    istiod: istiodSettings({
      mesh: (input.mesh.meshConfig ?? {}) as MeshConfig,
      features: input.mesh.features ?? {},
    }),
    profile: input.mesh.profile === 'minimal' ? 'minimal' : 'default',
    wish: injectionWish(tree, dataplane),
  }
}

/** Key sets that the user brings for issuers whose `jwksUri` nobody fetches. */
function withKeySets(resource: Resource, keySets: Readonly<Record<string, unknown>>): Resource {
  if (resource.kind !== 'RequestAuthentication' || Object.keys(keySets).length === 0) return resource
  const spec = specAs<{
    readonly jwtRules?: readonly { readonly issuer?: string; readonly jwks?: string }[]
  }>(resource)
  const jwtRules = (spec.jwtRules ?? []).map(rule => {
    const keys = keySets[rule.issuer ?? '']
    return rule.jwks || keys === undefined
      ? rule
      : { ...rule, jwks: typeof keys === 'string' ? keys : JSON.stringify(keys) }
  })
  return { ...resource, spec: { ...spec, jwtRules } }
}
