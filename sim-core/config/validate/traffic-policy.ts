import { parseDuration } from '../../model/duration.ts'
import type {
  ClientTLSSettings,
  ConnectionPoolSettings,
  LoadBalancerSettings,
  OutlierDetection,
  PortTrafficPolicy,
  TrafficPolicy,
} from '../../model/istio.ts'
import { each, type Notes } from './finding.ts'
import { checkLocality, checkZoneAware } from './locality.ts'
import { addressProblem, domainProblem, portProblem } from './names.ts'
import { durationProblem, negativeProblem, percentProblem } from './values.ts'

/** istio: pkg/config/validation/validation.go validateTrafficPolicy. */
export function checkTrafficPolicy(
  policy: TrafficPolicy | undefined,
  path: string,
  namespace: string,
  notes: Notes,
): void {
  if (!policy) return
  if (Object.keys(policy).length === 0) notes.error(path, 'A trafficPolicy needs at least one field.')
  if (policy.tunnel && policy.proxyProtocol) notes.error(path, 'tunnel and proxyProtocol exclude each other.')
  checkParts(policy, path, namespace, notes)
  each(policy.portLevelSettings, `${path}.portLevelSettings`, (settings, at) => {
    if (!settings.port) notes.error(at, 'Settings of a port need its number.')
    const { loadBalancer, connectionPool, outlierDetection, tls } = settings
    if (!loadBalancer && !connectionPool && !outlierDetection && !tls)
      notes.error(at, 'Settings of a port need at least one field beside it.')
    checkParts(settings, at, namespace, notes)
  })
  const { tunnel } = policy
  if (!tunnel) return
  if (tunnel.protocol && !['CONNECT', 'POST'].includes(tunnel.protocol))
    notes.error(`${path}.tunnel.protocol`, 'A tunnel is made by CONNECT or POST.')
  if (domainProblem(tunnel.targetHost) && addressProblem(tunnel.targetHost ?? ''))
    notes.error(
      `${path}.tunnel.targetHost`,
      `"${tunnel.targetHost ?? ''}" is neither a full domain name nor an IP address.`,
    )
  notes.error(`${path}.tunnel.targetPort`, portProblem(tunnel.targetPort))
}

function checkParts(policy: PortTrafficPolicy, path: string, namespace: string, notes: Notes): void {
  checkOutlierDetection(policy.outlierDetection, `${path}.outlierDetection`, notes)
  checkConnectionPool(policy.connectionPool, `${path}.connectionPool`, notes)
  checkLoadBalancer(policy.loadBalancer, policy.outlierDetection, `${path}.loadBalancer`, notes)
  checkClientTls(policy.tls, `${path}.tls`, namespace, notes)
}

function checkOutlierDetection(outlier: OutlierDetection | undefined, path: string, notes: Notes): void {
  if (!outlier) return
  notes.error(`${path}.baseEjectionTime`, durationProblem(outlier.baseEjectionTime))
  notes.error(`${path}.interval`, durationProblem(outlier.interval))
  notes.error(`${path}.maxEjectionPercent`, percentProblem(outlier.maxEjectionPercent))
  notes.error(`${path}.minHealthPercent`, percentProblem(outlier.minHealthPercent))
  if (outlier.consecutiveErrors)
    notes.warn(
      `${path}.consecutiveErrors`,
      'consecutiveErrors is deprecated; use consecutiveGatewayErrors or consecutive5xxErrors.',
    )
  if (!outlier.splitExternalLocalOriginErrors && (outlier.consecutiveLocalOriginFailures ?? 0) > 0)
    notes.error(
      `${path}.consecutiveLocalOriginFailures`,
      'Local failures are counted only with splitExternalLocalOriginErrors: true.',
    )
}

/** istio: pkg/config/validation/validation.go validateConnectionPool. */
export function checkConnectionPool(
  pool: ConnectionPoolSettings | undefined,
  path: string,
  notes: Notes,
): void {
  if (!pool) return
  const { http, tcp } = pool
  if (!http && !tcp) notes.error(path, 'A connectionPool needs tcp or http.')
  if (http) checkHttpPool(http, `${path}.http`, notes)
  if (!tcp) return
  notes.error(`${path}.tcp.maxConnections`, negativeProblem(tcp.maxConnections))
  notes.error(`${path}.tcp.connectTimeout`, durationProblem(tcp.connectTimeout))
  notes.error(`${path}.tcp.maxConnectionDuration`, durationProblem(tcp.maxConnectionDuration))
  notes.error(`${path}.tcp.tcpKeepalive.time`, durationProblem(tcp.tcpKeepalive?.time))
  notes.error(`${path}.tcp.tcpKeepalive.interval`, durationProblem(tcp.tcpKeepalive?.interval))
  // Below a millisecond means: never.
  if (tcp.idleTimeout !== undefined && Math.abs(parseDuration(tcp.idleTimeout) ?? 1e6) >= 1e6)
    notes.error(`${path}.tcp.idleTimeout`, durationProblem(tcp.idleTimeout))
}

function checkHttpPool(http: NonNullable<ConnectionPoolSettings['http']>, path: string, notes: Notes): void {
  const counts = [
    'http1MaxPendingRequests',
    'http2MaxRequests',
    'maxRequestsPerConnection',
    'maxRetries',
    'maxConcurrentStreams',
  ] as const
  for (const field of counts) notes.error(`${path}.${field}`, negativeProblem(http[field]))
  notes.error(`${path}.idleTimeout`, durationProblem(http.idleTimeout))
  if (http.h2UpgradePolicy === 'UPGRADE' && http.useClientProtocol)
    notes.error(
      `${path}.useClientProtocol`,
      'useClientProtocol keeps what h2UpgradePolicy: UPGRADE would change. Remove one.',
    )
  if (!http.http2KeepAlive) return
  for (const field of ['interval', 'timeout'] as const) {
    const value = http.http2KeepAlive[field]
    notes.error(
      `${path}.http2KeepAlive.${field}`,
      value === undefined ? `http2KeepAlive needs its ${field}.` : durationProblem(value),
    )
  }
}

function checkLoadBalancer(
  settings: LoadBalancerSettings | undefined,
  outlier: OutlierDetection | undefined,
  path: string,
  notes: Notes,
): void {
  if (!settings) return
  checkConsistentHash(settings.consistentHash, `${path}.consistentHash`, notes)
  if (settings.localityLbSetting && settings.zoneAwareLbSetting)
    notes.error(path, 'localityLbSetting and zoneAwareLbSetting exclude each other.')
  checkLocality(settings.localityLbSetting, outlier, `${path}.localityLbSetting`, notes)
  checkZoneAware(settings.zoneAwareLbSetting, outlier, `${path}.zoneAwareLbSetting`, notes)
  const { warmup } = settings
  if (!warmup) return
  notes.error(
    `${path}.warmup.duration`,
    warmup.duration === undefined ? 'A warmup needs a duration.' : durationProblem(warmup.duration),
  )
  if ((warmup.minimumPercent ?? 0) > 100)
    notes.error(`${path}.warmup.minimumPercent`, 'minimumPercent is at most 100.')
  if (warmup.aggression !== undefined && warmup.aggression <= 0)
    notes.error(`${path}.warmup.aggression`, 'aggression is more than 0.')
}

/** Envoy's limit of a Maglev table. envoy: source/extensions/load_balancing_policies/maglev/maglev_lb.h. */
const MAX_MAGLEV = 5_000_011

function checkConsistentHash(hash: LoadBalancerSettings['consistentHash'], path: string, notes: Notes): void {
  if (!hash) return
  if (hash.httpCookie && !hash.httpCookie.name) notes.error(`${path}.httpCookie`, 'A cookie needs a name.')
  const seen = new Set<string>()
  each(hash.httpCookie?.attributes, `${path}.httpCookie.attributes`, ({ name = '' }, at) => {
    if (name === '') notes.error(at, 'An attribute of a cookie needs a name.')
    else if (seen.has(name)) notes.error(at, `The cookie has the attribute ${name} twice.`)
    seen.add(name)
  })
  if (hash.minimumRingSize) {
    notes.warn(`${path}.minimumRingSize`, 'minimumRingSize is deprecated; use ringHash.minimumRingSize.')
    if (hash.ringHash || hash.maglev)
      notes.error(`${path}.minimumRingSize`, 'minimumRingSize cannot stand beside ringHash or maglev.')
  }
  if (!hash.maglev) return
  const size = hash.maglev.tableSize ?? 0
  if (size === 0) notes.error(`${path}.maglev`, 'maglev needs a tableSize.')
  else if (size >= MAX_MAGLEV)
    notes.error(`${path}.maglev.tableSize`, `tableSize is less than ${MAX_MAGLEV}.`)
  else if (!isPrime(size))
    notes.error(`${path}.maglev.tableSize`, `tableSize is a prime number; ${size} is none.`)
}

function isPrime(n: number): boolean {
  if (n > 0 && n < 4) return true
  if (n % 2 === 0) return false
  for (let factor = 3; factor * factor <= n; factor += 2) if (n % factor === 0) return false
  return true
}

const CONFIG_MAP = 'configmap://'

/** istio: pkg/config/validation/agent ValidateTLS. */
function checkClientTls(
  tls: ClientTLSSettings | undefined,
  path: string,
  namespace: string,
  notes: Notes,
): void {
  if (!tls) return
  const { mode = 'DISABLE', credentialName = '' } = tls
  if (credentialName.startsWith(CONFIG_MAP)) {
    const [of, name] = credentialName.slice(CONFIG_MAP.length).split('/')
    const isHere = name === undefined || name === '' ? of !== '' : of === namespace
    if (!isHere || namespace === '')
      notes.error(`${path}.credentialName`, 'A configmap:// is taken from the own namespace only.')
  }
  if (tls.insecureSkipVerify) {
    const checks = tls.caCertificates || tls.subjectAltNames || (mode === 'SIMPLE' && credentialName)
    if (checks && ['SIMPLE', 'MUTUAL'].includes(mode))
      notes.error(
        `${path}.insecureSkipVerify`,
        'insecureSkipVerify checks nothing, so caCertificates, subjectAltNames (and with SIMPLE credentialName) cannot be set.',
      )
  }
  if (['SIMPLE', 'MUTUAL'].includes(mode) && credentialName) {
    if (tls.clientCertificate || tls.caCertificates || tls.privateKey || tls.caCrl)
      notes.error(
        `${path}.credentialName`,
        'credentialName brings certificates, key and CRL; remove the files.',
      )
    return
  }
  if (mode !== 'MUTUAL') return
  if (!tls.clientCertificate) notes.error(path, 'MUTUAL needs a clientCertificate.')
  if (!tls.privateKey) notes.error(path, 'MUTUAL needs a privateKey.')
}
