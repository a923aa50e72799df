import { refusalOf } from '../../config/admission.ts'
import { treeKeyOf } from '../../config/kinds.ts'
import type { Patch } from '../../config/patch.ts'
import { applyAll } from '../../config/resource-store.ts'
import { type Resource, specAs } from '../../model/resource.ts'
import { apply, remove } from '../../platform/api-server.ts'
import { treeOf } from '../../world/resources.ts'
import type { World } from '../../world/world.ts'
import { patchOf } from '../patch-of.ts'
import { type Action, type ActionContext, impossible } from './action.ts'

/** What stood under a name before it was changed; `undefined` for nothing. */
interface Before {
  readonly kind: string
  readonly namespace: string
  readonly name: string
  readonly resource: Resource | undefined
}

/** `kubectl apply -f`. Simplified: where one object is refused none is applied; kubectl would go on with the others. */
export const applyFiles: Action<'apply'> = {
  begin: (paths, context) => {
    const resources = context.resourcesOf(paths)
    const refusals = resources.flatMap(resource => refusalOf(resource) ?? [])
    if (refusals.length > 0) return impossible(refusals.join(' '))
    const before = resources.map(resource => standing(context.world, resource))
    apply(context.world, resources)
    return before
  },
  end: putBack,
  say: paths => `kubectl apply -f ${[paths].flat().join(' -f ')}`,
}

/** `kubectl delete`, by files or by name. */
export const deleteResources: Action<'delete'> = {
  begin: (what, context) => {
    const { world } = context
    const targets =
      typeof what === 'string' || Array.isArray(what)
        ? context.resourcesOf(what).map(resource => standing(world, resource))
        : [named(world, what as Target, context.namespace)]
    const missing = targets.find(target => target.resource === undefined)
    if (missing)
      return impossible(`there is no ${missing.kind} ${missing.namespace}/${missing.name} to delete`)
    for (const { kind, namespace, name } of targets) remove(world, kind, namespace, name)
    return targets
  },
  end: putBack,
  say: what =>
    `kubectl delete ${typeof what === 'string' || Array.isArray(what) ? `-f ${[what].flat().join(' -f ')}` : sayTarget(what as Target)}`,
}

/** `kubectl patch`. */
export const patchResource: Action<'patch'> = {
  begin: (spec, context) => {
    return patched(context, named(context.world, spec.target, context.namespace), patchOf(spec))
  },
  end: putBack,
  say: ({ target }) => `kubectl patch ${sayTarget(target)}`,
}

/** `kubectl scale`. */
export const scaleWorkload: Action<'scale'> = {
  begin: ({ workload, replicas }, context) => {
    const found = workloadNamed(context, workload)
    return found ? patched(context, found, { merge: { spec: { replicas } } }) : noWorkload(workload)
  },
  end: putBack,
  say: ({ workload, replicas }) => `kubectl scale ${workload} --replicas=${replicas}`,
}

/** `kubectl rollout restart`, with another image or other labels if given. */
export const rollOut: Action<'rollout'> = {
  begin: ({ workload, image, labels, maxSurge, maxUnavailable }, context) => {
    const found = workloadNamed(context, workload)
    if (!found) return noWorkload(workload)
    const spec = specAs<{
      readonly template?: {
        readonly spec?: { readonly containers?: readonly Readonly<Record<string, unknown>>[] }
      }
    }>(found.resource)
    const containers = spec.template?.spec?.containers?.map((container, index) =>
      index === 0 && image ? { ...container, image } : container,
    )
    const rolling = {
      ...(maxSurge !== undefined && { maxSurge }),
      ...(maxUnavailable !== undefined && { maxUnavailable }),
    }
    return patched(context, found, {
      merge: {
        spec: {
          template: {
            metadata: {
              annotations: { 'kubectl.kubernetes.io/restartedAt': `${context.world.kernel.now}` },
              ...(labels && { labels }),
            },
            ...(image && { spec: { containers } }),
          },
          ...(Object.keys(rolling).length > 0 && { strategy: { rollingUpdate: rolling } }),
        },
      },
    })
  },
  say: ({ workload }) => `kubectl rollout restart ${workload}`,
}

type Target = { readonly kind: string; readonly name: string; readonly namespace?: string | undefined }

const clusterScoped = new Set(['Namespace', 'Node', 'GatewayClass', 'CustomResourceDefinition'])

function named(world: World, { kind, name, namespace }: Target, usual: string): Before {
  const inside = clusterScoped.has(kind) ? '' : (namespace ?? usual)
  return { kind, namespace: inside, name, resource: treeOf(world)[kind]?.[inside]?.[name] }
}

function standing(world: World, { apiVersion, kind, metadata }: Resource): Before {
  const key = treeKeyOf(apiVersion, kind)
  const { namespace, name } = metadata
  return { kind: key, namespace, name, resource: treeOf(world)[key]?.[namespace]?.[name] }
}

function patched({ world }: ActionContext, target: Before, patch: Patch) {
  const { kind, namespace, name } = target
  const result = applyAll(treeOf(world), [{ verb: 'patch', kind, namespace, name, patch }])
  if (!result.ok) return impossible(result.problems.map(problem => problem.message).join(' '))
  const resource = result.value[kind]?.[namespace]?.[name]
  const refusal = resource && refusalOf(resource)
  if (refusal !== undefined) return impossible(refusal)
  if (resource) apply(world, [resource])
  return [target]
}

function putBack(before: readonly Before[], { world }: ActionContext): void {
  for (const { kind, namespace, name, resource } of before)
    if (resource) apply(world, [resource])
    else remove(world, kind, namespace, name)
}

function workloadNamed({ world, namespace }: ActionContext, written: string): Before | undefined {
  const [inside, name] = written.includes('/') ? written.split('/') : [namespace, written]
  const tree = treeOf(world)
  const kind = ['Deployment', 'StatefulSet', 'ReplicaSet', 'DaemonSet'].find(
    each => tree[each]?.[inside ?? '']?.[name ?? ''],
  )
  return kind === undefined
    ? undefined
    : named(world, { kind, name: name ?? '', namespace: inside ?? '' }, namespace)
}

function noWorkload(name: string) {
  return impossible(`there is no Deployment, StatefulSet, ReplicaSet or DaemonSet ${name}`)
}

function sayTarget({ kind, name, namespace }: Target): string {
  return `${kind.toLowerCase()} ${name}${namespace ? ` -n ${namespace}` : ''}`
}
