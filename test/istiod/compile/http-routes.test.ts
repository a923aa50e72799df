import { describe, expect, it } from 'vitest'
import type { Config } from '../../../sim-core/istiod/compile/configs.ts'
import { buildHttpRoutes } from '../../../sim-core/istiod/compile/http-routes.ts'
import type { RouteContext } from '../../../sim-core/istiod/compile/route-context.ts'
import type { HTTPRoute, VirtualService } from '../../../sim-core/model/istio.ts'
import { originOf } from '../../../sim-core/model/xds/origins.ts'
import { aProxy, aPush, aResource } from './a-push.ts'

const aVirtualService = (
  http: readonly HTTPRoute[],
  annotations: Readonly<Record<string, string>> = {},
): Config<VirtualService> => {
  const resource = aResource('VirtualService', 'default', 'vs', { http })
  const metadata = { ...resource.metadata, annotations }
  return { kind: 'VirtualService', ...metadata, spec: { http }, resource }
}

const routesOf = (http: readonly HTTPRoute[], context: Partial<RouteContext> = {}) =>
  buildHttpRoutes(aVirtualService(http), {
    push: aPush({}),
    proxy: aProxy(),
    listenPort: 80,
    gateway: 'mesh',
    isTls: false,
    serviceOf: () => undefined,
    hashOf: () => undefined,
    ...context,
  })

const to = (host: string) => [{ destination: { host } }]

describe('buildHttpRoutes', () => {
  it('makes one route per match and stops at the first that takes everything', () => {
    const routes = routesOf([
      { match: [{ uri: { exact: '/a' } }, { uri: { prefix: '/b' } }], route: to('a') },
      { match: [{ uri: { prefix: '/' } }], route: to('b') },
      { route: to('c') },
    ])
    expect(routes.map(({ match, route }) => [match.path ?? match.prefix, route?.cluster])).toEqual([
      ['/a', 'outbound|80||a'],
      ['/b', 'outbound|80||a'],
      ['/', 'outbound|80||b'],
    ])
    expect(originOf(routes[1] ?? {})?.path).toBe('spec.http[0].match[1]')
  })

  it('ignores source labels of a match that lists gateways', () => {
    const match = { sourceLabels: { app: 'other' } }
    expect(routesOf([{ match: [match], route: to('a') }])).toHaveLength(0)
    expect(routesOf([{ match: [{ ...match, gateways: ['mesh'] }], route: to('a') }])).toHaveLength(1)
  })

  it('asks for claims in dynamic metadata instead of headers', () => {
    const [route] = routesOf([
      { match: [{ headers: { '@request.auth.claims[group][id]': { exact: 'x' } } }], route: to('a') },
    ])
    expect(route?.match.headers).toBeUndefined()
    expect(route?.match.dynamicMetadata?.[0]?.path.map(({ key }) => key)).toEqual(['payload', 'group', 'id'])
  })

  it('drops destinations without weight only among several', () => {
    const split = [
      { destination: { host: 'a' }, weight: 0 },
      { destination: { host: 'b' }, weight: 100 },
    ]
    const [weighted] = routesOf([{ route: split }])
    expect(weighted?.route?.weightedClusters?.clusters.map(({ name }) => name)).toEqual(['outbound|80||b'])
    const [single] = routesOf([{ route: split.slice(0, 1) }])
    expect(single?.route?.cluster).toBe('outbound|80||a')
  })

  it('takes a host in a header rule for a rewrite of the authority', () => {
    const [route] = routesOf([
      { route: to('a'), headers: { request: { set: { host: 'b', z: '1', a: '2' } } } },
    ])
    expect(route?.route?.hostRewriteLiteral).toBe('b')
    expect(route?.requestHeadersToAdd?.map(({ header }) => header.key)).toEqual(['a', 'z'])
  })

  it('leaves out the port of a redirect that its scheme implies', () => {
    const derive = { derivePort: 'FROM_REQUEST_PORT' } as const
    expect(routesOf([{ redirect: derive }])[0]?.redirect?.portRedirect).toBeUndefined()
    expect(routesOf([{ redirect: derive }], { isTls: true })[0]?.redirect?.portRedirect).toBe(80)
  })

  it('reads a path prefix element by element for the Gateway API and answers 500 for a missing backend', () => {
    const http = [{ match: [{ uri: { prefix: '/a/' } }], rewrite: { uri: '/' }, route: to('a') }]
    const config = aVirtualService(http, { 'internal.istio.io/route-semantics': 'gateway' })
    const [route] = buildHttpRoutes(config, {
      push: aPush({}),
      proxy: aProxy(),
      listenPort: 80,
      gateway: 'mesh',
      isTls: false,
      serviceOf: () => undefined,
      hashOf: () => undefined,
    })
    expect(route?.match.pathSeparatedPrefix).toBe('/a')
    expect(route?.route).toMatchObject({
      clusterNotFoundResponseCode: 'INTERNAL_SERVER_ERROR',
      regexRewrite: { pattern: { regex: '^/a(/?)(.*)' }, substitution: '/\\2' },
    })
  })
})
