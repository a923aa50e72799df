import { targets } from './istio-networking.ts'
import {
  any,
  bool,
  double,
  duration,
  type Fields,
  int,
  list,
  map,
  object,
  one,
  port,
  text,
  texts,
} from './shape.ts'

const peerMtls = object({ mode: one('UNSET', 'DISABLE', 'PERMISSIVE', 'STRICT') })

const source = object({
  principals: texts,
  notPrincipals: texts,
  requestPrincipals: texts,
  notRequestPrincipals: texts,
  namespaces: texts,
  notNamespaces: texts,
  serviceAccounts: texts,
  notServiceAccounts: texts,
  trustDomains: texts,
  notTrustDomains: texts,
  ipBlocks: texts,
  notIpBlocks: texts,
  remoteIpBlocks: texts,
  notRemoteIpBlocks: texts,
})
const operation = object({
  hosts: texts,
  notHosts: texts,
  ports: texts,
  notPorts: texts,
  methods: texts,
  notMethods: texts,
  paths: texts,
  notPaths: texts,
})
const rule = object({
  from: list(object({ source })),
  to: list(object({ operation })),
  when: list(object({ 'key!': text, values: texts, notValues: texts })),
})

const jwtRule = object({
  issuer: text,
  audiences: texts,
  jwksUri: text,
  jwks_uri: text,
  jwks: text,
  fromHeaders: list(object({ 'name!': text, prefix: text })),
  fromParams: texts,
  fromCookies: texts,
  outputPayloadToHeader: text,
  forwardOriginalToken: bool,
  outputClaimToHeaders: list(object({ 'header!': text, 'claim!': text })),
  timeout: duration,
  spaceDelimitedClaims: texts,
  presence: one('OPTIONAL', 'REQUIRED'),
})

/** security.istio.io: the `spec` of every kind. */
export const security = {
  AuthorizationPolicy: object({
    ...targets,
    rules: list(rule),
    action: one('ALLOW', 'DENY', 'AUDIT', 'CUSTOM'),
    provider: object({ name: text }),
  }),
  PeerAuthentication: object({
    selector: targets.selector ?? any,
    mtls: peerMtls,
    portLevelMtls: map(peerMtls),
  }),
  RequestAuthentication: object({ ...targets, jwtRules: list(jwtRule) }),
}

const mode = one('CLIENT_AND_SERVER', 'CLIENT', 'SERVER')
const providers = list(object({ 'name!': text }))
const telemetry = object({
  ...targets,
  tracing: list(
    object({
      match: object({ mode }),
      providers,
      randomSamplingPercentage: double,
      disableSpanReporting: bool,
      disableContextPropagation: bool,
      enableIstioTags: bool,
      useRequestIdForTraceSampling: bool,
      customTags: map(
        object(
          {
            literal: object({ 'value!': text }),
            environment: object({ 'name!': text, defaultValue: text }),
            header: object({ 'name!': text, defaultValue: text }),
            formatter: object({ 'value!': text }),
          },
          ['literal', 'environment', 'header', 'formatter'],
        ),
      ),
    }),
  ),
  metrics: list(
    object({
      providers,
      reportingInterval: duration,
      overrides: list(
        object({
          match: object(
            {
              metric: one(
                'ALL_METRICS',
                'REQUEST_COUNT',
                'REQUEST_DURATION',
                'REQUEST_SIZE',
                'RESPONSE_SIZE',
                'TCP_OPENED_CONNECTIONS',
                'TCP_CLOSED_CONNECTIONS',
                'TCP_SENT_BYTES',
                'TCP_RECEIVED_BYTES',
                'GRPC_REQUEST_MESSAGES',
                'GRPC_RESPONSE_MESSAGES',
              ),
              customMetric: text,
              mode,
            },
            ['metric', 'customMetric'],
          ),
          disabled: bool,
          tagOverrides: map(object({ operation: one('UPSERT', 'REMOVE'), value: text })),
        }),
      ),
    }),
  ),
  accessLogging: list(
    object({ match: object({ mode }), providers, disabled: bool, filter: object({ expression: text }) }),
  ),
})

/** What WasmPlugin and TrafficExtension say about the module. */
const wasm: Fields = {
  'url!': text,
  sha256: text,
  imagePullPolicy: one('UNSPECIFIED_POLICY', 'IfNotPresent', 'Always'),
  imagePullSecret: text,
  verificationKey: text,
  pluginConfig: any,
  pluginName: text,
  failStrategy: one('FAIL_CLOSE', 'FAIL_OPEN', 'FAIL_RELOAD'),
  type: one('UNSPECIFIED_PLUGIN_TYPE', 'HTTP', 'NETWORK'),
  vmConfig: object({
    env: list(object({ 'name!': text, value: text, valueFrom: one('INLINE', 'HOST') })),
  }),
}
const match = list(
  object({
    mode: one('UNDEFINED', 'CLIENT', 'SERVER', 'CLIENT_AND_SERVER'),
    ports: list(object({ 'number!': port })),
  }),
)

/** telemetry.istio.io and extensions.istio.io: the `spec` of every kind. */
export const extensions = {
  Telemetry: telemetry,
  WasmPlugin: object({
    ...targets,
    ...wasm,
    match,
    phase: one('UNSPECIFIED_PHASE', 'AUTHN', 'AUTHZ', 'STATS'),
    priority: int,
  }),
  TrafficExtension: object(
    {
      ...targets,
      match,
      phase: one('UNSPECIFIED', 'AUTHN', 'AUTHZ', 'STATS'),
      priority: int,
      wasm: object(wasm),
      lua: object({ 'inlineCode!': text }),
    },
    ['wasm', 'lua'],
  ),
}
