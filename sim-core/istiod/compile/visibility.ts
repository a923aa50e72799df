import { oncePerKey, oncePerPush } from './memo.ts'
import type { PushContext, Service } from './push-context.ts'

/** Where a service may be seen: as it says, else as the mesh says, narrowed by `serviceEntryVisibility` where that reaches sidecars. istio: push_context.go serviceExportTo. */
function exportToOf(push: PushContext, service: Service): readonly string[] {
  const declared =
    service.exportTo.length > 0 ? service.exportTo : (push.mesh.defaultServiceExportTo ?? ['*'])
  const hidden = declared.length === 1 && declared[0] === '~'
  if (hidden || push.mesh.serviceEntryVisibility?.['applyToSidecars'] !== true) return declared
  if (service.visibility === 'NONE') return ['~']
  if (service.visibility !== 'NAMESPACE') return declared
  return declared.some(scope => scope === '*' || scope === '.' || scope === service.namespace) ? ['.'] : ['~']
}

/** True when proxies of the namespace may know the service. */
export function isServiceVisible(push: PushContext, service: Service, namespace: string): boolean {
  const exportTo = exportToOf(push, service)
  return (
    exportTo.includes('*') ||
    (exportTo.includes('.') && service.namespace === namespace) ||
    exportTo.includes(namespace)
  )
}

const shared = oncePerPush(push => {
  const scoped = push.services.map(service => ({ service, exportTo: exportToOf(push, service) }))
  return {
    toAll: scoped.filter(({ exportTo }) => exportTo.includes('*')).map(({ service }) => service),
    narrow: scoped.filter(({ exportTo }) => !exportTo.includes('*') && !exportTo.includes('~')),
  }
})

/** Services that a namespace sees: those exported to it alone first, then the public ones; each group oldest first. istio: push_context.go servicesExportedToNamespace. */
export const visibleServices = oncePerKey((push, namespace: string): readonly Service[] => {
  const { toAll, narrow } = shared(push)
  const toNamespace = narrow.filter(
    ({ service, exportTo }) =>
      exportTo.includes(namespace) || (exportTo.includes('.') && service.namespace === namespace),
  )
  return [...toNamespace.map(({ service }) => service), ...toAll]
})

/** Services by hostname and namespace, visible or not; a Kubernetes service replaces a ServiceEntry, else the oldest stays. istio: push_context.go initServiceRegistry. */
export const servicesByHostname = oncePerPush((push): ReadonlyMap<string, ReadonlyMap<string, Service>> => {
  const index = new Map<string, Map<string, Service>>()
  for (const service of push.services) {
    const byNamespace = index.get(service.hostname) ?? new Map<string, Service>()
    index.set(service.hostname, byNamespace)
    const before = byNamespace.get(service.namespace)
    if (!before || (before.registry !== 'Kubernetes' && service.registry === 'Kubernetes'))
      byNamespace.set(service.namespace, service)
  }
  return index
})
