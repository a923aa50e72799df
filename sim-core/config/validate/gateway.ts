import type { Gateway, GatewayServer, IstioPort, ServerTLSSettings } from '../../model/istio.ts'
import { specAs } from '../../model/resource.ts'
import { KNOWN_CIPHERS } from '../../model/tls.ts'
import { each, type Notes, type Validator } from './finding.ts'
import {
  addressProblem,
  isAddress,
  isDnsLabel,
  partialWildcardProblem,
  portProblem,
  unixPathProblem,
  wildcardDomainProblem,
} from './names.ts'
import { isHttpProtocol, isProtocol, isTlsProtocol } from './values.ts'

/** Gateways that istiod itself makes from Gateway API may do more. istio: pkg/config/constants InternalGatewaySemantics. */
const isGenerated = (annotations: Readonly<Record<string, string>>): boolean =>
  annotations['internal.istio.io/gateway-semantics'] === 'gateway'

/** istio: pkg/config/validation/validation.go ValidateGateway. */
export const validateGateway: Validator = (resource, notes) => {
  const { metadata } = resource
  const { servers = [] } = specAs<Gateway>(resource)
  const generated = isGenerated(metadata.annotations)
  if (!generated && !isDnsLabel(metadata.name))
    notes.error('metadata.name', `The name of a Gateway is one DNS label; "${metadata.name}" is none.`)
  if (servers.length === 0) notes.error('spec.servers', 'A Gateway needs at least one server.')
  const names = new Set<string>()
  each(servers, 'spec.servers', (server, path) => {
    checkServer(server, path, generated, notes)
    if (!server.port) return
    const name = server.port.name ?? ''
    if (names.has(name))
      notes.error(`${path}.port.name`, `Two servers call their port ${name}; names must differ.`)
    names.add(name)
    if (server.tls?.httpsRedirect && !isHttpProtocol(server.port.protocol))
      notes.warn(`${path}.tls.httpsRedirect`, 'httpsRedirect has an effect on HTTP servers only.')
  })
}

function checkServer(server: GatewayServer, path: string, generated: boolean, notes: Notes): void {
  if (!server.hosts?.length) notes.error(`${path}.hosts`, 'A server needs at least one host.')
  each(server.hosts, `${path}.hosts`, (host, at) => {
    checkHost(host, at, { isGateway: true, generated }, notes)
  })
  const problem = portOfServerProblem(server.port, server.bind)
  notes.error(`${path}.port`, problem)
  checkBind(server, path, notes)
  checkServerTls(server.tls, `${path}.tls`, notes)
  if (problem === undefined && server.port) checkTlsAndProtocol(server.tls, server.port, path, notes)
}

function portOfServerProblem(port: IstioPort | undefined, bind = ''): string | undefined {
  if (!port) return 'A server needs a port.'
  if (!isProtocol(port.protocol))
    return `"${port.protocol ?? ''}" is no protocol; write HTTP, HTTPS, HTTP2, GRPC, TCP or TLS.`
  if ((port.number ?? 0) > 0 || !bind.startsWith('unix://')) {
    const problem = portProblem(port.number)
    if (problem) return problem
  }
  if (port.targetPort) return 'targetPort has no effect in a Gateway. Remove it.'
  return port.name ? undefined : 'The port needs a name.'
}

function checkBind({ bind, port }: GatewayServer, path: string, notes: Notes): void {
  if (!bind) return
  if (!bind.startsWith('unix://')) {
    notes.error(`${path}.bind`, addressProblem(bind))
    return
  }
  notes.error(`${path}.bind`, unixPathProblem(bind.slice('unix://'.length)))
  if (port?.number) notes.error(`${path}.port.number`, 'A unix socket has no port; write 0.')
}

function checkTlsAndProtocol(
  tls: ServerTLSSettings | undefined,
  port: IstioPort,
  path: string,
  notes: Notes,
): void {
  if (isTlsProtocol(port.protocol)) {
    if (!tls) notes.error(path, `A server that speaks ${port.protocol} needs tls.`)
    return
  }
  if (!tls) return
  const isOnlyRedirect = (tls.mode ?? 'PASSTHROUGH') === 'PASSTHROUGH' || tls.mode === 'AUTO_PASSTHROUGH'
  const hasFiles = Boolean(tls.caCertificates || tls.privateKey || tls.serverCertificate)
  if (!isHttpProtocol(port.protocol) || !isOnlyRedirect || hasFiles)
    notes.error(`${path}.tls`, `A server that speaks ${port.protocol} has no tls; use HTTPS or TLS.`)
}

/** `host`, `namespace/host`: what a Gateway's server or a Sidecar's listener names. istio: pkg/config/validation/agent ValidateNamespaceSlashWildcardHostname. */
export function checkHost(
  text: string,
  path: string,
  { isGateway, generated }: { readonly isGateway: boolean; readonly generated: boolean },
  notes: Notes,
): void {
  const slash = text.indexOf('/')
  if (slash < 0) {
    if (isGateway) notes.error(path, hostProblem(text, true))
    else notes.error(path, `"${text}" must be NAMESPACE/HOST.`)
    return
  }
  const [namespace, host] = [text.slice(0, slash), text.slice(slash + 1)]
  if (namespace === '' || host === '') notes.error(path, `"${text}" has an empty part.`)
  const bare = isGateway ? namespace : namespace.replace(/^~/, '')
  const isFree =
    ['*', '.'].includes(bare) || (isGateway ? generated && bare === '~' : bare === '') || isDnsLabel(bare)
  if (!isFree) notes.error(path, `"${namespace}" is no namespace.`)
  notes.error(path, hostProblem(host, isGateway))
}

function hostProblem(host: string, isGateway: boolean): string | undefined {
  if (host !== '*' && !host.includes('.')) return `"${host}" is a short name; write the full one.`
  const problem = wildcardDomainProblem(host)
  if (problem && !(isGateway && isAddress(host))) return problem
  return partialWildcardProblem(host)
}

/** What does not begin as a name is an operator on the list, which istiod does not read. */
const isSuite = (suite: string): boolean =>
  suite === '' || !/^[\p{L}\p{N}]/u.test(suite) || KNOWN_CIPHERS.has(suite)

const mutual: readonly string[] = ['MUTUAL', 'OPTIONAL_MUTUAL']
const terminating: readonly string[] = ['SIMPLE', ...mutual]

/** istio: pkg/config/validation/validation.go validateTLSOptions. */
export function checkServerTls(tls: ServerTLSSettings | undefined, path: string, notes: Notes): void {
  if (!tls) return
  checkCiphers(tls, path, notes)
  const mode = tls.mode ?? 'PASSTHROUGH'
  if (mode === 'ISTIO_MUTUAL') {
    checkNoCertificates(tls, path, notes)
    return
  }
  const sources = [
    tls.serverCertificate && tls.privateKey,
    tls.credentialName,
    tls.credentialNames?.length,
    tls.tlsCertificates?.length,
  ].filter(Boolean).length
  if (
    mode.endsWith('PASSTHROUGH') &&
    (sources > 0 || tls.caCrl || tls.serverCertificate || tls.privateKey || tls.caCertificates)
  )
    notes.warn(path, `${mode} uses no certificates; these are ignored.`)
  if (sources > 1)
    notes.error(
      path,
      'Only one of credentialName, credentialNames, serverCertificate with privateKey, and tlsCertificates may be set.',
    )
  if (terminating.includes(mode)) {
    if (tls.credentialName || tls.credentialNames?.length) return
    checkCertificateFiles(tls, mode, path, notes)
  }
  if (!tls.caCrl) return
  if (tls.credentialName) notes.error(`${path}.caCrl`, 'With credentialName the CRL belongs into the secret.')
  if (mode === 'SIMPLE')
    notes.error(`${path}.caCrl`, 'SIMPLE checks no client certificates, so it takes no CRL.')
}

function checkCiphers(tls: ServerTLSSettings, path: string, notes: Notes): void {
  const old = ['TLSV1_0', 'TLSV1_1'].includes(tls.minProtocolVersion ?? '')
  const given = tls.cipherSuites ?? []
  if (old && given.length === 0)
    notes.warn(`${path}.minProtocolVersion`, 'Below TLS 1.2 no default cipher suite fits; set cipherSuites.')
  const unknown = given.filter(suite => !isSuite(suite))
  if (unknown.length > 0)
    notes.warn(`${path}.cipherSuites`, `Unknown cipher suites are ignored: ${unknown.join(', ')}.`)
  const twice = given.filter((suite, index) => isSuite(suite) && given.indexOf(suite) !== index)
  if (twice.length > 0)
    notes.warn(`${path}.cipherSuites`, `Repeated cipher suites are ignored: ${twice.join(', ')}.`)
}

function checkNoCertificates(tls: ServerTLSSettings, path: string, notes: Notes): void {
  for (const field of ['serverCertificate', 'privateKey', 'caCertificates', 'credentialName'] as const)
    if (tls[field])
      notes.error(`${path}.${field}`, `ISTIO_MUTUAL brings its own certificates; remove ${field}.`)
  for (const field of ['tlsCertificates', 'credentialNames'] as const)
    if (tls[field]?.length)
      notes.error(`${path}.${field}`, `ISTIO_MUTUAL brings its own certificates; remove ${field}.`)
}

function checkCertificateFiles(tls: ServerTLSSettings, mode: string, path: string, notes: Notes): void {
  if (mutual.includes(mode) && !tls.caCertificates)
    notes.error(`${path}.caCertificates`, `${mode} needs caCertificates to check its clients.`)
  const listed = tls.tlsCertificates ?? []
  if (listed.length > 2) notes.warn(`${path}.tlsCertificates`, 'At most two server certificates are used.')
  const pairs = listed.length > 0 ? listed : [tls]
  for (const pair of pairs) {
    if (!pair.serverCertificate) notes.error(path, `${mode} needs a server certificate.`)
    if (!pair.privateKey) notes.error(path, `${mode} needs a private key.`)
  }
}
