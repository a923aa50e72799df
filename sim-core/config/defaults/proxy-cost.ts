/** CPU that one Envoy worker spends on each piece of work, in microseconds; `topology.proxyCost` replaces it. Simplified: the size of a body costs nothing, and a handshake costs time and no CPU of the worker. */
export interface ProxyCost {
  /** Accepting a connection: accept, original destination, listener hand-off. */
  readonly accept: number
  /** tls_inspector and http_inspector, filter chain match. */
  readonly inspect: number
  /** Reading, decrypting and parsing a request; a stream, header rules. */
  readonly requestParse: number
  /** Virtual host and route match, trace sampling. */
  readonly route: number
  /** One native HTTP filter in one direction. */
  readonly filter: number
  /** One RBAC policy rule evaluated. */
  readonly rbacRule: number
  /** Verifying one token, RS256. */
  readonly jwtVerify: number
  /** Crossing into a Wasm or Lua filter once. */
  readonly extension: number
  /** Load balancing, circuit breakers, pool. */
  readonly pick: number
  /** Encoding, encrypting and writing the request upstream. */
  readonly requestWrite: number
  /** Dialling an upstream connection. */
  readonly connect: number
  /** Reading, decrypting and parsing the response. */
  readonly responseParse: number
  /** Response filters, encrypting and writing the response. */
  readonly responseWrite: number
  /** istio.stats and access log, after the answer has left. */
  readonly telemetry: number
}

/**
 * Envoy as Istio's performance page measures it: 0.20 vCPU per 1,000 requests/s, so 200 µs per request and sidecar: 100 for the request half, 80 for the response half, 20 of telemetry after it.
 * Proportions between the parts: estimates of the walk-through of one request, scaled to that sum. istio.io: ops/deployment/performance-and-scalability, release 1.24.
 */
export const istioProxyCost: ProxyCost = {
  accept: 19,
  inspect: 10,
  requestParse: 38,
  route: 6,
  filter: 0.5,
  rbacRule: 0.5,
  jwtVerify: 40,
  extension: 5,
  pick: 9,
  requestWrite: 43,
  connect: 40,
  responseParse: 34,
  responseWrite: 42,
  telemetry: 20,
}

/** Nothing costs anything: queues and waits alone, for exact arithmetic. */
export const freeProxyCost: ProxyCost = {
  accept: 0,
  inspect: 0,
  requestParse: 0,
  route: 0,
  filter: 0,
  rbacRule: 0,
  jwtVerify: 0,
  extension: 0,
  pick: 0,
  requestWrite: 0,
  connect: 0,
  responseParse: 0,
  responseWrite: 0,
  telemetry: 0,
}

/** Names of presets, as `topology.proxyCost` may say. */
export const proxyCostNames = ['istio-docs-1.24', 'free'] as const

/** The name of a preset. */
export type ProxyCostName = (typeof proxyCostNames)[number]

/** Presets by name. */
export const proxyCosts: Readonly<Record<ProxyCostName, ProxyCost>> = {
  'istio-docs-1.24': istioProxyCost,
  free: freeProxyCost,
}
