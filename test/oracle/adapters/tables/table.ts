import { treeOf } from '../../../../sim-core/config/load.ts'
import { createPushContext } from '../../../../sim-core/istiod/compile/create-push-context.ts'
import type { Proxy, PushContext, Service } from '../../../../sim-core/istiod/compile/push-context.ts'
import type { MeshConfig } from '../../../../sim-core/model/istio.ts'
import type { Resource, ResourceTree } from '../../../../sim-core/model/resource.ts'
import { aProxy } from '../../../istiod/compile/a-push.ts'
import { type Adapter, casesOf, differs, type Json, lines, type Verdict, verdictOf } from '../../corpus.ts'

/** Judges the rows of one test function. */
export type RowJudge = (row: Json, id: string) => Verdict

/** A table whose test functions are judged one by one; the others are about structures that only Go has. */
export function table(judges: Readonly<Record<string, RowJudge>>): Adapter {
  return content =>
    casesOf(content).map(each => ({
      id: each.id,
      judge: () =>
        judges[each.id.split('/')[1] ?? '']?.(each.row, each.id) ?? {
          unsupported: 'asserts a structure or function inside istiod',
        },
    }))
}

/** One value compared. */
export function equal(want: unknown, got: unknown, what = 'value'): Verdict {
  return verdictOf(lines(differs(what, canonical(want), canonical(got))))
}

/** Go's tables write lists of named types as `{_0: …, _1: …}`. */
export function listOf(value: Json): readonly string[] {
  return Array.isArray(value) ? value : Object.values(value ?? {})
}

/** Keys in order, Go's type names and nothings left out. */
export function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical)
  if (typeof value !== 'object' || value === null) return value ?? null
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, inner]) => key !== '@type' && inner !== undefined && inner !== null)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, canonical(inner)]),
  )
}

/** Messages as plain JSON: without Go's type names. */
export function plain(value: Json): Json {
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]) =>
      key === '@type' || inner === null ? [] : [[key, plain(inner as Json)]],
    ),
  )
}

const GROUPS: Readonly<Record<string, string>> = {
  AuthorizationPolicy: 'security.istio.io/v1',
  Namespace: 'v1',
  PeerAuthentication: 'security.istio.io/v1',
  ProxyConfig: 'networking.istio.io/v1beta1',
  RequestAuthentication: 'security.istio.io/v1',
  Service: 'v1',
  Telemetry: 'telemetry.istio.io/v1',
}

/** A time that the table computes from now; our now is a fixed second. */
const NOW = 1_767_225_600

/** Creation time in seconds of what the table writes as a call of Go's. */
export function secondsOf(value: Json): number {
  if (typeof value === 'string' && value.startsWith('tnow')) return NOW
  const call: string = value?.goCall ?? ''
  if (call === 'time.Now') return NOW
  if (call === 'call:time.Now.Add') return NOW + Math.trunc((value.args?.[0] ?? 0) / 1e9)
  if (call === 'time.Date')
    return Math.trunc(
      Date.UTC(value.args[0], value.args[1] - 1, value.args[2], value.args[3], value.args[4], value.args[5]) /
        1000,
    )
  return 0
}

/** A resource from the table's own `{meta, spec}`. */
export function resourceOf(config: Json, order: number, kindOtherwise = ''): Resource {
  const meta = config.meta ?? {}
  const kind: string = meta.groupVersionKind?.replace(/^gvk\./, '') ?? config.spec?.['@type'] ?? kindOtherwise
  const spec = plain(config.spec)
  const apiVersion = GROUPS[kind] ?? 'networking.istio.io/v1'
  return {
    apiVersion,
    kind,
    metadata: {
      name: meta.name ?? `unnamed-${order}`,
      namespace: meta.namespace ?? '',
      labels: meta.labels ?? {},
      annotations: meta.annotations ?? {},
      creationTimestamp: secondsOf(meta.creationTimestamp),
    },
    spec,
    body: { apiVersion, kind, metadata: meta, spec },
    order,
  }
}

/** The tree of a list of `{meta, spec}`. */
export function treeOfConfigs(configs: readonly Json[], kindOtherwise = ''): ResourceTree {
  return treeOf(configs.map((config, order) => resourceOf(config, order, kindOtherwise)))
}

/** A push context of resources, with services that no resource shows. */
export function pushOf(
  tree: ResourceTree,
  mesh: MeshConfig = {},
  services: readonly Service[] = [],
  features: Json = {},
): PushContext {
  const push = createPushContext({ tree, mesh, features })
  return services.length > 0 ? { ...push, services: [...push.services, ...services] } : push
}

/** A sidecar with what a row says of it. */
export function proxyOf(given: Partial<Proxy> = {}): Proxy {
  return aProxy({ labels: {}, serviceAccount: '', ...given })
}

/** A service from the table's Go structure. */
export function serviceOf(given: Json, order = 0): Service {
  const attributes = given.attributes ?? {}
  const [name = '', namespace = ''] = (given.hostname ?? '').split('.')
  const vips = Object.values(given.clusterVIPs?.addresses ?? {}).flat() as string[]
  const own = attributes.namespace ?? namespace
  return {
    hostname: given.hostname,
    namespace: own,
    name: attributes.name ?? name,
    registry: attributes.serviceRegistry === 'External' ? 'External' : 'Kubernetes',
    resolution: given.resolution ?? 'ClientSideLB',
    meshExternal: given.meshExternal ?? false,
    ports: (given.ports ?? []).map((port: Json) => ({
      name: port.name ?? '',
      number: port.port,
      targetPort: port.port,
      protocol: port.protocol ?? 'Unsupported',
    })),
    addresses: vips.length > 0 ? vips : [given.defaultAddress || '0.0.0.0'],
    exportTo: Object.keys(attributes.exportTo ?? {}).map(each =>
      each === 'visibility.Public'
        ? '*'
        : each === 'visibility.Private'
          ? '.'
          : each === 'visibility.None'
            ? '~'
            : each,
    ),
    labels: attributes.labels ?? {},
    selector: attributes.labelSelectors,
    aliases: (attributes.aliases ?? []).map((alias: Json) => alias.hostname),
    subjectAltNames: given.serviceAccounts ?? [],
    publishNotReadyAddresses: false,
    internalTrafficPolicyLocal: false,
    creationTimestamp: secondsOf(given.creationTime),
    resource: resourceOf({ meta: { groupVersionKind: 'Service', name, namespace: own }, spec: {} }, order),
  }
}
