import fc from 'fast-check'

/** A configuration and the requests that both Envoys are to answer. */
export interface Drawn {
  readonly setting: Setting
  /** Rules of VirtualServices, most important first. */
  readonly services: readonly DrawnService[]
  readonly policies: readonly DrawnPolicy[]
  readonly requests: readonly DrawnRequest[]
}

/** Where the requests meet the proxy: at the ingress gateway, on the way out of a client's sidecar, or on the way in at a server's. */
export type Setting = 'gateway' | 'outbound' | 'inbound'

/** A VirtualService: its hosts as the gateway has them; a sidecar's is for the host that clients call. */
export interface DrawnService {
  readonly hosts: readonly string[]
  readonly http: readonly unknown[]
}

/** An AuthorizationPolicy on the proxy that is asked. */
export interface DrawnPolicy {
  readonly action: 'ALLOW' | 'DENY'
  readonly rules: readonly unknown[]
}

/** A request; `host` counts among the hosts of its setting. */
export interface DrawnRequest {
  readonly method: string
  readonly path: string
  readonly host: number
  readonly headers: readonly (readonly [name: string, value: string])[]
}

/** Hosts that requests name, by setting; a request's number is taken modulo their count. */
export const HOSTS: Readonly<Record<Setting, readonly string[]>> = {
  gateway: [
    'shop.example.com',
    'Shop.Example.COM',
    'shop.example.com:80',
    'shop.example.com:8080',
    'api.example.com',
    'x.api.example.com',
    'example.com',
    'other.org',
  ],
  outbound: [
    'cart',
    'cart.plain',
    'cart.plain.svc',
    'cart.plain.svc.cluster.local',
    'CART.plain',
    'cart.plain:80',
    'cart.plain.svc.cluster.local:80',
    'bill.plain',
  ],
  inbound: ['guarded', 'guarded.default', 'Guarded.default', 'guarded.default:80', 'example.com'],
}

const one = <T>(...values: readonly T[]) => fc.constantFrom(...values)
/** Present so many times of four. */
const times =
  (present: number) =>
  <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
    fc.oneof(
      { weight: 4 - present, arbitrary: fc.constant(undefined) },
      { weight: present, arbitrary: value },
    )
const rarely = times(1)
const maybe = times(2)
const mostly = times(3)
const some = <T>(value: fc.Arbitrary<T>, maxLength: number) => fc.array(value, { minLength: 1, maxLength })

const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS', 'PATCH'] as const
const NAMES = ['x-user', 'x-version', 'user-agent', 'cookie'] as const
const VALUES = ['jason', 'v1', 'V1', 'v2', 'admin', 'a,b', 'user=jason; v=1', 'ja son', 'jason2', ''] as const
const SEGMENTS = [
  'api',
  'v1',
  'v2',
  'admin',
  'API',
  'items',
  '',
  '.',
  '..',
  'a%20b',
  '%2F',
  '%2e%2e',
  '%61pi',
  'api;p=1',
  'apix',
  'a+b',
  '*',
  '%2',
  '%zz',
  'a:b',
  '~x',
  '%7Ex',
  'é'.normalize(),
  '%c3%a9',
  'a\\b',
  '%5c',
  "a'b",
  'a@b',
].filter(segment => segment !== 'é')

const path = fc.oneof(
  {
    weight: 5,
    arbitrary: one('/', '/api', '/api/', '/api/v1', '/api/v1/items', '/apix', '/admin', '/API/v1'),
  },
  {
    weight: 4,
    arbitrary: fc.array(one(...SEGMENTS), { minLength: 1, maxLength: 4 }).map(all => `/${all.join('/')}`),
  },
  { weight: 1, arbitrary: one('/status/404', '/status/503', '/api/v1/../../status/418') },
)
const query = fc.oneof(
  { weight: 5, arbitrary: fc.constant('') },
  {
    weight: 4,
    arbitrary: one(
      '?x=1',
      '?x=2',
      '?x=',
      '?x',
      '?y=1&x=1',
      '?x=1&x=2',
      '?x=%31',
      '?',
      '?x=1?y',
      '?X=1',
      '?a/b=..',
      '?x=1&',
    ),
  },
)
/** What clients should not say, and what browsers do. */
const MEDDLING: readonly (readonly [string, string])[] = [
  ['x-forwarded-for', '198.51.100.7'],
  ['x-forwarded-for', '10.1.2.3, 198.51.100.7'],
  ['x-forwarded-proto', 'https'],
  ['x-forwarded-host', 'forwarded.example.com'],
  ['x-envoy-original-path', '/claimed'],
  ['x-envoy-original-host', 'claimed.example.com'],
  ['x-envoy-attempt-count', '7'],
  ['x-envoy-retry-on', '5xx'],
  ['x-envoy-max-retries', '3'],
  ['x-envoy-upstream-rq-timeout-ms', '100'],
  ['x-envoy-expected-rq-timeout-ms', '9'],
  ['x-envoy-external-address', '198.51.100.7'],
  ['x-envoy-internal', 'true'],
  ['x-forwarded-client-cert', 'By=me'],
  ['origin', 'https://shop.example.com'],
  ['origin', 'https://other.org'],
  ['access-control-request-method', 'GET'],
  ['accept', 'text/html'],
  ['te', 'trailers'],
  ['X-User', 'jason'],
]
const header = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(one(...NAMES), one(...VALUES)) },
  { weight: 1, arbitrary: one(...MEDDLING).map(([name, value]) => [name, value] as [string, string]) },
)

const request: fc.Arbitrary<DrawnRequest> = fc.record({
  method: fc.oneof({ weight: 3, arbitrary: fc.constant('GET') }, { weight: 2, arbitrary: one(...METHODS) }),
  path: fc.tuple(path, query).map(([before, after]) => before + after),
  host: fc.oneof({ weight: 1, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(7) }),
  headers: fc.array(header, { maxLength: 3 }),
})

// ── VirtualService ──

const REGEXES = [
  '/api.*',
  '/(api|admin)/.*',
  '.*',
  '/[a-z]+',
  '/v[12]',
  '^/api',
  '/a.i',
  '.*/items$',
  '(?i)/api',
] as const
const pathMatch = fc.oneof(
  one('/', '/api', '/api/', '/api/v1', '/admin', '/%61pi', '/API').map(prefix => ({ prefix })),
  one('/', '/api', '/api/v1', '/admin', '/api/', '/apix').map(exact => ({ exact })),
  one(...REGEXES).map(regex => ({ regex })),
)
const valueMatch = fc.oneof(
  one(...VALUES)
    .filter(value => value !== '')
    .map(exact => ({ exact })),
  one('ja', 'v', 'a', 'user').map(prefix => ({ prefix })),
  one('v[12]', '.*', 'jas.*', '.*=1', '[A-Z]+.*').map(regex => ({ regex })),
)
const headerMatches = fc.dictionary(one(...NAMES), fc.oneof(valueMatch, fc.constant({})), {
  minKeys: 1,
  maxKeys: 2,
})
const withoutMatches = fc.dictionary(one(...NAMES), fc.oneof(valueMatch, fc.constant({})), {
  minKeys: 1,
  maxKeys: 1,
})
const queryMatches = fc.dictionary(
  one('x', 'y', 'X'),
  fc.oneof(
    one('1', '2', '%31').map(exact => ({ exact })),
    one('[0-9]+', '.*').map(regex => ({ regex })),
  ),
  { minKeys: 1, maxKeys: 1 },
)
const methodMatch = fc.oneof(
  one('GET', 'POST', 'get', 'HEAD').map(exact => ({ exact })),
  one('GET|POST', 'P.*').map(regex => ({ regex })),
  one('P', 'G').map(prefix => ({ prefix })),
)
const authorityMatch = fc.oneof(
  one('shop.example.com', 'cart.plain').map(exact => ({ exact })),
  one('shop', 'cart').map(prefix => ({ prefix })),
)

const match = fc
  .record({
    uri: mostly(pathMatch),
    ignoreUriCase: maybe(fc.boolean()),
    method: rarely(methodMatch),
    headers: rarely(headerMatches),
    withoutHeaders: rarely(withoutMatches),
    queryParams: rarely(queryMatches),
    authority: rarely(authorityMatch),
  })
  .map(bare)

const subset = (name: string) => ({
  host: 'cart.plain.svc.cluster.local',
  subset: name,
  port: { number: 80 },
})
const bill = { host: 'bill.plain.svc.cluster.local', port: { number: 80 } }
const changes = fc
  .record({
    set: maybe(
      fc.dictionary(
        one('x-added', 'x-user', 'x-version', 'Host', ':authority'),
        one('set', '%REQ(x-user)%', 'a b', '100%%', '%REQ(:path)%', '%PROTOCOL%', '%REQ(x-none?x-version)%'),
        {
          minKeys: 1,
          maxKeys: 2,
        },
      ),
    ),
    add: maybe(
      fc.dictionary(one('x-added', 'x-user', 'x-more'), one('add', 'b'), { minKeys: 1, maxKeys: 2 }),
    ),
    remove: maybe(some(one('x-user', 'x-version', 'cookie', 'x-added'), 2)),
  })
  .map(bare)
const responseChanges = fc
  .record({
    set: maybe(
      fc.dictionary(one('x-gm-one', 'content-type'), one('set', 'text/x'), { minKeys: 1, maxKeys: 2 }),
    ),
    add: maybe(
      fc.dictionary(one('x-gm-one', 'x-gm-two'), one('add', '%RESPONSE_CODE%'), { minKeys: 1, maxKeys: 2 }),
    ),
    remove: maybe(some(one('x-gm-one', 'server'), 1)),
  })
  .map(bare)
const headers = fc.record({ request: maybe(changes), response: maybe(responseChanges) }).map(bare)

/** As good as every request: a draw goes elsewhere once in a hundred million. */
export const ALL = 100_000_000
const destinations = fc.oneof(
  { weight: 3, arbitrary: one(subset('v1'), subset('v2'), bill).map(destination => [{ destination }]) },
  {
    weight: 2,
    arbitrary: one([100, 0], [ALL, 1], [1, ALL], [50, 50], [0, 0, 100]).chain(weights =>
      fc.tuple(...weights.map(() => rarely(headers))).map(all =>
        weights.map((weight, index) => ({
          destination: [subset('v1'), subset('v2'), bill][index],
          weight,
          ...(all[index] && { headers: all[index] }),
        })),
      ),
    ),
  },
)
const rewrite = fc
  .oneof(
    fc
      .record({
        uri: mostly(one('/', '/new', '/new/', '/a%20b')),
        authority: maybe(one('new.example.com', 'new:81')),
      })
      .map(bare),
    one(
      { match: '^/api/(.*)$', rewrite: '/other/\\1' },
      { match: '/', rewrite: '//' },
      { match: '[0-9]', rewrite: 'n' },
    ).map(uriRegexRewrite => ({ uriRegexRewrite })),
  )
  .filter(value => Object.keys(value).length > 0)
const fault = fc
  .record({
    abort: mostly(
      fc.record({ httpStatus: one(503, 418, 400), percentage: one({ value: 100 }, { value: 0 }) }),
    ),
    delay: rarely(
      fc.record({ fixedDelay: fc.constant('0.01s'), percentage: one({ value: 100 }, { value: 0 }) }),
    ),
  })
  .map(bare)
  .filter(value => Object.keys(value).length > 0)

const cors = fc
  .record({
    allowOrigins: some(
      one({ exact: 'https://shop.example.com' }, { prefix: 'https://' }, { regex: 'https://.*\\.org' }),
      2,
    ),
    allowMethods: rarely(fc.constant(['GET', 'POST'])),
    allowHeaders: rarely(fc.constant(['x-user'])),
    exposeHeaders: rarely(fc.constant(['x-gm-one'])),
    maxAge: rarely(fc.constant('24h')),
    allowCredentials: maybe(fc.boolean()),
  })
  .map(bare)

const routed = fc
  .record({
    route: destinations,
    rewrite: rarely(rewrite),
    headers: rarely(headers),
    fault: rarely(fault),
    corsPolicy: rarely(cors),
    timeout: rarely(one('5s', '0.2s')),
    retries: rarely(
      one(
        { attempts: 0 },
        { attempts: 1, retryOn: '5xx' },
        { attempts: 2, retryOn: '404,retriable-status-codes' },
      ),
    ),
  })
  .map(bare)
  .filter(setsAuthorityOnce)
const redirect = fc
  .record({
    uri: rarely(one('/moved', '/moved?z=1', '%PREFIX()%/x')),
    authority: rarely(one('moved.example.com', 'moved.example.com:81')),
    scheme: rarely(one('https', 'http')),
    port: rarely(one(8443, 80, 443)),
    redirectCode: rarely(one(301, 302, 303, 307, 308)),
  })
  .map(bare)
  .filter(({ redirectCode: _code, ...changed }) => Object.keys(changed).length > 0)
const redirected = fc
  .record({ redirect, headers: rarely(fc.record({ response: responseChanges })) })
  .map(bare)
const direct = fc
  .record({
    directResponse: fc
      .record({ status: one(200, 404, 503), body: maybe(one({ string: 'said so' })) })
      .map(bare),
    headers: rarely(fc.record({ response: responseChanges })),
  })
  .map(bare)

const rule = fc
  .tuple(
    mostly(some(match, 2)),
    fc.oneof(
      { weight: 6, arbitrary: routed },
      { weight: 1, arbitrary: redirected },
      { weight: 1, arbitrary: direct },
    ),
  )
  .map(([matches, action]) => ({ ...(matches && { match: matches }), ...action }))

const service: fc.Arbitrary<DrawnService> = fc.record({
  hosts: one(
    ['shop.example.com'],
    ['*'],
    ['*.example.com'],
    ['shop.example.com', 'api.example.com'],
    ['*.api.example.com'],
  ),
  http: some(rule, 4),
})

// ── AuthorizationPolicy ──

const PATHS = [
  '/api',
  '/api/*',
  '*/items',
  '/admin*',
  '/',
  '*',
  '/api/v1',
  '/api/{*}',
  '/{**}/items',
  '/api/{**}',
] as const
const operation = fc
  .record({
    paths: maybe(some(one(...PATHS), 2)),
    notPaths: rarely(some(one(...PATHS), 1)),
    methods: rarely(some(one('GET', 'POST', 'P*', '*'), 2)),
    notMethods: rarely(some(one('GET', 'DELETE'), 1)),
    hosts: rarely(
      some(
        one(
          'shop.example.com',
          '*.example.com',
          'guarded.default',
          'guarded*',
          'GUARDED.default',
          'shop.example.com:*',
        ),
        2,
      ),
    ),
    notHosts: rarely(some(one('shop.example.com', 'guarded', '*:80'), 1)),
    ports: rarely(some(one('8080', '9090'), 1)),
  })
  .map(bare)
  .filter(value => Object.keys(value).length > 0)
/** The peer of the real connection is always 127.0.0.1, whatever the PROXY protocol says: blocks of direct peers hold it and the simulated one alike, or neither. */
const source = one(
  { ipBlocks: ['192.0.2.0/24'] },
  { notIpBlocks: ['192.0.2.0/24'] },
  { ipBlocks: ['0.0.0.0/0'], notRemoteIpBlocks: ['10.0.0.0/8'] },
  { remoteIpBlocks: ['203.0.113.10', '10.0.0.0/8'] },
  { notRemoteIpBlocks: ['198.51.100.0/24'] },
  { notRemoteIpBlocks: ['203.0.113.0/24'] },
  { notPrincipals: ['cluster.local/ns/plain/sa/default'] },
)
const condition = fc
  .record({
    key: one(...NAMES).map(name => `request.headers[${name}]`),
    values: maybe(some(one('jason', 'v*', '*son', '*', 'a,b'), 2)),
    notValues: maybe(some(one('admin', 'v1'), 1)),
  })
  .map(bare)
  .filter(value => Object.keys(value).length > 1)
const policyRule = fc
  .record({
    to: mostly(
      some(
        operation.map(each => ({ operation: each })),
        2,
      ),
    ),
    when: rarely(some(condition, 2)),
    from: rarely(
      some(
        source.map(each => ({ source: each })),
        1,
      ),
    ),
  })
  .map(bare)
const policy: fc.Arbitrary<DrawnPolicy> = fc
  .record({
    action: one('ALLOW' as const, 'DENY' as const),
    rules: fc.array(policyRule, { maxLength: 2 }),
  })
  .filter(({ action, rules }) => action === 'ALLOW' || rules.length > 0)

/** A configuration of one setting and so many requests to it. */
export function drawn(requests: number): fc.Arbitrary<Drawn> {
  const asked = fc.array(request, { minLength: requests, maxLength: requests })
  const services = fc.array(service, { minLength: 1, maxLength: 2 })
  const few = fc.oneof(
    { weight: 2, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(policy, { maxLength: 2 }) },
  )
  return fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({
        setting: fc.constant('gateway' as const),
        services,
        policies: few,
        requests: asked,
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        setting: fc.constant('outbound' as const),
        services: service.map(each => [{ ...each, hosts: ['cart.plain.svc.cluster.local'] }]),
        policies: fc.constant([]),
        requests: asked,
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        setting: fc.constant('inbound' as const),
        services: fc.constant([]),
        policies: fc.array(policy, { minLength: 1, maxLength: 3 }),
        requests: asked,
      }),
    },
  )
}

/** Istio refuses a route that names the authority twice, by rewrite or by headers. */
function setsAuthorityOnce({ route = [], ...changes }: { readonly route?: readonly unknown[] }): boolean {
  const named = (part: unknown) => JSON.stringify(part).match(/"(Host|:authority|authority)":/g)?.length ?? 0
  return route.every(each => named([each, changes]) < 2)
}

/** Without what is not there: YAML would say `null`. */
function bare<T extends object>(value: T): Partial<T> {
  return Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== undefined)) as Partial<T>
}
