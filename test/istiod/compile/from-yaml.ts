import { parseAllDocuments } from 'yaml'
import { createPushContext, type PushInput } from '../../../sim-core/istiod/compile/create-push-context.ts'
import type { PushContext } from '../../../sim-core/istiod/compile/push-context.ts'
import type { Resource, ResourceTree } from '../../../sim-core/model/resource.ts'

interface Document {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
    readonly creationTimestamp?: string
  }
  readonly spec?: unknown
  readonly status?: unknown
}

const clusterScoped = ['Namespace', 'Node', 'GatewayClass']

/** A tree of the documents in a text. */
export function aTree(yaml: string): ResourceTree {
  const tree: Record<string, Record<string, Record<string, Resource>>> = {}
  parseAllDocuments(yaml).forEach((document, order) => {
    const body = document.toJS() as (Document & Record<string, unknown>) | null
    if (!body) return
    const { apiVersion, kind, metadata } = body
    const namespace = clusterScoped.includes(kind) ? '' : (metadata.namespace ?? 'default')
    const key = kind === 'Gateway' && apiVersion.startsWith('gateway.') ? 'KubernetesGateway' : kind
    const byName = ((tree[key] ??= {})[namespace] ??= {})
    byName[metadata.name] = {
      apiVersion,
      kind,
      metadata: {
        name: metadata.name,
        namespace,
        labels: metadata.labels ?? {},
        annotations: metadata.annotations ?? {},
        creationTimestamp: metadata.creationTimestamp
          ? Math.floor(Date.parse(metadata.creationTimestamp) / 1000)
          : 0,
      },
      spec: body.spec,
      ...(body.status === undefined ? {} : { status: body.status }),
      body,
      order,
    }
  })
  return tree
}

/** A push context of the documents in a text. */
export const pushOf = (yaml: string, input: Omit<PushInput, 'tree'> = {}): PushContext =>
  createPushContext({ tree: aTree(yaml), ...input })

export { aProxy } from './a-push.ts'
