import { describe, expect, it } from 'vitest'
import { compile } from '../../../sim-core/istiod/compile/compile.ts'
import type { HttpConnectionManager } from '../../../sim-core/model/xds/filters.ts'
import { originOf } from '../../../sim-core/model/xds/origins.ts'
import { aProxy, pushOf } from './from-yaml.ts'

const service = `
apiVersion: v1
kind: Service
metadata: { name: web, namespace: default }
spec: { clusterIP: 10.0.0.1, selector: { app: test }, ports: [{ name: http, port: 80, targetPort: 8080 }] }
`
const filter = (patches: string, extra = '') => `
---
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: { name: own, namespace: default }
spec:
  ${extra}
  configPatches:
${patches}
`
const compiled = (yaml: string) => compile(pushOf(service + yaml), aProxy())
const inboundManager = (yaml: string) => {
  const chain = compiled(yaml).listeners['virtualInbound']?.filterChains?.find(
    each => each.name === '0.0.0.0_8080',
  )
  return chain?.filters?.at(-1)?.typedConfig as HttpConnectionManager
}
const rateLimit = `
  - applyTo: HTTP_FILTER
    match:
      context: SIDECAR_INBOUND
      listener: { filterChain: { filter: { name: envoy.filters.network.http_connection_manager, subFilter: { name: envoy.filters.http.router } } } }
    patch:
      operation: INSERT_BEFORE
      value:
        name: envoy.filters.http.local_ratelimit
        typed_config:
          '@type': type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit
          stat_prefix: http_local_rate_limiter
          token_bucket: { max_tokens: 4, tokens_per_fill: 4, fill_interval: 60s }
`

describe('EnvoyFilter', () => {
  it('inserts an HTTP filter before the router, in our spelling and with its line', () => {
    const filters = inboundManager(filter(rateLimit)).httpFilters ?? []
    const inserted = filters.at(-2)
    expect(inserted?.typedConfig).toMatchObject({
      statPrefix: 'http_local_rate_limiter',
      tokenBucket: { maxTokens: 4 },
    })
    expect(originOf(inserted ?? {})).toMatchObject({ kind: 'EnvoyFilter', path: 'spec.configPatches[0]' })
  })

  it('leaves the other context alone', () => {
    const { listeners } = compiled(filter(rateLimit))
    expect(JSON.stringify(listeners['0.0.0.0_80'])).not.toContain('local_ratelimit')
  })

  it('does nothing to workloads that it does not select', () => {
    const yaml = filter(rateLimit, 'workloadSelector: { labels: { app: other } }')
    expect(JSON.stringify(inboundManager(yaml))).not.toContain('local_ratelimit')
  })

  it('merges into a cluster by service and port', () => {
    const { clusters } = compiled(
      filter(`
  - applyTo: CLUSTER
    match: { context: SIDECAR_OUTBOUND, cluster: { service: web.default.svc.cluster.local, portNumber: 80 } }
    patch: { operation: MERGE, value: { connect_timeout: 1s } }
`),
    )
    expect(clusters['outbound|80||web.default.svc.cluster.local']?.connectTimeout).toBe('1s')
    expect(clusters['BlackHoleCluster']?.connectTimeout).not.toBe('1s')
  })

  it('changes and removes routes', () => {
    const { routes } = compiled(
      filter(`
  - applyTo: VIRTUAL_HOST
    match: { context: SIDECAR_OUTBOUND, routeConfiguration: { vhost: { name: 'web.default.svc.cluster.local:80' } } }
    patch: { operation: MERGE, value: { request_headers_to_add: [{ header: { key: x-a, value: b } }] } }
  - applyTo: VIRTUAL_HOST
    match: { context: SIDECAR_OUTBOUND, routeConfiguration: { vhost: { name: allow_any } } }
    patch: { operation: REMOVE }
`),
    )
    const hosts = routes['80']?.virtualHosts ?? []
    expect(hosts.map(host => host.name)).toEqual(['web.default.svc.cluster.local:80'])
    expect(hosts[0]?.requestHeadersToAdd).toEqual([{ header: { key: 'x-a', value: 'b' } }])
  })

  it('merges settings of the connection manager', () => {
    const manager = inboundManager(
      filter(`
  - applyTo: NETWORK_FILTER
    match: { context: SIDECAR_INBOUND, listener: { portNumber: 8080, filterChain: { filter: { name: envoy.filters.network.http_connection_manager } } } }
    patch:
      operation: MERGE
      value:
        name: envoy.filters.network.http_connection_manager
        typed_config:
          '@type': type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          xff_num_trusted_hops: 2
`),
    )
    expect(manager.xffNumTrustedHops).toBe(2)
    expect(manager.httpFilters?.at(-1)?.name).toBe('envoy.filters.http.router')
  })
})
