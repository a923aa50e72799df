import { hostsMatch, isWildcard } from '../../model/names.ts'
import type { Resource } from '../../model/resource.ts'
import { hostsForNamespace } from '../compile/host-names.ts'
import {
  type Analysis,
  exportScopes,
  type Fields,
  type Finding,
  finding,
  fullHost,
  fullName,
  knownHosts,
  listOf,
  selects,
  shareScope,
  specOf,
} from './analysis.ts'

/** VirtualServices of sidecars that sidecars of one namespace see, and that name one host. */
export function conflictingMeshGatewayHosts(analysis: Analysis): readonly Finding[] {
  const attached = analysis.of('VirtualService').filter(isOfMesh)
  return attached.flatMap(service => {
    const own = hostsOf(service)
    for (const host of own) {
      const rivals = attached.filter(
        other =>
          other !== service &&
          shareScope(exportScopes(service), exportScopes(other)) &&
          hostsOf(other).some(theirs => isSameName(host, theirs)),
      )
      if (rivals.length === 0) continue
      const message = `${rivals.map(fullName).join(', ')} defines routes of sidecars for ${host} too; which of them counts is not defined.`
      return [finding('ConflictingMeshGatewayVirtualServiceHosts', service, message, 'spec.hosts')]
    }
    return []
  })
}

const isOfMesh = (service: Resource): boolean => {
  const gateways = listOf(specOf(service).gateways)
  return gateways.length === 0 || gateways.includes('mesh')
}

const hostsOf = (service: Resource): readonly string[] =>
  listOf(specOf(service).hosts).map(host => fullHost(host, service.metadata.namespace))

const isSameName = (a: string, b: string): boolean =>
  a === b || (isWildcard(a) && isWildcard(b) && hostsMatch(a, b))

interface Destination {
  readonly destination: Fields
  readonly path: string
  readonly isRoute: boolean
}

/** Every destination a VirtualService names, mirrors included. */
function destinationsOf(service: Resource): readonly Destination[] {
  const spec = specOf(service)
  return ['http', 'tls', 'tcp'].flatMap(protocol =>
    listOf(spec[protocol]).flatMap((rule, index) => {
      const base = `spec.${protocol}[${index}]`
      const routes = listOf(rule.route).map((route, at) => ({
        destination: route.destination ?? {},
        path: `${base}.route[${at}].destination`,
        isRoute: true,
      }))
      const single = rule.mirror ? [{ destination: rule.mirror, path: `${base}.mirror`, isRoute: false }] : []
      const mirrors = listOf(rule.mirrors).map((mirror, at) => ({
        destination: mirror.destination ?? {},
        path: `${base}.mirrors[${at}].destination`,
        isRoute: false,
      }))
      return [...routes, ...single, ...mirrors]
    }),
  )
}

/** Subsets that no DestinationRule defines. */
export function destinationSubset(analysis: Analysis): readonly Finding[] {
  const subsets = new Set(
    analysis
      .of('DestinationRule')
      .flatMap(rule =>
        listOf(specOf(rule).subsets).map(
          ({ name }) => `${fullHost(specOf(rule).host ?? '', rule.metadata.namespace)} ${name}`,
        ),
      ),
  )
  return analysis.of('VirtualService').flatMap(service =>
    destinationsOf(service).flatMap(({ destination: { host = '', subset }, path }) => {
      if (!subset || subsets.has(`${fullHost(host, service.metadata.namespace)} ${subset}`)) return []
      const message = `No DestinationRule defines the subset ${subset} of ${host}.`
      return [finding('ReferencedResourceNotFound', service, message, path)]
    }),
  )
}

/** Hosts that no service has, ports left open, and rules that do not count at a gateway. */
export function destinationHost(analysis: Analysis): readonly Finding[] {
  const hosts = knownHosts(analysis)
  return analysis.of('VirtualService').flatMap(service => [
    ...destinationsOf(service).flatMap(({ destination, path }) => {
      const host = fullHost(destination.host ?? '', service.metadata.namespace)
      const ports =
        hosts.get(host) ?? [...hosts].find(([known]) => isWildcard(known) && hostsMatch(known, host))?.[1]
      if (!ports) {
        const message = `No service is called ${destination.host}.`
        return [finding('ReferencedResourceNotFound', service, message, `${path}.host`)]
      }
      if (ports.length < 2 || destination.port?.number !== undefined) return []
      const message = `${destination.host} has ${ports.length} ports; the destination has to say which.`
      return [finding('VirtualServiceDestinationPortSelectorRequired', service, message, path)]
    }),
    ...withoutEffectAtGateway(analysis, service),
  ])
}

/** A gateway goes straight to the destination: rules that sidecars have for that host are not asked again. */
function withoutEffectAtGateway(analysis: Analysis, service: Resource): readonly Finding[] {
  if (listOf(specOf(service).gateways).every(gateway => gateway === 'mesh')) return []
  return destinationsOf(service).flatMap(({ destination, path, isRoute }) => {
    if (!isRoute || destination.subset) return []
    const host = fullHost(destination.host ?? '', service.metadata.namespace)
    const rules = analysis
      .of('VirtualService')
      .find(
        other =>
          other !== service &&
          hostsOf(other).includes(host) &&
          destinationsOf(other).some(
            ({ destination: inner }) =>
              inner.subset && fullHost(inner.host ?? '', other.metadata.namespace) === host,
          ),
      )
    if (!rules) return []
    const message = `Requests from the gateway go to every endpoint of ${host}; the subsets of ${fullName(rules)} count only for sidecars.`
    return [finding('IngressRouteRulesNotAffected', service, message, path)]
  })
}

/** The gateways a VirtualService names, with the Gateway where there is one. */
function gatewaysOf(analysis: Analysis, service: Resource) {
  return listOf(specOf(service).gateways).flatMap((text: string, index) => {
    if (text === 'mesh') return []
    const [namespace, name] = text.includes('/') ? text.split('/') : [service.metadata.namespace, text]
    const gateway = analysis
      .of('Gateway')
      .find(({ metadata }) => metadata.namespace === namespace && metadata.name === name)
    return [{ text, gateway, path: `spec.gateways[${index}]` }]
  })
}

/** Gateways that are not there, or that let none of the hosts in. */
export function virtualServiceGateway(analysis: Analysis): readonly Finding[] {
  return analysis.of('VirtualService').flatMap(service =>
    gatewaysOf(analysis, service).flatMap(({ text, gateway, path }) => {
      const missing = gateway
        ? []
        : [finding('ReferencedResourceNotFound', service, `There is no gateway ${text}.`, path)]
      if (gateway && isBound(service, gateway)) return missing
      const message = `The gateway ${text} has none of the hosts ${listOf(specOf(service).hosts).join(', ')}.`
      return [...missing, finding('VirtualServiceHostNotFoundInGateway', service, message, 'spec.hosts')]
    }),
  )
}

function isBound(service: Resource, gateway: Resource): boolean {
  const hosts = listOf(specOf(gateway).servers).flatMap(server =>
    listOf(server.hosts).map((host: string) =>
      host.startsWith('./') ? `${gateway.metadata.namespace}${host.slice(1)}` : host,
    ),
  )
  const open = hostsForNamespace(hosts, service.metadata.namespace)
  return listOf(specOf(service).hosts).some(host => open.some(theirs => hostsMatch(host, theirs)))
}

const claimHeader = '@request.auth.claims'

/** Routes by claims at gateways whose pods check no tokens. */
export function jwtClaimRoute(analysis: Analysis): readonly Finding[] {
  return analysis.of('VirtualService').flatMap(service => {
    const uses = listOf(specOf(service).http).some(rule =>
      listOf(rule.match).some(match =>
        [...Object.keys(match.headers ?? {}), ...Object.keys(match.withoutHeaders ?? {})].some(name =>
          name.startsWith(claimHeader),
        ),
      ),
    )
    if (!uses) return []
    return gatewaysOf(analysis, service).flatMap(({ gateway, text }) =>
      analysis
        .of('Pod')
        .filter(pod => gateway && selects(specOf(gateway).selector, pod.metadata.labels))
        .filter(pod => !checksTokens(analysis, pod))
        .map(pod => {
          const message = `${fullName(pod)} of gateway ${text} has no RequestAuthentication, so that no token's claims are known there.`
          return finding('JwtClaimBasedRoutingWithoutRequestAuthN', service, message)
        }),
    )
  })
}

function checksTokens(analysis: Analysis, pod: Resource): boolean {
  return analysis
    .of('RequestAuthentication')
    .some(
      ({ metadata, spec }) =>
        [pod.metadata.namespace, analysis.rootNamespace].includes(metadata.namespace) &&
        selects((spec as Fields)?.selector?.matchLabels, pod.metadata.labels),
    )
}
