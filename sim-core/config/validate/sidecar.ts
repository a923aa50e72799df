import type { IstioEgressListener, IstioIngressListener, IstioPort, Sidecar } from '../../model/istio.ts'
import { specAs } from '../../model/resource.ts'
import { each, type Notes, type Validator } from './finding.ts'
import { checkHost, checkServerTls } from './gateway.ts'
import { addressProblem, domainProblem, portNameProblem, portProblem, unixPathProblem } from './names.ts'
import { checkSelector } from './selectors.ts'
import { checkConnectionPool } from './traffic-policy.ts'
import { isHttpProtocol, isTlsProtocol, protocolProblem } from './values.ts'
import { checkDestination } from './virtual-service-routes.ts'

/** istio: pkg/config/validation/validation.go ValidateSidecar. */
export const validateSidecar: Validator = (resource, notes) => {
  const { metadata } = resource
  const sidecar = specAs<Sidecar>(resource)
  const { ingress = [], egress = [] } = sidecar
  checkSelector(sidecar.workloadSelector?.labels, sidecar.workloadSelector, 'spec.workloadSelector', notes)
  if (
    ingress.length + egress.length === 0 &&
    !sidecar.outboundTrafficPolicy &&
    !sidecar.inboundConnectionPool
  )
    notes.error('spec', 'A Sidecar needs ingress, egress, outboundTrafficPolicy or inboundConnectionPool.')
  checkIngress(ingress, notes)
  checkConnectionPool(sidecar.inboundConnectionPool, 'spec.inboundConnectionPool', notes)
  checkEgress(egress, metadata.namespace, notes)
  checkOutboundPolicy(sidecar.outboundTrafficPolicy, notes)
}

function checkIngress(listeners: readonly IstioIngressListener[], notes: Notes): void {
  const ports = new Set<number>()
  each(listeners, 'spec.ingress', (listener, path) => {
    const { port, bind = '', tls } = listener
    if (!port) {
      notes.error(path, 'An ingress listener needs a port.')
      return
    }
    if (port.targetPort)
      notes.error(`${path}.port.targetPort`, 'targetPort has no effect in a Sidecar. Remove it.')
    if (port.name) notes.error(`${path}.port.name`, portNameProblem(port.name))
    notes.error(`${path}.port.protocol`, protocolProblem(port.protocol))
    notes.error(`${path}.port.number`, portProblem(port.number))
    if (bind !== '') notes.error(`${path}.bind`, addressProblem(bind))
    const number = port.number ?? 0
    if (ports.has(number)) notes.error(`${path}.port.number`, `Port ${number} has two listeners.`)
    ports.add(number)
    notes.error(`${path}.defaultEndpoint`, endpointProblem(listener.defaultEndpoint))
    if (tls) checkIngressTls(tls, port, `${path}.tls`, notes)
    checkConnectionPool(listener.connectionPool, `${path}.connectionPool`, notes)
    if (listener.connectionPool?.http && !isHttpProtocol(port.protocol))
      notes.warn(
        `${path}.connectionPool.http`,
        `The port does not speak HTTP (${port.protocol ?? 'sniffed'}), so only tcp has an effect.`,
      )
  })
}

/** `127.0.0.1:80`, `[::1]:80`, `:80`, `unix:///path`. */
function endpointProblem(endpoint: string | undefined): string | undefined {
  if (!endpoint) return undefined
  if (endpoint.startsWith('unix://')) return unixPathProblem(endpoint.slice('unix://'.length))
  const match = /^(?:\[([^[\]]*)\]|([^:[\]]*)):([^:]*)$/.exec(endpoint)
  const hosts = ['', '127.0.0.1', '0.0.0.0', '::1', '::']
  if (!match || !hosts.includes(match[1] ?? match[2] ?? ''))
    return `"${endpoint}" must be 127.0.0.1:PORT, 0.0.0.0:PORT, [::1]:PORT, [::]:PORT, :PORT or unix:///PATH.`
  return /^[+-]?\d+$/.test(match[3] ?? '') ? portProblem(Number(match[3])) : `"${match[3]}" is no port.`
}

function checkIngressTls(
  tls: NonNullable<IstioIngressListener['tls']>,
  port: IstioPort,
  path: string,
  notes: Notes,
): void {
  const { mode = 'PASSTHROUGH' } = tls
  const lists = ['subjectAltNames', 'credentialNames', 'tlsCertificates'] as const
  for (const field of lists)
    if (tls[field]?.length) notes.error(`${path}.${field}`, `A Sidecar's ingress has no ${field}.`)
  if (tls.httpsRedirect) notes.error(`${path}.httpsRedirect`, "A Sidecar's ingress cannot redirect.")
  if (tls.credentialName)
    notes.error(`${path}.credentialName`, "A Sidecar's ingress takes certificates from files.")
  if (['ISTIO_MUTUAL', 'AUTO_PASSTHROUGH'].includes(mode))
    notes.error(`${path}.mode`, `A Sidecar's ingress cannot have mode ${mode}.`)
  if (!isTlsProtocol(port.protocol)) notes.error(path, 'Only ports that speak HTTPS or TLS have tls.')
  checkServerTls(tls, path, notes)
}

function checkEgress(listeners: readonly IstioEgressListener[], namespace: string, notes: Notes): void {
  const ports = new Set<number>()
  const sockets = new Set<string>()
  each(listeners, 'spec.egress', (listener, path, index) => {
    const { port, bind = '' } = listener
    if (!port) {
      if (index < listeners.length - 1)
        notes.error(path, 'A listener without a port takes the rest, so it comes last.')
    } else {
      checkEgressPort(listener, port, path, notes)
      const number = port.number ?? 0
      if (number === 0 ? sockets.has(bind) : ports.has(number))
        notes.error(path, `${number === 0 ? bind : `Port ${number}`} has two listeners.`)
      if (number === 0) sockets.add(bind)
      else ports.add(number)
    }
    if (!listener.hosts?.length) notes.error(`${path}.hosts`, 'An egress listener needs at least one host.')
    checkEgressHosts(listener.hosts ?? [], `${path}.hosts`, namespace, notes)
  })
}

function checkEgressPort(
  { bind = '', captureMode = 'DEFAULT' }: IstioEgressListener,
  port: IstioPort,
  path: string,
  notes: Notes,
): void {
  if (port.targetPort)
    notes.error(`${path}.port.targetPort`, 'targetPort has no effect in a Sidecar. Remove it.')
  if (port.name) notes.error(`${path}.port.name`, portNameProblem(port.name))
  notes.error(`${path}.port.protocol`, protocolProblem(port.protocol))
  if (port.number) {
    notes.error(`${path}.port.number`, portProblem(port.number))
    if (bind !== '') notes.error(`${path}.bind`, addressProblem(bind))
    return
  }
  if (bind.startsWith('unix://')) notes.error(`${path}.bind`, unixPathProblem(bind.slice('unix://'.length)))
  else notes.error(`${path}.port.number`, 'Port 0 means a unix socket; bind must name it.')
  if (captureMode === 'IPTABLES')
    notes.error(`${path}.captureMode`, 'A unix socket is not captured; captureMode is DEFAULT or NONE.')
}

function checkEgressHosts(hosts: readonly string[], path: string, namespace: string, notes: Notes): void {
  const seen = new Map<string, Set<string>>()
  each(hosts, path, (text, at) => {
    const slash = text.indexOf('/')
    if (slash >= 0 && !text.startsWith('~')) {
      const place = text.slice(0, slash) === '.' ? namespace : text.slice(0, slash)
      const host = text.slice(slash + 1)
      const there = seen.get(place) ?? new Set<string>()
      if (host === '*' ? there.size > 0 : there.has(host) || there.has('*'))
        notes.warn(at, `${text} is named before.`)
      there.add(host)
      seen.set(place, there)
    }
    checkHost(text, at, { isGateway: false, generated: false }, notes)
  })
  if (seen.get('*')?.has('*') && seen.size > 1) notes.warn(path, '*/* is everything; the others add nothing.')
}

function checkOutboundPolicy(policy: Sidecar['outboundTrafficPolicy'], notes: Notes): void {
  if (!policy) return
  const path = 'spec.outboundTrafficPolicy'
  const { mode = 'REGISTRY_ONLY', egressProxy } = policy
  if (mode === 'ALLOW_ANY_DYNAMIC_DNS')
    notes.error(`${path}.mode`, 'ALLOW_ANY_DYNAMIC_DNS is for the MeshConfig only.')
  else if (egressProxy && mode !== 'ALLOW_ANY')
    notes.error(`${path}.egressProxy`, 'An egressProxy needs mode ALLOW_ANY.')
  else if (egressProxy) {
    notes.error(`${path}.egressProxy.host`, domainProblem(egressProxy.host))
    if (egressProxy.port) checkDestination(egressProxy, `${path}.egressProxy`, notes)
    else notes.error(`${path}.egressProxy`, 'An egressProxy needs a port.')
  }
}
