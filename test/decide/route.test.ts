import { describe, expect, it } from 'vitest'
import type { RequestHead } from '../../sim-core/decide/header-match.ts'
import { redirectOf, rewrittenPath } from '../../sim-core/decide/rewrite.ts'
import { chooseCluster, chooseRoute } from '../../sim-core/decide/route.ts'
import { chooseVirtualHost } from '../../sim-core/decide/virtual-host.ts'
import type { HeaderMatcher } from '../../sim-core/model/xds/core.ts'
import type { Route, RouteConfiguration, VirtualHost } from '../../sim-core/model/xds/route.ts'

const get = (path: string, extra: Partial<RequestHead> = {}): RequestHead => ({
  method: 'GET',
  scheme: 'http',
  authority: 'a.test',
  path,
  headers: [],
  ...extra,
})
const hostWith = (...routes: Route[]): VirtualHost => ({ name: 'vh', domains: ['*'], routes })
const routeOf = (host: VirtualHost, request: RequestHead) =>
  chooseRoute(host, request, { random: 0 }).chose?.name

describe('chooseVirtualHost', () => {
  const config: RouteConfiguration = {
    name: '80',
    ignorePortInHostMatching: true,
    virtualHosts: [
      { name: 'any', domains: ['*'] },
      { name: 'prefix', domains: ['www.*'] },
      { name: 'short', domains: ['*.foo.com'] },
      { name: 'long', domains: ['*.bar.foo.com'] },
      { name: 'exact', domains: ['www.foo.com'] },
    ],
  }
  const nameOf = (authority: string) => chooseVirtualHost(config, authority).chose?.name

  it('prefers exact domains, then the longest suffix, then a prefix', () => {
    expect(['WWW.foo.com:8080', 'x.bar.foo.com', 'x.foo.com', 'www.elsewhere', 'other'].map(nameOf)).toEqual([
      'exact',
      'long',
      'short',
      'prefix',
      'any',
    ])
  })

  it('wants at least one character for a star', () => {
    expect(nameOf('.foo.com')).toBe('any')
  })

  it('keeps the brackets of an IPv6 host and strips its port', () => {
    const six: RouteConfiguration = { ...config, virtualHosts: [{ name: 'six', domains: ['[::1]'] }] }
    expect(chooseVirtualHost(six, '[::1]:80').chose?.name).toBe('six')
    expect(chooseVirtualHost(six, '[::1]').chose?.name).toBe('six')
  })
})

describe('chooseRoute', () => {
  it('takes the first match and does not look back', () => {
    const host = hostWith(
      { name: 'foo', match: { prefix: '/foo' } },
      { name: 'rest', match: { prefix: '/' } },
      { name: 'never', match: { path: '/bar' } },
    )
    expect(['/foobar?x=1', '/bar'].map(path => routeOf(host, get(path)))).toEqual(['foo', 'rest'])
  })

  it('ends a path-separated prefix at a slash', () => {
    const host = hostWith({ name: 'api', match: { pathSeparatedPrefix: '/api' } })
    expect(['/api', '/api/x', '/apix'].map(path => routeOf(host, get(path)))).toEqual([
      'api',
      'api',
      undefined,
    ])
  })

  it('matches a regular expression against the whole path', () => {
    const host = hostWith({ name: 're', match: { safeRegex: { regex: '/a.*b' } } })
    expect(['/axxb?q', '/axxbc'].map(path => routeOf(host, get(path)))).toEqual(['re', undefined])
  })

  it('lets a missing header fail an inverted value match but pass an inverted presence match', () => {
    const withMatcher = (matcher: HeaderMatcher) =>
      routeOf(hostWith({ name: 'r', match: { prefix: '/', headers: [matcher] } }), get('/'))
    const value = { name: 'x', stringMatch: { exact: 'v' }, invertMatch: true }
    expect(withMatcher(value)).toBe(undefined)
    expect(withMatcher({ ...value, treatMissingHeaderAsEmpty: true })).toBe('r')
    expect(withMatcher({ name: 'x', presentMatch: true, invertMatch: true })).toBe('r')
  })
})

describe('chooseCluster', () => {
  it('walks the weights with the draw modulo their sum', () => {
    const route: Route = {
      match: { prefix: '/' },
      route: {
        weightedClusters: {
          clusters: [
            { name: 'a', weight: 30 },
            { name: 'b', weight: 10 },
          ],
        },
      },
    }
    expect([0, 29, 30, 39, 40].map(random => chooseCluster(route, get('/'), random).chose?.cluster)).toEqual([
      'a',
      'a',
      'b',
      'b',
      'a',
    ])
  })
})

describe('rewrites', () => {
  it('replaces the matched prefix and keeps the query', () => {
    const route: Route = { match: { prefix: '/v1' }, route: { prefixRewrite: '/api' } }
    expect(rewrittenPath(route, get('/v1/x?q=1'))).toBe('/api/x?q=1')
  })

  it('rewrites by regular expression with captures', () => {
    const regexRewrite = { pattern: { regex: '^/s/([^/]+)(/.*)$' }, substitution: '\\2/i/\\1' }
    const route: Route = { match: { prefix: '/' }, route: { regexRewrite } }
    expect(rewrittenPath(route, get('/s/foo/v1/api?a'))).toBe('/v1/api/i/foo?a')
  })

  it('drops the default port when a redirect changes the scheme', () => {
    const route: Route = { match: { prefix: '/' }, redirect: { httpsRedirect: true, prefixRewrite: '/b/' } }
    expect(redirectOf(route, get('/x?q', { authority: 'h:80' }))).toEqual({
      status: 301,
      location: 'https://h/b/x?q',
    })
    expect(redirectOf(route, get('/x', { authority: 'h:81' })).location).toBe('https://h:81/b/x')
  })

  it('carries captures of a path template over', () => {
    const typed = (field: object) => ({
      name: 'uri',
      typedConfig: { '@type': '', pathTemplate: '', ...field },
    })
    const route: Route = {
      match: { pathMatchPolicy: typed({ pathTemplate: '/u/{id}/{rest=**}' }) },
      route: {
        pathRewritePolicy: { name: 'uri', typedConfig: { '@type': '', pathTemplateRewrite: '/{rest}/{id}' } },
      },
    }
    expect(rewrittenPath(route, get('/u/7/a/b?q'))).toBe('/a/b/7?q')
  })
})
