import { featureOf, normalizeFeatures } from '../config/defaults/features.ts'
import { ms, type Nanos } from '../kernel/time.ts'
import { parseDuration } from '../model/duration.ts'
import type { MeshConfig } from '../model/istio.ts'
import type { ResourceTree } from '../model/resource.ts'
import { createPushContext } from './compile/create-push-context.ts'
import type { PushContext } from './compile/push-context.ts'
import type { DebounceLimits } from './debounce.ts'

/** How one istiod is set up; the same for a whole run. */
export interface IstiodSettings {
  readonly mesh: MeshConfig
  /** Its environment: `PILOT_DEBOUNCE_AFTER` → `100ms`. */
  readonly features: Readonly<Record<string, string>>
  /** CPUs of its pod, by which it limits itself. */
  readonly cpus: number
}

/** Settings as the files give them. */
export function istiodSettings(given: {
  readonly mesh?: MeshConfig
  readonly features?: Readonly<Record<string, unknown>>
  readonly cpus?: number
}): IstiodSettings {
  return { mesh: given.mesh ?? {}, features: normalizeFeatures(given.features ?? {}), cpus: given.cpus ?? 2 }
}

const contexts = new WeakMap<IstiodSettings, WeakMap<ResourceTree, PushContext>>()

/** The push context of a tree: made once, however many proxies and worlds ask. */
export function pushContextOf(settings: IstiodSettings, tree: ResourceTree): PushContext {
  let byTree = contexts.get(settings)
  if (!byTree) {
    byTree = new WeakMap()
    contexts.set(settings, byTree)
  }
  const known = byTree.get(tree)
  if (known) return known
  const made = createPushContext({ tree, mesh: settings.mesh, features: settings.features })
  byTree.set(tree, made)
  return made
}

const duration = (text: string, otherwise: Nanos): Nanos => (parseDuration(text) ?? otherwise) as Nanos

/** PILOT_DEBOUNCE_AFTER and PILOT_DEBOUNCE_MAX. */
export function debounceLimits(settings: IstiodSettings): DebounceLimits {
  return {
    after: duration(featureOf(settings, 'PILOT_DEBOUNCE_AFTER'), ms(100)),
    max: duration(featureOf(settings, 'PILOT_DEBOUNCE_MAX'), ms(10_000)),
  }
}

/** How many proxies are pushed to at a time: PILOT_PUSH_THROTTLE, or by CPUs when 0. istio: pilot/pkg/features/tuning.go. */
export function pushThrottle(settings: IstiodSettings): number {
  const stated = featureOf(settings, 'PILOT_PUSH_THROTTLE')
  return stated > 0 ? stated : Math.min(15 + 5 * settings.cpus, 100)
}
