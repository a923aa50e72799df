import type { VirtualService } from '../../model/istio.ts'
import { hostsMatch, isHostWithin } from '../../model/names.ts'
import { specAs } from '../../model/resource.ts'
import { each, type Notes, type Validator } from './finding.ts'
import { isAddress, labelsProblem, portProblem, subnetProblem, wildcardDomainProblem } from './names.ts'
import { checkReachability } from './reachability.ts'
import { exportToProblem, isJwtClaim } from './values.ts'
import { checkDestinations, checkGatewayNames, checkHttpRoute } from './virtual-service-routes.ts'

/** istio: pkg/config/validation/validation.go ValidateVirtualService. */
export const validateVirtualService: Validator = (resource, notes) => {
  const { metadata } = resource
  const service = specAs<VirtualService>(resource)
  const { hosts = [], gateways = [], http = [], tls = [], tcp = [] } = service
  const context = {
    isDelegate: hosts.length === 0,
    isGenerated: metadata.annotations['internal.istio.io/route-semantics'] === 'gateway',
  }
  const isForGateway = gateways.length > 0 && !gateways.includes('mesh')
  if (context.isDelegate) checkDelegate(service, notes)
  checkGatewayNames(gateways, 'spec.gateways', context.isGenerated, notes)
  if (!isForGateway) checkNoClaims(service, notes)
  checkHosts(service, isForGateway, notes)
  if (http.length + tls.length + tcp.length === 0)
    notes.error('spec', 'A VirtualService needs http, tls or tcp routes.')
  each(http, 'spec.http', (route, path) => {
    checkHttpRoute(route, path, context, notes)
  })
  each(tls, 'spec.tls', ({ match, route }, path) => {
    if (!match?.length) notes.error(path, 'A TLS route needs at least one match.')
    each(match, `${path}.match`, (one, at) => {
      checkTlsMatch(one, at, service, isForGateway, notes)
    })
    if (!route?.length) notes.error(path, 'A TLS route needs a destination.')
    checkDestinations(route, `${path}.route`, context, notes)
  })
  each(tcp, 'spec.tcp', ({ match, route }, path) => {
    each(match, `${path}.match`, (one, at) => {
      checkL4Match(one, at, notes)
    })
    if (!route?.length) notes.error(path, 'A TCP route needs a destination.')
    checkDestinations(route, `${path}.route`, context, notes)
  })
  const { namespace } = metadata
  notes.error(
    'spec.exportTo',
    exportToProblem(service.exportTo, { namespace, allowsNobody: false, onlyAtHome: false }),
  )
  for (const kind of ['http', 'tls', 'tcp'] as const) checkReachability(service[kind], `spec.${kind}`, notes)
}

function checkDelegate({ gateways, tls, tcp }: VirtualService, notes: Notes): void {
  if (gateways?.length)
    notes.error('spec.gateways', 'A VirtualService without hosts is a delegate; its root names the gateways.')
  if (tls?.length)
    notes.error('spec.tls', 'A VirtualService without hosts is a delegate; only http can be delegated.')
  if (tcp?.length)
    notes.error('spec.tcp', 'A VirtualService without hosts is a delegate; only http can be delegated.')
}

function checkNoClaims({ http }: VirtualService, notes: Notes): void {
  each(http, 'spec.http', (route, path) => {
    each(route.match, `${path}.match`, (match, at) => {
      for (const field of ['headers', 'withoutHeaders'] as const)
        for (const name of Object.keys(match[field] ?? {}))
          if (isJwtClaim(name))
            notes.error(
              `${at}.${field}`,
              `Claims (${name}) are matched at gateways only; name gateways, without mesh.`,
            )
    })
  })
}

function checkHosts(service: VirtualService, isForGateway: boolean, notes: Notes): void {
  const { hosts = [] } = service
  const hasSni = service.tls?.some(route => route.match?.some(match => match.sniHosts?.length)) === true
  let valid = true
  each(hosts, 'spec.hosts', (host, path) => {
    const problem = isForGateway ? gatewayHostProblem(host, hasSni) : wildcardDomainProblem(host)
    if (problem && isAddress(host)) return
    const message =
      problem ??
      (host === '*' && !isForGateway
        ? 'Inside the mesh the host * would be everything; name hosts.'
        : undefined)
    valid &&= message === undefined
    notes.error(path, message)
  })
  if (!valid) return
  each(hosts, 'spec.hosts', (host, path, index) => {
    const twin = hosts.slice(0, index).find(other => hostsMatch(other, host))
    if (twin !== undefined) notes.error(path, `${host} is covered by ${twin}.`)
  })
}

/** `outbound_.80_._.host` is what istiod's own SNI routing between clusters uses. */
function gatewayHostProblem(host: string, hasSni: boolean): string | undefined {
  if (!hasSni || !host.startsWith('outbound_')) return wildcardDomainProblem(host)
  const [direction, port = '', , name] = host.split('_')
  const isGood = direction === 'outbound' && /\d/.test(port) && name !== undefined && /[a-zA-Z]/.test(name)
  return isGood ? undefined : `"${host}" must be outbound_.PORT_._.HOST.`
}

type L4Match = NonNullable<NonNullable<VirtualService['tcp']>[number]['match']>[number]
type TlsMatch = NonNullable<NonNullable<VirtualService['tls']>[number]['match']>[number]

function checkL4Match(match: L4Match, path: string, notes: Notes): void {
  each(match.destinationSubnets, `${path}.destinationSubnets`, (subnet, at) => {
    notes.error(at, subnetProblem(subnet))
  })
  if (match.port) notes.error(`${path}.port`, portProblem(match.port))
  notes.error(`${path}.sourceLabels`, labelsProblem(match.sourceLabels))
  checkGatewayNames(match.gateways, `${path}.gateways`, false, notes)
}

function checkTlsMatch(
  match: TlsMatch,
  path: string,
  { hosts = [] }: VirtualService,
  isForGateway: boolean,
  notes: Notes,
): void {
  if (!match.sniHosts?.length) notes.error(path, 'A TLS match needs sniHosts.')
  each(match.sniHosts, `${path}.sniHosts`, (sni, at) => {
    const problem = isForGateway ? gatewayHostProblem(sni, true) : wildcardDomainProblem(sni)
    if (problem && isAddress(sni)) notes.warn(at, `Clients send names, not addresses, as SNI: ${sni}.`)
    else if (problem) notes.error(at, problem)
    else if (!hosts.some(host => isHostWithin(sni, host)))
      notes.error(at, `${sni} is not within the hosts of the VirtualService: ${hosts.join(', ')}.`)
  })
  checkL4Match(match, path, notes)
}
