import { bool, type Fields, int, labels, list, object, one, port, range, text, texts } from './shape.ts'

const selector = object({
  matchLabels: labels,
  matchExpressions: list(object({ 'key!': text, 'operator!': text, values: texts })),
})
const objectRef = object({ group: text, 'kind!': text, 'name!': text, namespace: text })
const secretRef = object({ group: text, kind: text, 'name!': text, namespace: text })
const policyTarget = object({
  'group!': text,
  'kind!': text,
  'name!': text,
  namespace: text,
  sectionName: text,
})
const parentRef = object({ group: text, kind: text, namespace: text, 'name!': text, sectionName: text, port })
const parentRefs = list(parentRef)
const useDefaultGateways = one('All', 'None')

const backend: Fields = { group: text, kind: text, 'name!': text, namespace: text, port }
const backendRef = object(backend)
const weight = range(0, 1_000_000)

const headerValues = list(object({ 'name!': text, 'value!': text }))
const headerModifier = object({ set: headerValues, add: headerValues, remove: texts })
const path = object({
  'type!': one('ReplaceFullPath', 'ReplacePrefixMatch'),
  replaceFullPath: text,
  replacePrefixMatch: text,
})
const mirror = object({
  'backendRef!': backendRef,
  percent: range(0, 100),
  fraction: object({ 'numerator!': range(0, 2 ** 31 - 1), denominator: range(1, 2 ** 31 - 1) }),
})
const extensionRef = object({ 'group!': text, 'kind!': text, 'name!': text })

const httpFilter = object({
  'type!': one(
    'RequestHeaderModifier',
    'ResponseHeaderModifier',
    'RequestMirror',
    'RequestRedirect',
    'URLRewrite',
    'ExtensionRef',
    'CORS',
    'ExternalAuth',
  ),
  requestHeaderModifier: headerModifier,
  responseHeaderModifier: headerModifier,
  requestMirror: mirror,
  requestRedirect: object({
    scheme: one('http', 'https'),
    hostname: text,
    path,
    port,
    statusCode: range(301, 308),
  }),
  urlRewrite: object({ hostname: text, path }),
  cors: object({
    allowOrigins: texts,
    allowCredentials: bool,
    allowMethods: texts,
    allowHeaders: texts,
    exposeHeaders: texts,
    maxAge: int,
  }),
  externalAuth: object({
    'protocol!': one('HTTP', 'GRPC'),
    'backendRef!': backendRef,
    grpc: object({ allowedHeaders: texts }),
    http: object({ path: text, allowedHeaders: texts, allowedResponseHeaders: texts }),
    forwardBody: object({ maxSize: int }),
  }),
  extensionRef,
})
const grpcFilter = object({
  'type!': one('ResponseHeaderModifier', 'RequestHeaderModifier', 'RequestMirror', 'ExtensionRef'),
  requestHeaderModifier: headerModifier,
  responseHeaderModifier: headerModifier,
  requestMirror: mirror,
  extensionRef,
})

const matchType = one('Exact', 'RegularExpression')
const valueMatches = list(object({ type: matchType, 'name!': text, 'value!': text }))
const method = one('GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH')

const sessionPersistence = object({
  sessionName: text,
  absoluteTimeout: text,
  idleTimeout: text,
  type: one('Cookie', 'Header'),
  cookieConfig: object({ lifetimeType: one('Permanent', 'Session') }),
  cookie: object({ lifetimeType: one('Permanent', 'Session'), name: text, path: text }),
  header: object({ 'name!': text }),
})

const httpRoute = object({
  parentRefs,
  useDefaultGateways,
  hostnames: texts,
  rules: list(
    object({
      name: text,
      matches: list(
        object({
          path: object({ type: one('Exact', 'PathPrefix', 'RegularExpression'), value: text }),
          headers: valueMatches,
          queryParams: valueMatches,
          method,
        }),
      ),
      filters: list(httpFilter),
      backendRefs: list(object({ ...backend, weight, filters: list(httpFilter) })),
      timeouts: object({ request: text, backendRequest: text }),
      retry: object({ codes: list(range(400, 599)), attempts: int, backoff: text }),
      sessionPersistence,
    }),
  ),
})

const grpcRoute = object({
  parentRefs,
  useDefaultGateways,
  hostnames: texts,
  rules: list(
    object({
      name: text,
      matches: list(
        object({ method: object({ type: matchType, service: text, method: text }), headers: valueMatches }),
      ),
      filters: list(grpcFilter),
      backendRefs: list(object({ ...backend, weight, filters: list(grpcFilter) })),
      sessionPersistence,
    }),
  ),
})

const l4Rules = list(object({ name: text, backendRefs: list(object({ ...backend, weight })) }))
const l4Route = (more: Fields) => object({ parentRefs, useDefaultGateways, 'rules!': l4Rules, ...more })

const listener: Fields = {
  'name!': text,
  hostname: text,
  'port!': port,
  'protocol!': text,
  tls: object({
    mode: one('Terminate', 'Passthrough'),
    certificateRefs: list(secretRef),
    options: labels,
    frontendValidation: object({ caCertificateRefs: list(secretRef), mode: text }),
  }),
  allowedRoutes: object({
    namespaces: object({ from: one('All', 'Selector', 'Same', 'None'), selector }),
    kinds: list(object({ group: text, 'kind!': text })),
  }),
}
const frontend = object({
  validation: object({
    caCertificateRefs: list(secretRef),
    mode: one('AllowValidOnly', 'AllowInsecureFallback'),
  }),
})

const gateway = object({
  'gatewayClassName!': text,
  listeners: list(object(listener)),
  addresses: list(object({ type: text, value: text })),
  infrastructure: object({ labels, annotations: labels, parametersRef: extensionRef }),
  allowedListeners: object({
    namespaces: object({ from: one('All', 'Selector', 'Same', 'None'), selector }),
  }),
  defaultScope: one('All', 'None'),
  tls: object({
    backend: object({ clientCertificateRef: secretRef }),
    frontend: object({ default: frontend, perPort: list(object({ 'port!': port, tls: frontend })) }),
  }),
})

const listenerSet = object({
  'parentRef!': parentRef,
  'listeners!': list(object({ ...listener, 'port!': range(0, 65_535) })),
})
const retryConstraint = object({
  budget: object({ interval: text, percent: range(0, 100) }),
  minRetryRate: object({ interval: text, count: range(1, 1_000_000) }),
})
const backendTrafficPolicy = object({
  'targetRefs!': list(policyTarget),
  retryConstraint,
  sessionPersistence,
})

const tlsValidation = object({
  caCertificateRefs: list(extensionRef),
  wellKnownCACertificates: text,
  'hostname!': text,
  subjectAltNames: list(object({ 'type!': one('Hostname', 'URI'), hostname: text, uri: text })),
})

/** The `spec` of every kind of Gateway API, by the name under which the tree files it. Fields that later versions dropped stay readable. */
export const gatewayApi = {
  KubernetesGateway: gateway,
  GatewayClass: object({ 'controllerName!': text, parametersRef: objectRef, description: text }),
  HTTPRoute: httpRoute,
  GRPCRoute: grpcRoute,
  TLSRoute: l4Route({ hostnames: texts }),
  TCPRoute: l4Route({}),
  UDPRoute: l4Route({}),
  ReferenceGrant: object({
    'from!': list(object({ 'group!': text, 'kind!': text, 'namespace!': text })),
    'to!': list(object({ 'group!': text, 'kind!': text, name: text })),
  }),
  BackendTLSPolicy: object({
    'targetRefs!': list(policyTarget),
    'validation!': tlsValidation,
    options: labels,
  }),
  BackendLBPolicy: backendTrafficPolicy,
  ListenerSet: listenerSet,
  XListenerSet: listenerSet,
  XBackendTrafficPolicy: backendTrafficPolicy,
  XBackend: object({
    'type!': one('ExternalHostname'),
    externalHostname: object({ 'hostname!': text }),
    'port!': object({ name: text, 'port!': port }),
    protocol: one('TCP', 'HTTP', 'HTTP2', 'HTTP11', 'H2C', 'MCP'),
    tls: object({
      'mode!': one('None', 'ServerOnly', 'ClientAndServer'),
      clientCertificateRef: secretRef,
      validation: tlsValidation,
    }),
  }),
  XMesh: object({ 'controllerName!': text, parametersRef: objectRef, description: text }),
  InferencePool: object({
    'selector!': object({ matchLabels: labels }),
    targetPorts: list(object({ 'number!': port })),
    endpointPickerRef: object({
      group: text,
      kind: text,
      'name!': text,
      port: object({ number: port }),
      failureMode: one('FailOpen', 'FailClose'),
    }),
  }),
}
