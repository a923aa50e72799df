import {
  any,
  bool,
  bytes,
  double,
  duration,
  type Fields,
  fraction,
  gappedList,
  int,
  labels,
  list,
  map,
  object,
  one,
  range,
  text,
  texts,
  uint,
} from './shape.ts'

const stringMatch = object({ exact: text, prefix: text, regex: text }, ['exact', 'prefix', 'regex'])
const percent = object({ value: double })
const destination = object({ 'host!': text, subset: text, port: object({ number: uint }) })
const headerOperations = object({ set: labels, add: labels, remove: texts })
const headers = object({ request: headerOperations, response: headerOperations })
const workloadSelector = object({ labels })

/** `selector` of policies. */
const selector = object({ matchLabels: labels })
const targetRef = object({ group: text, 'kind!': text, 'name!': text, namespace: text })
/** The three ways in which a policy names its target. */
export const targets: Fields = { selector, targetRef, targetRefs: list(targetRef) }

const httpMatch = object({
  name: text,
  uri: stringMatch,
  scheme: stringMatch,
  method: stringMatch,
  authority: stringMatch,
  headers: map(stringMatch),
  withoutHeaders: map(stringMatch),
  queryParams: map(stringMatch),
  port: uint,
  sourceLabels: labels,
  sourceNamespace: text,
  gateways: texts,
  ignoreUriCase: bool,
  statPrefix: text,
})

const fault = object({
  delay: object({ percent: int, percentage: percent, fixedDelay: duration, exponentialDelay: duration }, [
    'fixedDelay',
    'exponentialDelay',
  ]),
  abort: object({ percentage: percent, httpStatus: int, grpcStatus: text, http2Error: text }, [
    'httpStatus',
    'grpcStatus',
    'http2Error',
  ]),
})

const corsPolicy = object({
  allowOrigin: texts,
  allowOrigins: list(stringMatch),
  allowMethods: texts,
  allowHeaders: texts,
  exposeHeaders: texts,
  maxAge: duration,
  allowCredentials: bool,
  unmatchedPreflights: one('UNSPECIFIED', 'FORWARD', 'IGNORE'),
})

/** MeshConfig has the same retry policy. */
export const retries = object({
  attempts: int,
  perTryTimeout: duration,
  retryOn: text,
  retryRemoteLocalities: bool,
  retryIgnorePreviousHosts: bool,
  backoff: duration,
})

const httpRoute = object({
  name: text,
  match: gappedList(httpMatch),
  route: list(object({ 'destination!': destination, weight: int, headers })),
  redirect: object(
    {
      uri: text,
      prefixRewrite: text,
      authority: text,
      scheme: text,
      port: uint,
      derivePort: one('FROM_PROTOCOL_DEFAULT', 'FROM_REQUEST_PORT'),
      redirectCode: uint,
    },
    ['port', 'derivePort'],
  ),
  directResponse: object({
    'status!': uint,
    body: object({ string: text, bytes }, ['string', 'bytes']),
  }),
  delegate: object({ name: text, namespace: text }),
  rewrite: object({
    uri: text,
    authority: text,
    uriRegexRewrite: object({ match: text, rewrite: text }),
  }),
  timeout: duration,
  retries,
  fault,
  mirror: destination,
  mirrors: list(object({ 'destination!': destination, percentage: percent })),
  mirrorPercent: uint,
  mirror_percent: uint,
  mirrorPercentage: percent,
  corsPolicy,
  headers,
})

const l4Destinations = list(object({ 'destination!': destination, weight: int }))
const l4Match: Fields = {
  destinationSubnets: texts,
  port: uint,
  sourceLabels: labels,
  sourceNamespace: text,
  gateways: texts,
}

const virtualService = object({
  hosts: texts,
  gateways: texts,
  http: list(httpRoute),
  tls: list(object({ 'match!': list(object({ 'sniHosts!': texts, ...l4Match })), route: l4Destinations })),
  tcp: list(object({ match: list(object({ ...l4Match, sourceSubnet: text })), route: l4Destinations })),
  exportTo: texts,
})

const keepalive = object({ probes: uint, time: duration, interval: duration })
/** DestinationRule, Sidecar and MeshConfig share it. */
export const connectionPool = object({
  tcp: object({
    maxConnections: int,
    connectTimeout: duration,
    tcpKeepalive: keepalive,
    maxConnectionDuration: duration,
    idleTimeout: duration,
  }),
  http: object({
    http1MaxPendingRequests: int,
    http2MaxRequests: int,
    maxRequestsPerConnection: int,
    maxRetries: int,
    idleTimeout: duration,
    h2UpgradePolicy: one('DEFAULT', 'DO_NOT_UPGRADE', 'UPGRADE'),
    useClientProtocol: bool,
    maxConcurrentStreams: int,
    http2KeepAlive: object({ interval: duration, timeout: duration }),
  }),
})

/** When a host is thrown out of the pool. */
export const outlierDetection = object({
  splitExternalLocalOriginErrors: bool,
  consecutiveLocalOriginFailures: uint,
  consecutiveGatewayErrors: uint,
  consecutive5xxErrors: uint,
  consecutiveErrors: int,
  interval: duration,
  baseEjectionTime: duration,
  maxEjectionPercent: int,
  minHealthPercent: int,
  outlierDetectionHttpErrorCodes: list(range(100, 599)),
})

const failover = list(object({ from: text, to: text }))
/** Also in MeshConfig. */
export const localityLbSetting = object({
  distribute: list(object({ from: text, to: map(uint) })),
  failover,
  failoverPriority: texts,
  enabled: bool,
})

const consistentHash = object(
  {
    httpHeaderName: text,
    httpCookie: object({
      'name!': text,
      path: text,
      ttl: duration,
      attributes: list(object({ 'name!': text, value: text })),
    }),
    useSourceIp: bool,
    httpQueryParameterName: text,
    ringHash: object({ minimumRingSize: uint }),
    maglev: object({ tableSize: uint }),
    minimumRingSize: uint,
  },
  ['httpHeaderName', 'httpCookie', 'useSourceIp', 'httpQueryParameterName'],
  ['ringHash', 'maglev'],
)

const loadBalancer = object(
  {
    simple: one('UNSPECIFIED', 'LEAST_CONN', 'RANDOM', 'PASSTHROUGH', 'ROUND_ROBIN', 'LEAST_REQUEST'),
    consistentHash,
    backendUtilization: object({
      errorUtilizationPenaltyPercent: uint,
      metricNamesForComputingUtilization: texts,
      weightExpirationPeriod: duration,
      weightStabilizationPeriod: duration,
      weightUpdatePeriod: duration,
    }),
    localityLbSetting,
    zoneAwareLbSetting: object({
      enabled: bool,
      failover,
      failoverPriority: texts,
      minClusterSize: uint,
    }),
    warmupDurationSecs: duration,
    warmup: object({ 'duration!': duration, minimumPercent: double, aggression: double }),
  },
  ['simple', 'consistentHash', 'backendUtilization'],
)

const clientTls = object({
  mode: one('DISABLE', 'SIMPLE', 'MUTUAL', 'ISTIO_MUTUAL'),
  clientCertificate: text,
  privateKey: text,
  caCertificates: text,
  credentialName: text,
  subjectAltNames: texts,
  sni: text,
  insecureSkipVerify: bool,
  caCrl: text,
})

const portPolicy: Fields = { loadBalancer, connectionPool, outlierDetection, tls: clientTls }
const trafficPolicy = object({
  ...portPolicy,
  portLevelSettings: list(object({ port: object({ number: uint }), ...portPolicy })),
  tunnel: object({ protocol: text, 'targetHost!': text, 'targetPort!': uint }),
  proxyProtocol: object({ version: one('V1', 'V2') }),
  retryBudget: object({ percent: fraction(0, 100), minRetryConcurrency: uint, budgetInterval: duration }),
})

const destinationRule = object({
  'host!': text,
  trafficPolicy,
  subsets: list(object({ 'name!': text, labels, trafficPolicy })),
  exportTo: texts,
  workloadSelector: selector,
})

const tlsVersion = one('TLS_AUTO', 'TLSV1_0', 'TLSV1_1', 'TLSV1_2', 'TLSV1_3')
const serverTls = object({
  httpsRedirect: bool,
  mode: one('PASSTHROUGH', 'SIMPLE', 'MUTUAL', 'AUTO_PASSTHROUGH', 'ISTIO_MUTUAL', 'OPTIONAL_MUTUAL'),
  serverCertificate: text,
  privateKey: text,
  caCertificates: text,
  caCrl: text,
  credentialName: text,
  credentialNames: texts,
  caCertCredentialName: text,
  tlsCertificates: list(object({ serverCertificate: text, privateKey: text, caCertificates: text })),
  subjectAltNames: texts,
  verifyCertificateSpki: texts,
  verifyCertificateHash: texts,
  minProtocolVersion: tlsVersion,
  maxProtocolVersion: tlsVersion,
  cipherSuites: texts,
  ecdhCurves: texts,
  insecureSkipVerify: bool,
})

const serverPort = object({ number: uint, protocol: text, name: text, targetPort: uint })
const gateway = object({
  selector: labels,
  servers: list(
    object({
      'port!': serverPort,
      bind: text,
      'hosts!': texts,
      tls: serverTls,
      defaultEndpoint: text,
      name: text,
    }),
  ),
})

const workload = object({
  address: text,
  ports: map(uint),
  labels,
  network: text,
  locality: text,
  weight: uint,
  serviceAccount: text,
})

const serviceEntry = object({
  'hosts!': texts,
  addresses: texts,
  ports: list(serverPort),
  location: one('MESH_EXTERNAL', 'MESH_INTERNAL'),
  resolution: one('NONE', 'STATIC', 'DNS', 'DNS_ROUND_ROBIN', 'DYNAMIC_DNS'),
  endpoints: list(workload),
  workloadSelector,
  exportTo: texts,
  subjectAltNames: texts,
})

/** Also in MeshConfig. */
export const outboundTrafficPolicy = object({
  mode: one('REGISTRY_ONLY', 'ALLOW_ANY', 'ALLOW_ANY_DYNAMIC_DNS'),
  egressProxy: destination,
})
const captureMode = one('DEFAULT', 'IPTABLES', 'NONE')
const sidecar = object({
  workloadSelector,
  ingress: list(
    object({
      'port!': serverPort,
      bind: text,
      captureMode,
      defaultEndpoint: text,
      tls: serverTls,
      connectionPool,
    }),
  ),
  egress: list(object({ port: serverPort, bind: text, captureMode, 'hosts!': texts })),
  inboundConnectionPool: connectionPool,
  outboundTrafficPolicy,
})

const probe = object(
  {
    initialDelaySeconds: int,
    timeoutSeconds: int,
    periodSeconds: int,
    successThreshold: int,
    failureThreshold: int,
    httpGet: object({
      path: text,
      'port!': uint,
      host: text,
      scheme: text,
      httpHeaders: list(object({ name: text, value: text })),
    }),
    tcpSocket: object({ host: text, 'port!': uint }),
    exec: object({ 'command!': texts }),
    grpc: object({ port: uint, service: text }),
  },
  ['httpGet', 'tcpSocket', 'exec', 'grpc'],
)

const filterMatch = object({ name: text, subFilter: object({ name: text }) })
const envoyFilter = object({
  workloadSelector,
  targetRefs: list(targetRef),
  priority: int,
  configPatches: list(
    object({
      applyTo: one(
        'INVALID',
        'LISTENER',
        'FILTER_CHAIN',
        'NETWORK_FILTER',
        'HTTP_FILTER',
        'ROUTE_CONFIGURATION',
        'VIRTUAL_HOST',
        'HTTP_ROUTE',
        'CLUSTER',
        'EXTENSION_CONFIG',
        'BOOTSTRAP',
        'LISTENER_FILTER',
      ),
      match: object(
        {
          context: one('ANY', 'SIDECAR_INBOUND', 'SIDECAR_OUTBOUND', 'GATEWAY', 'WAYPOINT'),
          proxy: object({ proxyVersion: text, metadata: labels }),
          listener: object({
            portNumber: uint,
            portName: text,
            name: text,
            listenerFilter: text,
            filterChain: object({
              name: text,
              sni: text,
              transportProtocol: text,
              transportSocket: text,
              applicationProtocols: text,
              destinationPort: uint,
              filter: filterMatch,
            }),
          }),
          routeConfiguration: object({
            portNumber: uint,
            portName: text,
            gateway: text,
            name: text,
            vhost: object({
              name: text,
              domainName: text,
              route: object({ name: text, action: one('ANY', 'ROUTE', 'REDIRECT', 'DIRECT_RESPONSE') }),
            }),
          }),
          cluster: object({ portNumber: uint, service: text, subset: text, name: text }),
          waypoint: object({ portNumber: uint, filter: filterMatch, route: object({ name: text }) }),
        },
        ['listener', 'routeConfiguration', 'cluster', 'waypoint'],
      ),
      patch: object({
        operation: one(
          'INVALID',
          'MERGE',
          'ADD',
          'REMOVE',
          'INSERT_BEFORE',
          'INSERT_AFTER',
          'INSERT_FIRST',
          'REPLACE',
          'MERGE_AND_REPLACE_LIST',
        ),
        value: any,
        filterClass: one('UNSPECIFIED', 'AUTHN', 'AUTHZ', 'STATS'),
      }),
    }),
  ),
})

/** networking.istio.io: the `spec` of every kind. */
export const networking = {
  VirtualService: virtualService,
  DestinationRule: destinationRule,
  Gateway: gateway,
  ServiceEntry: serviceEntry,
  Sidecar: sidecar,
  WorkloadEntry: workload,
  WorkloadGroup: object({
    metadata: object({ labels, annotations: labels }),
    'template!': workload,
    probe,
  }),
  EnvoyFilter: envoyFilter,
  ProxyConfig: object({
    selector,
    concurrency: int,
    environmentVariables: labels,
    image: object({ imageType: text }),
  }),
}
