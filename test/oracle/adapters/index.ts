import type { Adapter } from '../corpus.ts'
import { envoyRouterCheck } from './envoy-router-check.ts'
import { istioAnalyzers } from './istio-analyzers.ts'
import { istioAuthzBuilder } from './istio-authz-builder.ts'
import { istioGatewayapiConversion } from './istio-gatewayapi-conversion.ts'
import { istioInboundClusters } from './istio-inbound-clusters.ts'
import { istioInject } from './istio-inject.ts'
import { istioIptables } from './istio-iptables.ts'
import { istioSidecarRoutes } from './istio-sidecar-routes.ts'
import { istioSimulation } from './istio-simulation.ts'
import { istioCrdValidation, istioValidation } from './istio-validation.ts'
import { gatewayConformance } from './mesh/gateway-conformance.ts'
import { istioIntegration } from './mesh/integration.ts'
import { istioTelemetry as istioTelemetryIt } from './mesh/telemetry.ts'
import { istioAuthnPolicies } from './tables/authentication.ts'
import { istioCluster } from './tables/clusters.ts'
import {
  istioLocalityLb,
  istioOutlierEds,
  istioServiceentryConv,
  istioSidecarScope,
  pushContextJudges,
} from './tables/discovery.ts'
import { istioGatewayCore, istioGatewayModel } from './tables/gateways.ts'
import { istioIngressConv } from './tables/ingress.ts'
import { istioHostMatch, istioProtocolDetect, istioStatPrefix, istioTrustdomain } from './tables/names.ts'
import { outboundJudges } from './tables/outbound.ts'
import { istioEnvoyfilterPatch } from './tables/patches.ts'
import { istioAuthzModel, istioAuthzSelect } from './tables/policies.ts'
import { istioProxyconfig } from './tables/proxy-config.ts'

/** One adapter per corpus. */
import {
  istioHttprouteVhosts,
  istioRetry,
  istioRouteBuild,
  istioRouteInternal,
  istioVirtualserviceMerge,
} from './tables/routing.ts'
import { istioAuthzMatcher, istioJwtFilter, istioPeerauthnCompose } from './tables/security.ts'
import { table } from './tables/table.ts'
import { istioTelemetry } from './tables/telemetry.ts'

export const adapters: Readonly<Record<string, Adapter>> = {
  'envoy-router-check': envoyRouterCheck,
  'gateway-api-conformance': gatewayConformance,
  'istio-analyzers': istioAnalyzers,
  'istio-authz-builder': istioAuthzBuilder,
  'istio-crd-validation': istioCrdValidation,
  'istio-gatewayapi-conversion': istioGatewayapiConversion,
  'istio-inbound-clusters': istioInboundClusters,
  'istio-inject': istioInject,
  'istio-iptables': istioIptables,
  'istio-it-reachability': istioIntegration,
  'istio-it-security': istioIntegration,
  'istio-it-traffic': istioIntegration,
  'istio-sidecar-routes': istioSidecarRoutes,
  'istio-simulation': istioSimulation,
  'tables/istio-authn-policies': istioAuthnPolicies,
  'istio-telemetry-it': istioTelemetryIt,
  'tables/istio-authz-matcher': istioAuthzMatcher,
  'tables/istio-authz-model': istioAuthzModel,
  'tables/istio-authz-select': istioAuthzSelect,
  'tables/istio-cluster': istioCluster,
  'tables/istio-envoyfilter-patch': istioEnvoyfilterPatch,
  'tables/istio-gateway-core': istioGatewayCore,
  'tables/istio-gateway-model': istioGatewayModel,
  'tables/istio-host-match': istioHostMatch,
  'tables/istio-httproute-vhosts': istioHttprouteVhosts,
  'tables/istio-ingress-conv': istioIngressConv,
  'tables/istio-jwt-filter': istioJwtFilter,
  'tables/istio-listener': table(outboundJudges),
  'tables/istio-locality-lb': istioLocalityLb,
  'tables/istio-outlier-eds': istioOutlierEds,
  'tables/istio-peerauthn-compose': istioPeerauthnCompose,
  'tables/istio-protocol-detect': istioProtocolDetect,
  'tables/istio-push-context': table(pushContextJudges),
  'tables/istio-proxyconfig': istioProxyconfig,
  'tables/istio-retry': istioRetry,
  'tables/istio-route-build': istioRouteBuild,
  'tables/istio-route-internal': istioRouteInternal,
  'tables/istio-serviceentry-conv': istioServiceentryConv,
  'tables/istio-sidecar-scope': istioSidecarScope,
  'tables/istio-stat-prefix': istioStatPrefix,
  'tables/istio-telemetry': istioTelemetry,
  'tables/istio-trustdomain': istioTrustdomain,
  'tables/istio-validation': istioValidation,
  'tables/istio-virtualservice-merge': istioVirtualserviceMerge,
}

/** Why a corpus has no adapter. */
export const MISSING: Readonly<Record<string, string>> = {}
