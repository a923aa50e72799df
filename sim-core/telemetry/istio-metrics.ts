/** A party as the stats filter knows it from peer metadata; `undefined` fields read as `unknown`. */
export interface MetricPeer {
  readonly workload: string
  readonly namespace: string
  readonly labels: Readonly<Record<string, string>>
  readonly principal: string
  readonly cluster: string
}

/** What one proxy saw of one request or connection. */
export interface MetricSubject {
  readonly reporter: 'source' | 'destination'
  readonly source: MetricPeer | undefined
  readonly destination: MetricPeer | undefined
  /** Of the upstream cluster's `istio` metadata; without it the cluster's own name. */
  readonly service: { readonly host: string; readonly name: string; readonly namespace: string }
  readonly protocol: 'http' | 'grpc' | 'tcp'
  readonly responseCode: number
  readonly grpcStatus: number | undefined
  readonly flags: string
  readonly isMutualTls: boolean
}

const UNKNOWN = 'unknown'

/** Standard labels of `istio_requests_total`, and with fewer of them `istio_tcp_connections_opened_total`. istio/proxy: source/extensions/filters/http/istio_stats/istio_stats.cc. */
export function metricLabels(subject: MetricSubject): Readonly<Record<string, string>> {
  const { reporter, service, protocol } = subject
  return {
    reporter,
    ...peerLabels('source', subject.source),
    ...peerLabels('destination', subject.destination),
    destination_service: service.host,
    destination_service_name: service.name,
    destination_service_namespace: service.namespace,
    request_protocol: protocol,
    ...(protocol !== 'tcp' && { response_code: String(subject.responseCode) }),
    ...(protocol === 'grpc' && { grpc_response_status: String(subject.grpcStatus ?? 0) }),
    response_flags: subject.flags || '-',
    // Only the server knows how the connection was secured.
    connection_security_policy: reporter === 'source' ? UNKNOWN : subject.isMutualTls ? 'mutual_tls' : 'none',
  }
}

/** Counters that a request, or a connection in its life, adds one to. */
export function metricNames(protocol: MetricSubject['protocol']): readonly string[] {
  return protocol === 'tcp'
    ? ['istio_tcp_connections_opened_total', 'istio_tcp_connections_closed_total']
    : ['istio_requests_total']
}

function peerLabels(
  side: 'source' | 'destination',
  peer: MetricPeer | undefined,
): Readonly<Record<string, string>> {
  const labels = peer?.labels ?? {}
  const said = {
    workload: peer?.workload,
    workload_namespace: peer?.namespace,
    principal: peer?.principal,
    app: labels['app'],
    version: labels['version'],
    canonical_service:
      peer &&
      canonical(labels, ['service.istio.io/canonical-name', 'app.kubernetes.io/name', 'app'], peer.workload),
    canonical_revision:
      peer &&
      canonical(
        labels,
        ['service.istio.io/canonical-revision', 'app.kubernetes.io/version', 'version'],
        'latest',
      ),
    cluster: peer?.cluster,
  }
  return Object.fromEntries(
    Object.entries(said).map(([name, value]) => [`${side}_${name}`, value || UNKNOWN]),
  )
}

/** The first label that is set. istio: pkg/model/proxy.go. */
function canonical(
  labels: Readonly<Record<string, string>>,
  names: readonly string[],
  otherwise: string,
): string {
  return names.map(name => labels[name]).find(value => value !== undefined && value !== '') ?? otherwise
}
