import { describe, expect, it } from 'vitest'
import { type MetricSubject, metricLabels, metricNames } from '../../sim-core/telemetry/istio-metrics.ts'

const subject: MetricSubject = {
  reporter: 'destination',
  source: undefined,
  destination: {
    workload: 'cart-v1',
    namespace: 'shop',
    labels: { app: 'cart' },
    principal: '',
    cluster: 'Kubernetes',
  },
  service: { host: 'cart.shop.svc.cluster.local', name: 'cart', namespace: 'shop' },
  protocol: 'http',
  responseCode: 503,
  grpcStatus: undefined,
  flags: 'UF',
  isMutualTls: true,
}

describe('metricLabels', () => {
  it('calls a peer without metadata unknown', () => {
    expect(metricLabels(subject)).toMatchObject({
      source_workload: 'unknown',
      source_app: 'unknown',
      destination_app: 'cart',
    })
  })

  it('falls back from canonical labels to app and latest', () => {
    expect(metricLabels(subject)).toMatchObject({
      destination_canonical_service: 'cart',
      destination_canonical_revision: 'latest',
    })
  })

  it('lets only the server say how the connection was secured', () => {
    expect(metricLabels(subject)['connection_security_policy']).toBe('mutual_tls')
    expect(metricLabels({ ...subject, reporter: 'source' })['connection_security_policy']).toBe('unknown')
  })

  it('has no response code for opaque TCP', () => {
    expect(metricLabels({ ...subject, protocol: 'tcp' })).not.toHaveProperty('response_code')
    expect(metricNames('tcp')).toContain('istio_tcp_connections_opened_total')
  })
})
