import type { EndpointSliceBody, KubernetesServiceSpec } from '../model/kubernetes.ts'
import { type Resource, type ResourceTree, specAs } from '../model/resource.ts'

/** What the cluster's DNS answers: addresses of a name, or the name that it stands for. All names are absolute, without the last dot. */
export interface DnsZone {
  readonly addresses: ReadonlyMap<string, readonly string[]>
  readonly aliases: ReadonlyMap<string, string>
  /** Names outside the cluster that the manifests mention, as patterns: `api.example.com`, `*.example.com`. */
  readonly external: ReadonlySet<string>
  readonly domain: string
}

/** The zone of a cluster: Services, headless Services with their pods, ExternalNames, and the outside names of ServiceEntries. kubernetes: the DNS-based service discovery specification 1.1.0. */
export function dnsZone(tree: ResourceTree, domain = 'cluster.local'): DnsZone {
  const addresses = new Map<string, readonly string[]>()
  const aliases = new Map<string, string>()
  const external = new Set<string>()
  const slices = slicesByService(tree)
  for (const service of everyResource(tree, 'Service')) {
    const spec = specAs<KubernetesServiceSpec>(service)
    const { namespace, name } = service.metadata
    const host = `${name}.${namespace}.svc.${domain}`
    if (spec.type === 'ExternalName') {
      if (spec.externalName) aliases.set(host, spec.externalName)
      if (spec.externalName && !spec.externalName.endsWith(`.${domain}`)) external.add(spec.externalName)
    } else if (spec.clusterIP === 'None') {
      headless(host, slices.get(`${namespace}/${name}`) ?? [], addresses)
    } else if (spec.clusterIP) {
      addresses.set(host, spec.clusterIPs?.length ? spec.clusterIPs : [spec.clusterIP])
    }
  }
  for (const entry of everyResource(tree, 'ServiceEntry'))
    for (const name of namesOf(entry)) external.add(name)
  return { addresses, aliases, external, domain }
}

/** A headless Service answers with its ready pods; each pod with a hostname also has a name of its own. */
function headless(
  host: string,
  slices: readonly EndpointSliceBody[],
  addresses: Map<string, readonly string[]>,
): void {
  const ready = slices
    .flatMap(slice => slice.endpoints ?? [])
    .filter(endpoint => endpoint.conditions?.ready !== false)
  if (ready.length > 0) addresses.set(host, [...new Set(ready.flatMap(endpoint => endpoint.addresses ?? []))])
  for (const endpoint of ready) {
    if (endpoint.hostname) addresses.set(`${endpoint.hostname}.${host}`, endpoint.addresses ?? [])
    for (const address of endpoint.addresses ?? [])
      addresses.set(`${address.replaceAll('.', '-')}.${host}`, [address])
  }
}

function namesOf(entry: Resource): readonly string[] {
  const spec = specAs<{
    readonly hosts?: readonly string[]
    readonly endpoints?: readonly { readonly address?: string }[]
  }>(entry)
  const isName = (text: string) => /[a-zA-Z]/.test(text) && !text.includes(':') && !text.includes('/')
  return [...(spec.hosts ?? []), ...(spec.endpoints ?? []).map(endpoint => endpoint.address ?? '')].filter(
    isName,
  )
}

function slicesByService(tree: ResourceTree): ReadonlyMap<string, readonly EndpointSliceBody[]> {
  const found = new Map<string, EndpointSliceBody[]>()
  for (const slice of everyResource(tree, 'EndpointSlice')) {
    const key = `${slice.metadata.namespace}/${slice.metadata.labels['kubernetes.io/service-name'] ?? ''}`
    const list = found.get(key)
    if (list) list.push(slice.body)
    else found.set(key, [slice.body])
  }
  return found
}

/** Every resource of a kind, in load order. */
export function everyResource(tree: ResourceTree, kind: string): readonly Resource[] {
  return Object.values(tree[kind] ?? {})
    .flatMap(inNamespace => Object.values(inNamespace))
    .sort((a, b) => a.order - b.order)
}

/** The names that a pod's resolver tries for a name, in order: with fewer than five dots the search domains first. kubernetes: ndots:5 of ClusterFirst. */
function searchNames(name: string, namespace: string, domain: string): readonly string[] {
  if (name.endsWith('.')) return [name.slice(0, -1)]
  const searched = [`${name}.${namespace}.svc.${domain}`, `${name}.svc.${domain}`, `${name}.${domain}`]
  return name.split('.').length - 1 < 5 ? [...searched, name] : [name, ...searched]
}

/** What a client in a namespace gets for a name; `undefined` is NXDOMAIN. Simplified: every name outside the cluster exists and has one address of its own. */
export function resolve(zone: DnsZone, name: string, namespace: string): readonly string[] | undefined {
  if (isAddress(name)) return [name]
  for (const candidate of searchNames(name.toLowerCase(), namespace, zone.domain)) {
    const found = lookUp(zone, candidate, 0)
    if (found) return found
  }
  return undefined
}

/** An absolute name, aliases followed. */
function lookUp(zone: DnsZone, name: string, depth: number): readonly string[] | undefined {
  const own = zone.addresses.get(name)
  if (own) return own
  const alias = zone.aliases.get(name)
  if (alias !== undefined && depth < 8) return lookUp(zone, alias, depth + 1)
  if (name === 'localhost') return ['127.0.0.1']
  return name.includes('.') && !isInside(name, zone.domain) ? [outsideAddress(name)] : undefined
}

/** Names of the cluster's own domain exist only as records. Short `x.svc` forms are not of the outside either. */
function isInside(name: string, domain: string): boolean {
  return name.endsWith(`.${domain}`) || name.endsWith('.local') || name.endsWith('.svc')
}

/** One address per outside name, from the range that RFC 2544 sets aside for tests: 198.18.0.0/15. */
export function outsideAddress(name: string): string {
  let hash = 0x811c9dc5
  for (const character of name) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0
  return `198.${18 + (hash & 1)}.${(hash >>> 8) & 0xff}.${1 + ((hash >>> 16) % 254)}`
}

/** Whether a text is an IP address rather than a name. */
export function isAddress(text: string): boolean {
  return /^\d+\.\d+\.\d+\.\d+$/.test(text) || text.includes(':')
}
