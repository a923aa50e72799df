/** Field → type, for every kind of thing that expressions speak of. `int` is a whole number, `double` any; what a thing lacks reads as empty, 0 or false. */
export const types = {
  Request: {
    traffic: 'string',
    n: 'int',
    label: 'string',
    kind: 'string',
    from: 'string',
    url: 'string',
    method: 'string',
    headers: 'map<string, string>',
    ok: 'bool',
    attempts: 'int',
    durationMs: 'double',
    status: 'int',
    response: 'Response',
  },
  Response: {
    name: 'string',
    outcome: 'string',
    stoppedAt: 'string',
    status: 'int',
    grpcStatus: 'int',
    flags: 'list<string>',
    details: 'string',
    body: 'string',
    attempts: 'int',
    durationNs: 'int',
    reached: 'Party',
    client: 'Decisions',
    gateway: 'Decisions',
    waypoint: 'Decisions',
    server: 'Decisions',
    tls: 'Tls',
    authz: 'Authz',
    jwt: 'Jwt',
    mirrored: 'list<string>',
    requestAtApp: 'AppRequest',
    response: 'AppResponse',
    shares: 'map<string, dyn>',
    because: 'list<Because>',
  },
  Party: { namespace: 'string', workload: 'string', pod: 'string', port: 'int' },
  Decisions: {
    listener: 'string',
    filterChain: 'string',
    routeConfig: 'string',
    virtualHost: 'string',
    route: 'string',
    cluster: 'string',
    endpoint: 'string',
  },
  Tls: { mode: 'string', sni: 'string', alpn: 'string', peer: 'string', error: 'string' },
  Authz: { action: 'string', policy: 'string', rule: 'string' },
  Jwt: { issuer: 'string', subject: 'string' },
  AppRequest: { method: 'string', path: 'string', host: 'string', headers: 'map<string, string>' },
  AppResponse: { headers: 'map<string, string>' },
  Because: {
    at: 'string',
    code: 'string',
    facts: 'map<string, dyn>',
    file: 'string',
    line: 'int',
    column: 'int',
  },
  Attempt: { number: 'int', cluster: 'string', endpoint: 'string', status: 'int', flags: 'list<string>' },
  Connection: {
    client: 'Party',
    server: 'Party',
    protocol: 'string',
    phase: 'string',
    tls: 'Tls',
    requests: 'int',
  },
  Workload: {
    namespace: 'string',
    name: 'string',
    replicas: 'int',
    ready: 'int',
    restarts: 'int',
    inboundMtlsShare: 'double',
    outboundMtlsShare: 'double',
  },
  Pod: {
    namespace: 'string',
    name: 'string',
    workload: 'string',
    phase: 'string',
    ready: 'bool',
    ip: 'string',
    node: 'string',
    zone: 'string',
    restarts: 'int',
    labels: 'map<string, string>',
  },
  Endpoint: {
    pod: 'string',
    address: 'string',
    zone: 'string',
    healthy: 'bool',
    ejectedBy: 'list<string>',
    active: 'int',
  },
  Cluster: {
    name: 'string',
    endpoints: 'int',
    healthy: 'int',
    ejected: 'int',
    panic: 'bool',
    active: 'int',
    pending: 'int',
  },
  Proxy: {
    pod: 'string',
    synced: 'bool',
    connected: 'bool',
    ready: 'bool',
    version: 'int',
    nacks: 'int',
    drained: 'bool',
    certificateExpiresMs: 'double',
  },
  Hop: {
    at: 'string',
    component: 'string',
    startMs: 'double',
    durationMs: 'double',
    code: 'string',
    facts: 'map<string, dyn>',
    file: 'string',
    line: 'int',
  },
  Window: { of: 'string' },
} as const satisfies Readonly<Record<string, Readonly<Record<string, string>>>>

/** A kind of thing. */
export type TypeName = keyof typeof types

/** Where an expression stands: what it may speak of follows from it. `check` stands for labs, `expr` and the palette. */
export type On = 'request' | 'attempt' | 'connection' | 'state' | 'check'

/** The variables of each place. `param` is everywhere. */
export const variables: Readonly<Record<On, Readonly<Record<string, string>>>> = {
  request: { request: 'Request', response: 'Response' },
  attempt: { request: 'Request', response: 'Response', attempt: 'Attempt' },
  connection: { connection: 'Connection' },
  state: { now: 'double' },
  check: {
    request: 'Request',
    response: 'Response',
    attempt: 'Attempt',
    connection: 'Connection',
    now: 'double',
    requests: 'list<Request>',
    connections: 'list<Connection>',
  },
}

/** Functions of `state` and `check`: signature, and what it says. */
export const stateFunctions = {
  workload: ['workload(string): Workload', 'NS/WORKLOAD.'],
  pod: ['pod(string): Pod', 'NS/WORKLOAD@N or a pod’s own name.'],
  endpoint: ['endpoint(string): Endpoint', 'A pod as its callers’ proxies see it.'],
  cluster: ['cluster(string): Cluster', 'A service, or an Envoy cluster by its name.'],
  clients: ['clients(string): list<string>', 'Pods whose proxies know this service.'],
  proxy: ['proxy(string): Proxy', 'The proxy of a pod.'],
  baseline: [
    'baseline(string): double',
    'Goodput of a traffic after warm-up, before the first entry of the timeline, per second.',
  ],
} as const

/** Functions of `check` alone. */
export const checkFunctions = {
  probe: ['probe(map): Response', "One request on a copy of the world now: {'from': …, 'url': …}."],
  hops: ['hops(Request): list<Hop>', 'The steps of a request.'],
  config: ['config(string, string): dyn', 'A resource by kind and [NS/]NAME.'],
} as const

/** Methods of `window('10s')`, which looks back from now. */
export const windowMethods = {
  goodput: ['Window.goodput(string): double', 'Successful requests of a traffic per second.'],
  share: ['Window.share(map): double', 'Share of requests that have these labels, 0 to 1.'],
} as const
