import { describe, expect, it } from 'vitest'
import { corporaFolder } from './corpus.ts'
import { judgeAll, rowOf } from './score.ts'
import { casesOfCorpus } from './scoreboard.ts'

/** Shares that must not be lost again. They only ever grow. */
const FLOORS: Readonly<Record<string, number>> = {
  'envoy-router-check': 1,
  'istio-analyzers': 1,
  'istio-authz-builder': 1,
  'istio-crd-validation': 1,
  'istio-inbound-clusters': 1,
  'istio-inject': 0.8,
  'istio-iptables': 0.95,
  'istio-it-reachability': 1,
  'istio-it-security': 0.98,
  'istio-sidecar-routes': 1,
  'istio-it-traffic': 0.75,
  'istio-simulation': 0.92,
  'tables/istio-authn-policies': 0.8,
  'tables/istio-ingress-conv': 1,
  'tables/istio-jwt-filter': 0.9,
  'tables/istio-peerauthn-compose': 1,
  'tables/istio-protocol-detect': 1,
  'tables/istio-telemetry': 0.93,
  'tables/istio-trustdomain': 1,
}

const folder = corporaFolder()

describe('the oracles', () => {
  it.skipIf(folder === undefined).each(Object.entries(FLOORS))(
    '%s agrees with the real one in a share of at least %d',
    (name, floor) => {
      const judged = judgeAll(casesOfCorpus(folder ?? '', name))
      const row = rowOf(name, judged)
      const failing = judged
        .filter(each => !('passed' in each.verdict && each.verdict.passed))
        .map(each => each.id)
      expect(row.score, `fails: ${failing.slice(0, 20).join(', ')}`).toBeGreaterThanOrEqual(floor)
    },
  )

  it.skipIf(folder !== undefined)('are skipped: ../shared/corpora is not here', () => {})
})
