import { describe, expect, it } from 'vitest'
import { buildHttpConnectionManager } from '../../../sim-core/istiod/compile/http-connection-manager.ts'
import { aProxy, aPush } from './a-push.ts'

const names = (features: Record<string, string>, options: Parameters<typeof buildHttpConnectionManager>[2]) =>
  buildHttpConnectionManager(aPush({ features }), aProxy(), options).httpFilters?.map(each => each.name)

describe('buildHttpConnectionManager', () => {
  it('orders a client sidecar as Istio does, router last', () => {
    expect(names({}, { class: 'SidecarOutbound', statPrefix: 'outbound_0.0.0.0_80', rds: '80' })).toEqual([
      'istio.metadata_exchange',
      'envoy.filters.http.grpc_stats',
      'istio.alpn',
      'envoy.filters.http.fault',
      'envoy.filters.http.cors',
      'istio.stats',
      'envoy.filters.http.router',
    ])
  })

  it('has no ALPN filter inbound', () => {
    expect(names({}, { class: 'SidecarInbound', statPrefix: 'inbound_0.0.0.0_80' })).not.toContain(
      'istio.alpn',
    )
  })

  it('leaves metadata exchange out when istiod is told so', () => {
    const features = { PILOT_ENABLE_METADATA_EXCHANGE: 'false' }
    expect(names(features, { class: 'SidecarOutbound', statPrefix: 'x' })).not.toContain(
      'istio.metadata_exchange',
    )
  })

  it('disables the idle timeout of streams and normalizes paths', () => {
    const manager = buildHttpConnectionManager(aPush({}), aProxy(), {
      class: 'SidecarInbound',
      statPrefix: 'x',
    })
    expect(manager).toMatchObject({ streamIdleTimeout: '0s', normalizePath: true, useRemoteAddress: false })
    expect(manager.mergeSlashes).toBeUndefined()
  })

  it('merges slashes where the mesh asks for it', () => {
    const mesh = { pathNormalization: { normalization: 'MERGE_SLASHES' as const } }
    const manager = buildHttpConnectionManager(aPush({ mesh }), aProxy(), {
      class: 'SidecarInbound',
      statPrefix: 'x',
    })
    expect(manager.mergeSlashes).toBe(true)
  })
})
