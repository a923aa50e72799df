import type { Adapter } from '../corpus.ts'
import { envoyRouterCheck } from './envoy-router-check.ts'
import { istioAuthzBuilder } from './istio-authz-builder.ts'
import { istioInboundClusters } from './istio-inbound-clusters.ts'
import { istioInject } from './istio-inject.ts'
import { istioSidecarRoutes } from './istio-sidecar-routes.ts'
import { istioSimulation } from './istio-simulation.ts'
import { istioCrdValidation, istioValidation } from './istio-validation.ts'

/** One adapter per corpus. */
export const adapters: Readonly<Record<string, Adapter>> = {
  'envoy-router-check': envoyRouterCheck,
  'istio-authz-builder': istioAuthzBuilder,
  'istio-crd-validation': istioCrdValidation,
  'istio-inbound-clusters': istioInboundClusters,
  'istio-inject': istioInject,
  'istio-sidecar-routes': istioSidecarRoutes,
  'istio-simulation': istioSimulation,
  'tables/istio-validation': istioValidation,
}

/** Why a corpus has no adapter. */
export const MISSING: Readonly<Record<string, string>> = {}
