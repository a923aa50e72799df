import { invariant } from '../kernel/invariant.ts'
import { type Nanos, us } from '../kernel/time.ts'
import type { Resource, ResourceTree } from '../model/resource.ts'
import { defineComponent, send, stateOf } from './component.ts'
import type { World } from './world.ts'

/** Which object changed. `kind` is the resource tree's key. */
export interface ResourceKey {
  readonly kind: string
  readonly namespace: string
  readonly name: string
}

/** One write to the API server. */
export interface Commit {
  readonly number: number
  readonly at: Nanos
  readonly changed: readonly ResourceKey[]
}

/** A change to one object. */
export type Change =
  | { readonly verb: 'apply'; readonly kind: string; readonly resource: Resource }
  | ({ readonly verb: 'delete' } & ResourceKey)

interface ResourcesState {
  /** Frozen, so that checkpoints share it. */
  tree: ResourceTree
  readonly commits: Commit[]
  readonly watchers: string[]
}

/** Simplified: every watcher hears of a write after the same 2 ms, an estimate. */
const WATCH_DELAY = us(2000)

/** What the API server stores. Components that watch it are told of each write. */
export const resources = defineComponent<ResourcesState>({
  name: 'resources',
  init: () => ({ tree: Object.freeze({}), commits: [], watchers: [] }),
  on: {},
})

/** The objects as they are now. */
export function treeOf(world: World): ResourceTree {
  return stateOf(world, resources).tree
}

/** Number of the newest write; 0 before the first. */
export function versionOf(world: World): number {
  return stateOf(world, resources).commits.length
}

/** A write by its number, counted from 1. */
export function commitOf(world: World, number: number): Commit {
  const commit = stateOf(world, resources).commits[number - 1]
  invariant(commit !== undefined, 'a commit is asked for by its number')
  return commit
}

/** From now on this component's event `watch` fires for every write, with the write's number. To be called in `init`. */
export function watchResources(world: World, component: string): void {
  stateOf(world, resources).watchers.push(component)
}

/** Writes changes as one commit and tells the watchers. */
export function commit(world: World, changes: readonly Change[]): number {
  const self = stateOf(world, resources)
  if (changes.length === 0) return self.commits.length
  self.tree = Object.freeze(changedTree(self.tree, changes))
  const changed = changes.map(change =>
    change.verb === 'delete'
      ? { kind: change.kind, namespace: change.namespace, name: change.name }
      : {
          kind: change.kind,
          namespace: change.resource.metadata.namespace,
          name: change.resource.metadata.name,
        },
  )
  const number = self.commits.length + 1
  self.commits.push(Object.freeze({ number, at: world.kernel.now, changed: Object.freeze(changed) }))
  for (const watcher of self.watchers) send(world, `${watcher}.watch`, WATCH_DELAY, number)
  return number
}

/** The tree with the changes; what they do not touch is shared. */
function changedTree(tree: ResourceTree, changes: readonly Change[]): ResourceTree {
  const kinds: Record<string, Record<string, Record<string, Resource>>> = Object.assign(
    Object.create(null),
    tree,
  )
  const owned = new Set<object>()
  const own = <T extends object>(holder: Record<string, T>, key: string): T => {
    const value = holder[key]
    if (value !== undefined && owned.has(value)) return value
    const copy: T = Object.assign(Object.create(null), value)
    owned.add(copy)
    holder[key] = copy
    return copy
  }
  for (const change of changes) {
    const { namespace, name } = change.verb === 'delete' ? change : change.resource.metadata
    const inside = own(own(kinds, change.kind), namespace)
    if (change.verb === 'delete') delete inside[name]
    else inside[name] = change.resource
  }
  return kinds
}
