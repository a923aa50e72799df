import type { IstiodSettings } from '../istiod/settings.ts'
import type { InjectionWish } from '../istiod/webhook.ts'
import type { Resource, ResourceTree } from '../model/resource.ts'
import type { AnyComponent } from '../world/component.ts'
import type { Profile } from './installed.ts'

/** Everything about a mesh that the files and flags of a run decide. */
export interface MeshSetup {
  readonly istiod: IstiodSettings
  readonly profile: Profile
  readonly wish: InjectionWish
}

/** A mesh: what stands besides the user's files, and who acts. Which legs an exchange runs is the same for all. */
export interface Mesh {
  readonly name: string
  install(tree: ResourceTree, setup: MeshSetup): readonly Resource[]
  components(setup: MeshSetup): readonly AnyComponent[]
}
