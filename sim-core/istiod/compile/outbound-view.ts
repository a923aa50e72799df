import { listConfigs } from './configs.ts'
import { oncePerPush } from './memo.ts'
import { isDualStack, isIpv6Only } from './proxy-addresses.ts'
import type { Proxy, PushContext } from './push-context.ts'
import { type SidecarScope, sidecarScopeFor } from './scope.ts'
import { tracingOf } from './tracing.ts'

/** Node metadata that no outbound configuration asks for, and that differs from pod to pod. */
const OF_THE_POD = new Set([
  'ANNOTATIONS',
  'APP_CONTAINERS',
  'INSTANCE_IPS',
  'INSTANCE_NAME',
  'LABELS',
  'NAME',
  'NODE_NAME',
  'OWNER',
  'POD_NAME',
  'POD_PORTS',
  'SERVICE_ACCOUNT',
  'WORKLOAD_NAME',
])

/** Whether any rule of the mesh tells clients apart by their labels; mostly none does. */
const readsLabels = oncePerPush(
  (push): boolean =>
    listConfigs(push, 'VirtualService').some(({ spec }) =>
      [...(spec.http ?? []), ...(spec.tls ?? []), ...(spec.tcp ?? [])].some(route =>
        (route.match ?? []).some(match => match.sourceLabels),
      ),
    ) ||
    listConfigs(push, 'DestinationRule').some(({ spec }) => spec.workloadSelector) ||
    listConfigs(push, 'Telemetry').some(({ spec }) => spec.selector || spec.targetRef || spec.targetRefs),
)

/** Sidecars of one scope that get the same routes. */
export function routesView(push: PushContext, proxy: Proxy): string {
  return [
    proxy.type,
    proxy.namespace,
    proxy.dnsDomain,
    isIpv6Only(proxy),
    isDualStack(proxy),
    metadataView(proxy),
    readsLabels(push) ? labelsView(proxy) : '',
  ].join(' ')
}

/** Labels by which spans name their service. istio: pilot/pkg/networking/core/tracing.go. */
const TRACED = ['app', 'service.istio.io/canonical-name', 'service.istio.io/canonical-revision']

/** Sidecars of one scope that get the same HTTP connection managers. */
export function managersView(push: PushContext, proxy: Proxy): string {
  const isTraced = tracingOf(push, proxy, 'SidecarOutbound') !== undefined
  const traced = TRACED.map(label => proxy.labels[label] ?? '').join('|')
  return `${routesView(push, proxy)} ${isTraced ? traced : ''}`
}

const metadataView = ({ metadata }: Proxy): string =>
  Object.keys(metadata)
    .filter(key => !OF_THE_POD.has(key))
    .sort()
    .map(key => `${key}=${metadata[key]}`)
    .join('|')

const labelsView = ({ labels }: Proxy): string =>
  Object.keys(labels)
    .sort()
    .map(key => `${key}=${labels[key]}`)
    .join('|')

/** Computes once for all proxies of one scope and view. */
export function oncePerView<T>(): (push: PushContext, proxy: Proxy, view: string, make: () => T) => T {
  const tables = oncePerPush(() => new Map<SidecarScope, Map<string, T>>())
  return (push, proxy, view, make) => {
    const byScope = tables(push)
    const scope = sidecarScopeFor(push, proxy)
    const byView = byScope.get(scope) ?? new Map<string, T>()
    byScope.set(scope, byView)
    const known = byView.get(view)
    if (known !== undefined) return known
    const made = make()
    byView.set(view, made)
    return made
  }
}
