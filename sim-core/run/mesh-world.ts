import { type Loaded, load, treeOf as treeFrom } from '../config/load.ts'
import { istiodSettings } from '../istiod/settings.ts'
import { injectionWish, istio } from '../meshes/istio.ts'
import type { MeshSetup } from '../meshes/mesh.ts'
import type { MeshConfig } from '../model/istio.ts'
import type { Resource } from '../model/resource.ts'
import { type Checkpoint, checkpoint, restore } from '../world/checkpoint.ts'
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
const REMEMBERED = 16

/** Settled meshes by their input, each built once. */
export function createMeshes(): (input: MeshInput) => SettledMesh {
  const known = new Map<string, SettledMesh>()
  return input => {
    const key = JSON.stringify(input)
    const found = known.get(key)
    if (found) return found
    const oldest = known.size >= REMEMBERED ? known.keys().next().value : undefined
    if (oldest !== undefined) known.delete(oldest)
    const made = buildMesh(input)
    known.set(key, made)
    return made
  }
}

const SEED = 1

/** Reads the files, starts everything and waits until it is at rest. */
export function buildMesh(input: MeshInput): SettledMesh {
  const loaded = load(input.files)
  const given = loaded.resources.map(resource => withKeySets(resource, input.mesh.jwks ?? {}))
  const tree = treeFrom(given)
  const dataplane = input.mesh.dataplane === 'ambient' ? 'none' : input.mesh.dataplane
  const setup: MeshSetup = {
    istiod: istiodSettings({
      mesh: (input.mesh.meshConfig ?? {}) as MeshConfig,
      features: input.mesh.features ?? {},
    }),
    profile: input.mesh.profile === 'minimal' ? 'minimal' : 'default',
    wish: injectionWish(tree, dataplane),
  }
  const world = startWorld({ mesh: istio, setup, resources: given, tree, seed: SEED, trace: 'off' })
  const isReady = settle(world)
  const image: Checkpoint = checkpoint(world)
  const copy = (trace: TraceLevel | Trace): World => {
    const made = emptyWorld({ mesh: istio, setup, seed: SEED, trace })
    restore(made, image)
    return made
  }
  return { loaded, setup, isReady, copy }
}

/** Key sets that the user brings for issuers whose `jwksUri` nobody fetches. */
function withKeySets(resource: Resource, keySets: Readonly<Record<string, unknown>>): Resource {
  if (resource.kind !== 'RequestAuthentication' || Object.keys(keySets).length === 0) return resource
  const spec = (resource.spec ?? {}) as {
    readonly jwtRules?: readonly { readonly issuer?: string; readonly jwks?: string }[]
  }
  const jwtRules = (spec.jwtRules ?? []).map(rule => {
    const keys = keySets[rule.issuer ?? '']
    return rule.jwks || keys === undefined
      ? rule
      : { ...rule, jwks: typeof keys === 'string' ? keys : JSON.stringify(keys) }
  })
  return { ...resource, spec: { ...spec, jwtRules } }
}
