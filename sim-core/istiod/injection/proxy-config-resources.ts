import { parse } from 'yaml'
import type { MeshConfig, ProxyConfig } from '../../model/istio.ts'
import { compareText } from '../../model/names.ts'
import { type Resource, type ResourceTree, specAs } from '../../model/resource.ts'
import { recordOf } from './values.ts'

type Fields = Readonly<Record<string, unknown>>

/** A workload's ProxyConfig over the mesh's default: root namespace, namespace, the pod's annotation, workload; of several at one level the oldest. istio: pilot/pkg/model/proxy_config.go EffectiveProxyConfig. */
export function proxyConfigFor(
  tree: ResourceTree,
  mesh: MeshConfig,
  pod: {
    readonly namespace: string
    readonly labels: Readonly<Record<string, string>>
    readonly annotations: Readonly<Record<string, string>>
  },
): Fields {
  const root = mesh.rootNamespace ?? 'istio-system'
  const annotation = pod.annotations['proxy.istio.io/config']
  return [
    recordOf(mesh.defaultConfig),
    ofNamespace(tree, root),
    pod.namespace === root ? {} : ofNamespace(tree, pod.namespace),
    annotation === undefined ? {} : recordOf(parse(annotation)),
    ofWorkload(tree, pod.namespace, pod.labels),
  ].reduce(merged, {})
}

function merged(below: Fields, above: Fields): Fields {
  const metadata = { ...recordOf(below['proxyMetadata']), ...recordOf(above['proxyMetadata']) }
  return { ...below, ...above, ...(Object.keys(metadata).length > 0 && { proxyMetadata: metadata }) }
}

function configsIn(tree: ResourceTree, namespace: string): readonly Resource[] {
  return Object.values(tree['ProxyConfig']?.[namespace] ?? {}).sort(
    (a, b) =>
      a.metadata.creationTimestamp - b.metadata.creationTimestamp ||
      compareText(a.metadata.name, b.metadata.name),
  )
}

const specOf = (resource: Resource) => specAs<ProxyConfig>(resource)

const labelsOf = (resource: Resource) => specOf(resource).selector?.matchLabels ?? {}

function ofNamespace(tree: ResourceTree, namespace: string): Fields {
  return fieldsOf(configsIn(tree, namespace).find(resource => specOf(resource).selector === undefined))
}

function ofWorkload(tree: ResourceTree, namespace: string, labels: Readonly<Record<string, string>>): Fields {
  return fieldsOf(
    configsIn(tree, namespace).find(resource => {
      const pairs = Object.entries(labelsOf(resource))
      return pairs.length > 0 && pairs.every(([key, value]) => labels[key] === value)
    }),
  )
}

/** The resource's few fields under MeshConfig's names. */
function fieldsOf(resource: Resource | undefined): Fields {
  if (!resource) return {}
  const { concurrency, environmentVariables, image } = specOf(resource)
  return {
    ...(concurrency !== undefined && { concurrency }),
    ...(environmentVariables && { proxyMetadata: environmentVariables }),
    ...(image && { image }),
  }
}
