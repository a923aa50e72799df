import { featureOf } from '../../config/defaults/features.ts'
import { protoDuration } from '../../model/duration.ts'
import type { OutlierDetection } from '../../model/istio.ts'
import type { OutlierDetection as EnvoyOutlierDetection } from '../../model/xds/cluster.ts'
import { type ClusterDraft, withCluster, withOptions } from './cluster-draft.ts'
import type { PushContext, Service } from './push-context.ts'

/** True when not-ready endpoints are sent for this service whatever its rule says. istio: pilot/pkg/model/service.go ForcesSupportUnhealthyEndpoints. */
export const forcesUnhealthyEndpoints = (push: PushContext, service: Service | undefined): boolean =>
  featureOf(push, 'PILOT_SEND_UNHEALTHY_ENDPOINTS') || service?.trafficDistribution !== undefined

/** True when not-ready endpoints are sent unless the rule objects. istio: pilot/pkg/model/service.go SupportsUnhealthyEndpoints. */
export const supportsUnhealthyEndpoints = (push: PushContext, service: Service | undefined): boolean =>
  featureOf(push, 'PILOT_AUTO_SEND_UNHEALTHY_ENDPOINTS') || forcesUnhealthyEndpoints(push, service)

/** Ejection of hosts that fail, and the panic threshold that goes with it. istio: cluster_traffic_policy.go applyOutlierDetection. */
export function withOutlierDetection(
  push: PushContext,
  draft: ClusterDraft,
  service: Service | undefined,
  outlier: OutlierDetection | undefined,
): ClusterDraft {
  if (!outlier) return draft
  const minHealthPercent = outlier.minHealthPercent ?? 0
  const panic = forcesUnhealthyEndpoints(push, service) ? 0 : minHealthPercent
  const detecting = withCluster(draft, {
    outlierDetection: envoyOutlierDetection(outlier),
    ...(minHealthPercent >= 0
      ? { commonLbConfig: { ...draft.cluster.commonLbConfig, healthyPanicThreshold: { value: panic } } }
      : {}),
  })
  const codes = outlier.outlierDetectionHttpErrorCodes ?? []
  if (codes.length === 0) return detecting
  const rules = codes.map(code => ({
    httpResponseHeadersMatch: { headers: [{ name: ':status', stringMatch: { exact: String(code) } }] },
  }))
  const [only] = rules
  const errorMatcher = rules.length === 1 && only ? only : { orMatch: { rules } }
  return withOptions(detecting, { outlierDetection: { errorMatcher } })
}

/** Success rates are never judged; a count of 0 switches its test off. */
function envoyOutlierDetection(outlier: OutlierDetection): EnvoyOutlierDetection {
  const errors = outlier.consecutive5xxErrors
  const gatewayErrors = outlier.consecutiveGatewayErrors
  const interval = protoDuration(outlier.interval)
  const baseEjectionTime = protoDuration(outlier.baseEjectionTime)
  const percent = outlier.maxEjectionPercent ?? 0
  return {
    enforcingSuccessRate: 0,
    ...(errors === undefined
      ? {}
      : { consecutive5xx: errors, enforcingConsecutive5xx: errors > 0 ? 100 : 0 }),
    ...(gatewayErrors === undefined
      ? {}
      : {
          consecutiveGatewayFailure: gatewayErrors,
          enforcingConsecutiveGatewayFailure: gatewayErrors > 0 ? 100 : 0,
        }),
    ...(interval === undefined ? {} : { interval }),
    ...(baseEjectionTime === undefined ? {} : { baseEjectionTime }),
    ...(percent > 0 ? { maxEjectionPercent: percent } : {}),
    ...(outlier.splitExternalLocalOriginErrors ? localOriginErrors(outlier) : {}),
  }
}

function localOriginErrors(outlier: OutlierDetection): EnvoyOutlierDetection {
  const failures = outlier.consecutiveLocalOriginFailures ?? 0
  return {
    splitExternalLocalOriginErrors: true,
    ...(failures > 0
      ? { consecutiveLocalOriginFailure: failures, enforcingConsecutiveLocalOriginFailure: 100 }
      : {}),
    enforcingLocalOriginSuccessRate: 0,
  }
}
