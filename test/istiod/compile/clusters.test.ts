import { describe, expect, it } from 'vitest'
import { buildClusters } from '../../../sim-core/istiod/compile/clusters.ts'
import { createPushContext } from '../../../sim-core/istiod/compile/create-push-context.ts'
import { buildEndpoints } from '../../../sim-core/istiod/compile/endpoints.ts'
import { originOf } from '../../../sim-core/model/xds/origins.ts'
import { aProxy, aTree, pushOf } from './from-yaml.ts'

const name = 'reviews.default.svc.cluster.local'
const service = `
apiVersion: v1
kind: Service
metadata: {name: reviews}
spec: {clusterIP: 10.0.0.1, selector: {app: reviews}, ports: [{name: http, port: 80, targetPort: 8080}]}
---`
const pod = (pod: string, ip: string, version: string, node: string, tls = 'istio', ready = 'True') => `
apiVersion: v1
kind: Pod
metadata: {name: ${pod}, labels: {app: reviews, version: ${version}, security.istio.io/tlsMode: ${tls}}}
spec: {nodeName: ${node}, serviceAccountName: reviews}
status: {podIP: ${ip}, conditions: [{type: Ready, status: '${ready}'}]}
---`
const node = (name: string, region: string, zone: string) => `
apiVersion: v1
kind: Node
metadata: {name: ${name}, labels: {topology.kubernetes.io/region: ${region}, topology.kubernetes.io/zone: ${zone}}}
---`
const pods = `${pod('a', '1.0.0.1', 'v1', 'n1')}${pod('b', '1.0.0.2', 'v2', 'n2', 'disabled')}${node('n1', 'eu', 'a')}${node('n2', 'us', 'a')}`
const rule = (spec: string) => `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: reviews}
spec: {host: reviews, ${spec}}
---`

const clustersOf = (yaml: string, proxy = aProxy({ ipAddresses: ['9.9.9.9'] })) =>
  buildClusters(pushOf(yaml), proxy)

describe('clusters', () => {
  it('makes an EDS cluster that lets each endpoint choose mTLS', () => {
    const cluster = clustersOf(service + pods)[`outbound|80||${name}`]
    expect(cluster).toMatchObject({
      type: 'EDS',
      lbPolicy: 'LEAST_REQUEST',
      connectTimeout: '10s',
      commonLbConfig: { healthyPanicThreshold: { value: 0 } },
      edsClusterConfig: { serviceName: `outbound|80||${name}` },
      transportSocketMatches: [{ name: 'tlsMode-istio' }, { name: 'tlsMode-disabled' }],
    })
    expect(cluster?.transportSocketMatches?.[0]?.transportSocket?.typedConfig).toMatchObject({
      sni: `outbound_.80_._.${name}`,
      commonTlsContext: {
        combinedValidationContext: {
          defaultValidationContext: {
            matchSubjectAltNames: [{ exact: 'spiffe://cluster.local/ns/default/sa/reviews' }],
          },
        },
      },
    })
  })

  it('makes a cluster of every subset and knows the line it comes from', () => {
    const clusters = clustersOf(service + rule('subsets: [{name: v1, labels: {version: v1}}]'))
    const subset = clusters[`outbound|80|v1|${name}`]
    expect(subset?.metadata?.filterMetadata?.['istio']).toMatchObject({ subset: 'v1' })
    expect(subset && originOf(subset)).toMatchObject({ kind: 'DestinationRule', path: 'spec.subsets[0]' })
  })

  it('speaks plain text where the rule disables TLS, and user TLS where it asks for that', () => {
    const plain = clustersOf(service + rule('trafficPolicy: {tls: {mode: DISABLE}}'))
    expect(plain[`outbound|80||${name}`]).not.toHaveProperty('transportSocketMatches')
    const simple = clustersOf(service + rule('trafficPolicy: {tls: {mode: SIMPLE, sni: a.com}}'))
    expect(simple[`outbound|80||${name}`]?.transportSocket?.typedConfig).toMatchObject({ sni: 'a.com' })
  })

  it('drops every block of the rule that a port-level setting leaves unset', () => {
    const policy =
      'trafficPolicy: {connectionPool: {tcp: {maxConnections: 1}}, portLevelSettings: [{port: {number: 80}, loadBalancer: {simple: RANDOM}}]}'
    const cluster = clustersOf(service + rule(policy))[`outbound|80||${name}`]
    expect(cluster?.lbPolicy).toBe('RANDOM')
    expect(cluster?.circuitBreakers?.thresholds?.[0]?.maxConnections).toBe(4294967295)
  })

  it('sends a headless service to the original destination, from gateways by EDS', () => {
    const headless = service.replace('10.0.0.1', 'None')
    expect(clustersOf(headless)[`outbound|80||${name}`]?.type).toBe('ORIGINAL_DST')
    expect(clustersOf(headless, aProxy({ type: 'router' }))[`outbound|80||${name}`]?.type).toBe('EDS')
  })

  it('puts DNS endpoints into the cluster, and makes none without endpoints', () => {
    const entry = (extra: string) => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: ext}
spec: {hosts: [a.com], ports: [{number: 443, name: tls, protocol: TLS}], resolution: DNS${extra}}`
    expect(clustersOf(entry(''))['outbound|443||a.com']).toMatchObject({
      type: 'STRICT_DNS',
      dnsRefreshRate: '60s',
      loadAssignment: {
        endpoints: [
          {
            lbEndpoints: [{ endpoint: { address: { socketAddress: { address: 'a.com', portValue: 443 } } } }],
          },
        ],
      },
    })
    expect(clustersOf(entry(', workloadSelector: {labels: {app: x}}'))).not.toHaveProperty([
      'outbound|443||a.com',
    ])
  })

  it('shares clusters between proxies that see the same', () => {
    const push = pushOf(service + pods)
    const [one, two] = ['1.2.3.4', '1.2.3.5'].map(ip => buildClusters(push, aProxy({ ipAddresses: [ip] })))
    expect(one?.[`outbound|80||${name}`]).toBe(two?.[`outbound|80||${name}`])
  })

  it('keeps every cluster that a change does not touch the same object', () => {
    const tree = aTree(service + service.replaceAll('reviews', 'ratings') + pods)
    const proxy = aProxy({ ipAddresses: ['1.0.0.1'] })
    const before = buildClusters(createPushContext({ tree }), proxy)
    const changed = { ...tree, Service: { default: { ...tree.Service?.default } } }
    const ratings = changed.Service.default.ratings
    if (!ratings) throw new Error('no ratings')
    changed.Service.default.ratings = { ...ratings, spec: { clusterIP: '10.0.0.9', ports: [{ port: 81 }] } }
    const after = buildClusters(createPushContext({ tree: changed }), proxy)
    const kept = Object.keys(after).filter(each => after[each] === before[each])
    expect(Object.keys(after).filter(each => !kept.includes(each))).toEqual([
      'outbound|81||ratings.default.svc.cluster.local',
    ])
  })

  it('keeps the clusters of other rules when one rule changes', () => {
    const other = rule('subsets: [{name: v1}]').replaceAll('reviews', 'ratings')
    const both = service + service.replaceAll('reviews', 'ratings')
    const tree = aTree(both + rule('subsets: [{name: v1}]') + other)
    const before = buildClusters(createPushContext({ tree }), aProxy())
    const rules = tree.DestinationRule?.default ?? {}
    const ratings = rules.ratings
    if (!ratings) throw new Error('no rule')
    const changed = { ...rules, ratings: { ...ratings, spec: { host: 'ratings' } } }
    const after = buildClusters(
      createPushContext({ tree: { ...tree, DestinationRule: { default: changed } } }),
      aProxy(),
    )
    expect(after[`outbound|80|v1|${name}`]).toBe(before[`outbound|80|v1|${name}`])
    expect(after).not.toHaveProperty(['outbound|80|v1|ratings.default.svc.cluster.local'])
  })

  it('passes inbound requests on from 127.0.0.6', () => {
    const inbound = clustersOf(service + pods, aProxy({ ipAddresses: ['1.0.0.1'] }))['inbound|8080||']
    expect(inbound).toMatchObject({
      type: 'ORIGINAL_DST',
      upstreamBindConfig: { sourceAddress: { address: '127.0.0.6' } },
      metadata: { filterMetadata: { istio: { services: [{ host: name }] } } },
    })
  })
})

describe('endpoints', () => {
  const assignment = (yaml: string, over = {}) =>
    buildEndpoints(pushOf(yaml), aProxy({ ipAddresses: ['9.9.9.9'], ...over }))

  it('groups endpoints by locality and marks those that speak mTLS', () => {
    const { endpoints = [] } = assignment(service + pods)[`outbound|80||${name}`] ?? {}
    expect(endpoints.map(group => [group.locality?.region, group.loadBalancingWeight])).toEqual([
      ['eu', 1],
      ['us', 1],
    ])
    const tls = (i: number) => endpoints[i]?.lbEndpoints?.[0]?.metadata?.filterMetadata
    expect(tls(0)?.['envoy.transport_socket_match']).toEqual({ tlsMode: 'istio' })
    expect(tls(1)).not.toHaveProperty(['envoy.transport_socket_match'])
  })

  it('ranks places only where outliers are detected', () => {
    const priorities = (yaml: string) =>
      assignment(yaml, { locality: 'us/a/' })[`outbound|80||${name}`]?.endpoints?.map(
        group => group.priority ?? 0,
      )
    expect(priorities(service + pods)).toEqual([0, 0])
    expect(priorities(service + pods + rule('trafficPolicy: {outlierDetection: {}}'))).toEqual([1, 0])
  })

  it('sends pods that are not ready, marked as such, unless the rule sets a minimum of health', () => {
    const yaml = service + pod('a', '1.0.0.1', 'v1', '', 'istio', 'False')
    const hosts = (text: string) =>
      assignment(text)[`outbound|80||${name}`]?.endpoints?.flatMap(group =>
        group.lbEndpoints?.map(each => each.healthStatus),
      ) ?? []
    expect(hosts(yaml)).toEqual(['UNHEALTHY'])
    expect(hosts(yaml + rule('trafficPolicy: {outlierDetection: {minHealthPercent: 50}}'))).toEqual([])
  })
})
