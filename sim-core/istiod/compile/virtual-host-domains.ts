import { featureOf } from '../../config/defaults/features.ts'
import { isIpAddress } from '../../model/names.ts'
import { bracketed, domainName } from './host-names.ts'
import type { PushContext, Service } from './push-context.ts'

/** Names under which clients ask for a service; `short` are those that only exist by the client's search path. */
export interface Domains {
  readonly all: readonly string[]
  readonly short: readonly string[]
}

/** Every Host header that means this service to a client. `port` is undefined where Envoy ignores ports when matching. */
export function serviceDomains(
  push: PushContext,
  service: Service,
  addresses: readonly string[],
  dnsDomain: string,
  port: number | undefined,
): Domains {
  const short: string[] = []
  const all: string[] = []
  for (const host of [service.hostname, ...service.aliases]) {
    const alternatives = alternativeHosts(push, host, dnsDomain, port)
    all.push(...withPort(host, port), ...alternatives)
    short.push(...alternatives)
  }
  // A headless service answers for its pods too: web-0.web, web-0.web.default.svc …
  if (service.resolution === 'Passthrough' && service.registry === 'Kubernetes')
    all.push(...all.map(domain => `*.${domain}`))
  for (const address of addresses)
    if (address !== '' && address !== '0.0.0.0') all.push(...withPort(address, port))
  return { all, short }
}

/** Other spellings of a host that the client's DNS search path completes. istio: pilot/pkg/networking/core/httproute.go GenerateAltVirtualHosts. */
export function alternativeHosts(
  push: PushContext,
  host: string,
  proxyDomain: string,
  port: number | undefined,
): readonly string[] {
  const absolute = featureOf(push, 'PILOT_ENABLE_ABSOLUTE_FQDN_VHOST_DOMAIN')
    ? [
        ...(isIpAddress(host) ? [] : [`${host}.`]),
        ...(port === undefined ? [] : [domainName(`${host}.`, port)]),
      ]
    : []
  return [...absolute, ...searchPathHosts(host, proxyDomain, port)]
}

function searchPathHosts(host: string, proxyDomain: string, port: number | undefined): readonly string[] {
  const service = proxyDomain.indexOf('.svc.')
  if (service >= 0) {
    const zone = service > 0 ? proxyDomain.slice(service) : proxyDomain
    return host.endsWith(zone) ? kubernetesHosts(host, proxyDomain.slice(0, service), port) : []
  }
  return sharedSuffixHosts(host, proxyDomain, port)
}

/** `reviews` only in the client's own namespace; `reviews.default` and `reviews.default.svc` everywhere. */
function kubernetesHosts(host: string, namespace: string, port: number | undefined): readonly string[] {
  const service = host.indexOf('.svc.')
  const dot = host.indexOf('.')
  if (service <= 0 || dot + 1 >= host.length || dot + 1 > service) return []
  const qualified = host.slice(0, service)
  if (host.slice(dot + 1, service) !== namespace)
    return [...withPort(qualified, port), ...withPort(`${qualified}.svc`, port)]
  return [
    ...withPort(host.slice(0, dot), port),
    ...withPort(`${qualified}.svc`, port),
    ...withPort(qualified, port),
  ]
}

/** For a proxy outside Kubernetes: what is left of the host before the suffix it shares with the proxy's domain. */
function sharedSuffixHosts(host: string, proxyDomain: string, port: number | undefined): readonly string[] {
  const hostParts = host.split('.')
  const domainParts = proxyDomain.split('.')
  let shared = 0
  while (
    shared < Math.min(hostParts.length, domainParts.length) &&
    hostParts.at(-1 - shared) === domainParts.at(-1 - shared)
  )
    shared++
  if (shared === 0) return []
  const unique = hostParts.slice(0, hostParts.length - shared)
  const name = unique.join('.')
  const first = hostParts[hostParts.length - shared] ?? ''
  return [...withPort(name, port), ...(unique.length === 2 ? withPort(`${name}.${first}`, port) : [])]
}

const withPort = (host: string, port: number | undefined): readonly string[] =>
  port === undefined ? [bracketed(host)] : [bracketed(host), domainName(host, port)]
