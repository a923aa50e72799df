import type { PushContext, Service } from './push-context.ts'

/** One entry of MeshConfig.extensionProviders: a name and exactly one field that says its kind. */
export type ExtensionProvider = Readonly<Record<string, unknown>>

/** Providers that every mesh has. istio: pkg/config/mesh/mesh.go, DefaultMeshConfig. */
const PREDEFINED: readonly ExtensionProvider[] = [
  { name: 'prometheus', prometheus: {} },
  { name: 'stackdriver', stackdriver: {} },
  { name: 'envoy', envoyFileAccessLog: { path: '/dev/stdout' } },
]

/** The provider of this name, however its letters are cased; a user's beats a predefined one. */
export function extensionProvider(push: PushContext, name: string): ExtensionProvider | undefined {
  const wanted = name.toLowerCase()
  return [...(push.mesh.extensionProviders ?? []), ...PREDEFINED].find(
    provider => String(provider.name).toLowerCase() === wanted,
  )
}

/** Where a provider's `service` (`host` or `namespace/host`) leads; `undefined` when no service, or more than one, has that host. istio: model.LookupCluster. */
export function lookupCluster(
  push: PushContext,
  service: string,
  port: number,
): { readonly hostname: string; readonly cluster: string } | undefined {
  const parts = service.split('/')
  const found =
    parts.length === 2
      ? push.services.find(each => each.hostname === parts[1] && each.namespace === parts[0])
      : onlyOne(push.services.filter(each => each.hostname === service))
  return (
    found && {
      hostname: found.hostname,
      cluster: `outbound|${port}||${found.hostname}`,
    }
  )
}

function onlyOne(services: readonly Service[]): Service | undefined {
  return new Set(services.map(service => service.namespace)).size === 1 ? services[0] : undefined
}
