/** A flag of istiod: its name in the Go code (`features.X`), what it is unless the environment says otherwise, and where that is written. */
interface Flag<T> {
  readonly go: string
  readonly default: T
  readonly source: string
}

const pilot = 'istio: pilot/pkg/features/pilot.go'
const experimental = 'istio: pilot/pkg/features/experimental.go'
const tuning = 'istio: pilot/pkg/features/tuning.go'
const telemetry = 'istio: pilot/pkg/features/telemetry.go'
const security = 'istio: pilot/pkg/features/security.go'
const xds = 'istio: pilot/pkg/features/xds.go'

function flag(go: string, value: boolean, source: string): Flag<boolean>
function flag(go: string, value: number, source: string): Flag<number>
function flag(go: string, value: string, source: string): Flag<string>
function flag(go: string, value: boolean | number | string, source: string): Flag<boolean | number | string> {
  return { go, default: value, source }
}

/** Every flag of istiod that the engine asks for, by its name in the environment. Durations are text such as `100ms`. */
const flags = {
  PILOT_HTTP10: flag('HTTP10', false, pilot),
  PILOT_SCOPE_GATEWAY_TO_NAMESPACE: flag('ScopeGatewayToNamespace', false, pilot),
  PILOT_JWT_ENABLE_REMOTE_JWKS: flag('JwksFetchMode', 'false', pilot),
  CLUSTER_ID: flag('ClusterName', 'Kubernetes', pilot),
  PILOT_DNS_CARES_UDP_MAX_QUERIES: flag('PilotDNSCaresUDPMaxQueries', 100, pilot),
  PILOT_DNS_JITTER_DURATION: flag('PilotDNSJitterDurationEnv', '100ms', pilot),
  PILOT_ENABLE_SERVICEENTRY_SELECT_PODS: flag('EnableServiceEntrySelectPods', true, pilot),
  PILOT_ENABLE_K8S_SELECT_WORKLOAD_ENTRIES: flag('EnableK8SServiceSelectWorkloadEntries', true, pilot),
  PILOT_DISABLE_MX_ALPN: flag('DisableMxALPN', false, pilot),
  PILOT_ENABLE_ALPN_FILTER: flag('ALPNFilter', true, pilot),
  PILOT_WORKLOAD_ENTRY_GRACE_PERIOD: flag('WorkloadEntryCleanupGracePeriod', '10s', pilot),
  PILOT_ENABLE_IP_AUTOALLOCATE: flag('EnableIPAutoallocate', true, pilot),
  PILOT_ENABLE_ROUTE_COLLAPSE_OPTIMIZATION: flag('EnableRouteCollapse', true, pilot),
  PILOT_ENABLE_HEADLESS_FILTER_CHAIN_LISTENER: flag('EnableHeadlessFilterChainListener', false, pilot),
  RESOLVE_HOSTNAME_GATEWAYS: flag('ResolveHostnameGateways', true, pilot),
  LABEL_CANONICAL_SERVICES_FOR_MESH_EXTERNAL_SERVICE_ENTRIES: flag(
    'CanonicalServiceForMeshExternalServiceEntry',
    false,
    pilot,
  ),
  ENABLE_SELECTOR_BASED_K8S_GATEWAY_POLICY: flag('EnableSelectorBasedK8sGatewayPolicy', true, pilot),
  PILOT_ALLOW_ANY_DYNAMIC_DNS_MAX_HOSTS: flag('AllowAnyDynamicDNSMaxHosts', 1024, pilot),
  PREFER_DESTINATIONRULE_TLS_FOR_EXTERNAL_SERVICES: flag(
    'PreferDestinationRulesTLSForExternalServices',
    true,
    pilot,
  ),
  MAX_CONNECTIONS_PER_SOCKET_EVENT_LOOP: flag('MaxConnectionsToAcceptPerSocketEvent', 1, pilot),
  PILOT_ENABLE_ABSOLUTE_FQDN_VHOST_DOMAIN: flag('EnableAbsoluteFqdnVhostDomain', true, pilot),
  PILOT_ENABLE_STRICT_GATEWAY_MERGING: flag('EnableStrictGatewayMerging', true, pilot),
  ENABLE_NATIVE_SIDECARS: flag('EnableNativeSidecars', 'auto', pilot),
  DISABLE_SHADOW_HOST_SUFFIX: flag('DisableShadowHostSuffix', true, pilot),
  DISABLE_TRACK_REMAINING_CB_METRICS: flag('DisableTrackRemainingMetrics', true, pilot),
  PILOT_GATEWAY_TRANSPORT_SOCKET_CONNECT_TIMEOUT: flag('GatewayTransportSocketConnectTimeout', '15s', pilot),
  PILOT_SIDECAR_PICK_BEST_SERVICE_NAMESPACE: flag('SidecarPickBestServiceNamespace', true, pilot),
  PILOT_FILTER_GATEWAY_CLUSTER_CONFIG: flag('FilterGatewayClusterConfig', false, experimental),
  PILOT_AUTO_SEND_UNHEALTHY_ENDPOINTS: flag('DefaultSendUnhealthyEndpoints', true, experimental),
  PILOT_SEND_UNHEALTHY_ENDPOINTS: flag('GlobalSendUnhealthyEndpoints', false, experimental),
  PILOT_ENABLE_PERSISTENT_SESSION_FILTER: flag('EnablePersistentSessionFilter', false, experimental),
  PILOT_PERSISTENT_SESSION_LABEL: flag('PersistentSessionLabel', 'istio.io/persistent-session', experimental),
  PILOT_PERSISTENT_SESSION_HEADER_LABEL: flag(
    'PersistentSessionHeaderLabel',
    'istio.io/persistent-session-header',
    experimental,
  ),
  PILOT_DRAINING_LABEL: flag('DrainingLabel', 'istio.io/draining', experimental),
  PILOT_ENABLE_GATEWAY_API: flag('EnableGatewayAPI', true, experimental),
  PILOT_ENABLE_ALPHA_GATEWAY_API: flag('EnableAlphaGatewayAPI', false, experimental),
  ISTIO_DELTA_XDS: flag('DeltaXds', true, experimental),
  PILOT_ENABLE_QUIC_LISTENERS: flag('EnableQUICListeners', false, experimental),
  ENABLE_TLS_ON_SIDECAR_INGRESS: flag('EnableTLSOnSidecarIngress', false, experimental),
  ENABLE_HCM_INTERNAL_NETWORKS: flag('EnableHCMInternalNetworks', false, experimental),
  PILOT_ALLOW_SIDECAR_SERVICE_INBOUND_LISTENER_MERGE: flag(
    'EnableSidecarServiceInboundListenerMerge',
    false,
    experimental,
  ),
  ISTIO_DUAL_STACK: flag('EnableDualStack', false, experimental),
  ENABLE_100_CONTINUE_HEADERS: flag('Enable100ContinueHeaders', true, experimental),
  ENABLE_LOCALITY_WEIGHTED_LB_CONFIG: flag('EnableLocalityWeightedLbConfig', false, experimental),
  ENABLE_ENHANCED_DESTINATIONRULE_MERGE: flag('EnableEnhancedDestinationRuleMerge', true, experimental),
  PILOT_UNIFIED_SIDECAR_SCOPE: flag('UnifiedSidecarScoping', true, experimental),
  ENABLE_WILDCARD_HOST_SERVICE_ENTRIES_FOR_TLS: flag(
    'EnableWildcardHostServiceEntriesForTLS',
    false,
    experimental,
  ),
  PILOT_SKIP_VALIDATE_TRUST_DOMAIN: flag('SkipValidateTrustDomain', false, security),
  PILOT_ENABLE_MULTIPLE_CUSTOM_AUTHZ_PROVIDERS: flag('EnableMultipleCustomAuthzProviders', false, security),
  PILOT_TRACE_SAMPLING: flag('TraceSampling', 1, telemetry),
  PILOT_ENABLE_TELEMETRY_LABEL: flag('EnableTelemetryLabel', true, telemetry),
  PILOT_ENDPOINT_TELEMETRY_LABEL: flag('EndpointTelemetryLabel', true, telemetry),
  PILOT_ENABLE_METADATA_EXCHANGE: flag('MetadataExchange', true, telemetry),
  PILOT_PUSH_THROTTLE: flag('PushThrottle', 0, tuning),
  PILOT_MAX_REQUESTS_PER_SECOND: flag('RequestLimit', 0, tuning),
  PILOT_DEBOUNCE_AFTER: flag('DebounceAfter', '100ms', tuning),
  PILOT_DEBOUNCE_MAX: flag('DebounceMax', '10s', tuning),
  PILOT_ENABLE_EDS_DEBOUNCE: flag('EnableEDSDebounce', true, tuning),
  PILOT_ENABLE_MYSQL_FILTER: flag('EnableMysqlFilter', false, xds),
  PILOT_ENABLE_REDIS_FILTER: flag('EnableRedisFilter', false, xds),
  PILOT_ENABLE_MONGO_FILTER: flag('EnableMongoFilter', true, xds),
  PILOT_SIDECAR_USE_REMOTE_ADDRESS: flag('UseRemoteAddress', false, xds),
  PILOT_ENABLE_EDS_FOR_HEADLESS_SERVICES: flag('EnableEDSForHeadless', false, xds),
} as const

/** The name of a flag of istiod, as its environment spells it. */
export type FlagName = keyof typeof flags
/** What a flag holds: text, a number or a truth value, as its default does. */
export type FlagValue<Name extends FlagName> = (typeof flags)[Name]['default']

type Features = Readonly<Record<string, string>>

/** A flag's value: what the environment says, else its default. */
export function featureOf<Name extends FlagName>(
  push: { readonly features: Features },
  name: Name,
): FlagValue<Name> {
  return valueOf(push.features[name], flags[name].default) as FlagValue<Name>
}

function valueOf(text: string | undefined, fallback: boolean | number | string): boolean | number | string {
  if (text === undefined) return fallback
  if (typeof fallback === 'boolean') return text === 'true' || text === '1'
  return typeof fallback === 'number' ? Number(text) : text
}

const byGoName: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(flags).map(([env, { go }]) => [go, env]),
)

/** Flags as their environment names, whether they were given as `PILOT_HTTP10`, `HTTP10` or `features.HTTP10`. */
export function normalizeFeatures(given: Readonly<Record<string, unknown>>): Features {
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => {
      const short = name.startsWith('features.') ? name.slice('features.'.length) : name
      return [byGoName[short] ?? short, String(value)]
    }),
  )
}
