import { describe, expect, it } from 'vitest'
import { roomOf } from '../../sim-core/envoy/room.ts'
import { ms, seconds } from '../../sim-core/kernel/time.ts'
import { TYPE } from '../../sim-core/model/xds/filters.ts'
import { aBehavior, aPod } from '../world/a-world.ts'
import {
  aCluster,
  aMeeting,
  answersOf,
  aRoute,
  askOnce,
  CLUSTER,
  configure,
  endpointsOf,
  outboundListener,
  routesTo,
  sendSome,
  triesOf,
} from './a-mesh.ts'

const retryPolicy = {
  retryOn: 'connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes',
  numRetries: 2,
  retryHostPredicate: [{ name: 'envoy.retry_host_predicates.previous_hosts' }],
  hostSelectionRetryMaxAttempts: '5',
}

describe('a request through two sidecars', () => {
  it('is answered, and the client sees the name of its own proxy', () => {
    const meeting = aMeeting()
    expect(askOnce(meeting)).toMatchObject({
      kind: 'response',
      status: 200,
      flags: [],
      details: 'via_upstream',
    })
    expect(triesOf(meeting.world)).toHaveLength(2)
    expect(Object.fromEntries(answersOf(meeting.world)[0]?.headers ?? [])).toMatchObject({ server: 'envoy' })
  })

  it('keeps its connections: the second request pays no handshake', () => {
    const meeting = aMeeting()
    askOnce(meeting)
    askOnce(meeting)
    const [first, second] = meeting.world.trace.log.exchanges
      .filter(x => x.parent < 0)
      .map(x => (x.end ?? 0) - x.start)
    expect((first ?? 0) - (second ?? 0)).toBeGreaterThan(ms(1.5))
    // From proxy to proxy, and from there to the application; the client closes its own.
    expect(meeting.world.state.connections.filter(c => c.serial >= 0)).toHaveLength(2)
  })

  it('without a route is 404 NR', () => {
    const meeting = aMeeting({ routes: [aRoute({}, { match: { prefix: '/api' } })] })
    expect(askOnce(meeting)).toMatchObject({
      status: 404,
      flags: ['NR'],
      details: 'route_not_found',
      body: '',
    })
  })

  it('to a cluster that is gone is 503 NC', () => {
    const meeting = aMeeting({ routes: [aRoute({ cluster: 'outbound|80|v2|server' })] })
    expect(askOnce(meeting)).toMatchObject({
      status: 503,
      flags: ['NC'],
      details: 'cluster_not_found',
      body: '',
    })
  })

  it('to a cluster without hosts is 503 UH', () => {
    const meeting = aMeeting({ servers: 0 })
    expect(askOnce(meeting)).toMatchObject({
      status: 503,
      flags: ['UH'],
      details: 'no_healthy_upstream',
      body: 'no healthy upstream',
    })
  })

  it('is answered by a direct response, or redirected', () => {
    const { route: _, ...bare } = aRoute()
    const direct = aMeeting({
      routes: [{ ...bare, directResponse: { status: 418, body: { inlineString: 'tea' } } }],
    })
    expect(askOnce(direct)).toMatchObject({ status: 418, body: 'tea', details: 'direct_response' })
    const redirect = aMeeting({ routes: [{ ...bare, redirect: { httpsRedirect: true } }] })
    const headers = Object.fromEntries(askOnce(redirect, { path: '/x' })?.headers ?? [])
    expect(headers.location).toBe('https://server/x')
  })
})

describe('failed tries', () => {
  it('to a dead application give the server side URX,UF and the client side a plain 503', () => {
    const meeting = aMeeting()
    for (const server of meeting.servers) server.listening = []
    const got = askOnce(meeting)
    expect(got).toMatchObject({ status: 503, flags: [], details: 'via_upstream' })
    expect(triesOf(meeting.world).find(outcome => outcome?.kind === 'response')).toMatchObject({
      flags: ['URX', 'UF'],
      body: 'upstream connect error or disconnect/reset before headers. retried and the latest reset reason: remote connection failure',
    })
  })

  it('to a pod that refuses go to another host', () => {
    const meeting = aMeeting({ servers: 2, plainServers: true, routes: [aRoute({ retryPolicy })] })
    const [dead] = meeting.servers
    if (dead) dead.listening = []
    for (let i = 0; i < 4; i++) expect(askOnce(meeting)?.status).toBe(200)
    expect(triesOf(meeting.world).filter(outcome => outcome?.kind === 'refused').length).toBeGreaterThan(0)
  })

  it('to an address that nobody has end at the connect timeout, three times', () => {
    const meeting = aMeeting({
      plainServers: true,
      routes: [aRoute({ retryPolicy })],
      cluster: { connectTimeout: '1s' },
    })
    meeting.world.state.podByIp.clear()
    expect(askOnce(meeting)).toMatchObject({
      status: 503,
      flags: ['URX', 'UF'],
      details: 'upstream_reset_before_response_started{connection_timeout}',
    })
    expect(meeting.world.trace.log.exchanges.find(x => x.parent < 0)?.end).toBeGreaterThan(seconds(3))
  })

  it('answer 504 UT when the route gives no more time, while the server goes on working', () => {
    const meeting = aMeeting({ routes: [aRoute({ timeout: '0.5s' })] })
    for (const server of meeting.servers)
      server.behavior = aBehavior(meeting.world, { steps: [{ do: 'sleep', for: { constant: seconds(2) } }] })
    expect(askOnce(meeting)).toMatchObject({
      status: 504,
      flags: ['UT'],
      details: 'response_timeout',
      body: 'upstream request timeout',
    })
    expect(meeting.world.state.opened).toBe(meeting.world.state.ended)
    expect(meeting.servers[0]?.busy).toBe(0)
  })

  it('repeat a slow try only where the policy says so', () => {
    const slow = (retryOn: string) => {
      const meeting = aMeeting({
        routes: [aRoute({ retryPolicy: { retryOn, numRetries: 2, perTryTimeout: '0.1s' } })],
      })
      for (const server of meeting.servers)
        server.behavior = aBehavior(
          meeting.world,
          { steps: [{ do: 'sleep', for: { constant: seconds(2) } }] },
          { concurrency: 10 },
        )
      return askOnce(meeting)
    }
    expect(slow('connect-failure')).toMatchObject({
      status: 504,
      flags: ['UT'],
      details: 'upstream_per_try_timeout',
    })
    expect(slow('5xx')).toMatchObject({ status: 504, flags: ['URX', 'UT'] })
  })
})

describe('circuit breakers', () => {
  const limits = (threshold: object) => ({
    circuitBreakers: { thresholds: [{ maxConnections: 1, ...threshold }] },
  })

  it('refuse with 503 UO what finds no place in the queue', () => {
    const meeting = aMeeting({ cluster: limits({ maxPendingRequests: 1 }) })
    for (const server of meeting.servers)
      server.behavior = aBehavior(meeting.world, { steps: [{ do: 'sleep', for: { constant: ms(50) } }] })
    sendSome(meeting, 1)
    meeting.world.kernel.run({ until: ms(20) })
    sendSome(meeting, 3)
    meeting.world.kernel.run({ until: seconds(10) })
    const answers = answersOf(meeting.world)
    expect(answers.filter(answer => answer?.status === 200)).toHaveLength(2)
    expect(answers.find(answer => answer?.status === 503)).toMatchObject({
      flags: ['UO'],
      details: 'upstream_reset_before_response_started{overflow}',
    })
  })

  it('let requests wait for the only connection', () => {
    const meeting = aMeeting({ cluster: limits({}) })
    sendSome(meeting, 10)
    meeting.world.kernel.run({ until: seconds(10) })
    expect(answersOf(meeting.world).map(answer => answer?.status)).toEqual(
      Array.from({ length: 10 }, () => 200),
    )
    expect(
      meeting.world.state.connections.filter(
        c => c.serial >= 0 && c.toPod === meeting.servers[0]?.id && c.fromPod === meeting.client.id,
      ),
    ).toHaveLength(1)
  })
})

describe('HTTP filters', () => {
  it('a fault delays, then aborts', () => {
    const fault = {
      '@type': TYPE.fault,
      delay: { fixedDelay: '2s', percentage: { numerator: 100 } },
      abort: { httpStatus: 555, percentage: { numerator: 100 } },
    }
    const meeting = aMeeting({
      clientFilters: [{ name: 'envoy.filters.http.fault', typedConfig: { '@type': TYPE.fault } }],
      routes: [aRoute({}, { typedPerFilterConfig: { 'envoy.filters.http.fault': fault } })],
    })
    expect(askOnce(meeting)).toMatchObject({ status: 555, flags: ['DI', 'FI'], body: 'fault filter abort' })
    expect(meeting.world.trace.log.exchanges.find(x => x.parent < 0)?.end).toBeGreaterThan(seconds(2))
  })

  it('RBAC refuses with 403 and names no policy where none allows', () => {
    const rules = { '@type': TYPE.httpRbac, rules: { action: 'ALLOW', policies: {} } }
    const meeting = aMeeting({ serverFilters: [{ name: 'envoy.filters.http.rbac', typedConfig: rules }] })
    expect(askOnce(meeting)).toMatchObject({ status: 403, flags: [], body: 'RBAC: access denied' })
    expect(triesOf(meeting.world)[0]?.details).toBe('rbac_access_denied_matched_policy[none]')
  })

  it('a filter that is not simulated lets requests pass', () => {
    const wasm = {
      name: 'my.wasm',
      typedConfig: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm' },
    }
    expect(askOnce(aMeeting({ clientFilters: [wasm] }))?.status).toBe(200)
  })
})

describe('a change of configuration', () => {
  it('that removes a subset before its route gives 503 NC in between', () => {
    const subset = 'outbound|80|v1|server'
    const meeting = aMeeting({ routes: [aRoute({ cluster: subset })] })
    const { clientProxy, servers } = meeting
    configure(clientProxy, {
      clusters: { [subset]: aCluster({ name: subset }) },
      endpoints: { [subset]: endpointsOf(servers, subset) },
    })
    expect(askOnce(meeting)?.status).toBe(200)
    configure(clientProxy, {
      clusters: { [CLUSTER]: aCluster() },
      endpoints: { [CLUSTER]: endpointsOf(servers) },
    })
    expect(askOnce(meeting)).toMatchObject({ status: 503, flags: ['NC'] })
    configure(clientProxy, { routes: { '80': routesTo([aRoute()]) } })
    expect(askOnce(meeting)?.status).toBe(200)
  })
})

describe('outlier detection', () => {
  it('takes a failing host out, and back at the tick after its time', () => {
    const meeting = aMeeting({
      servers: 2,
      cluster: {
        outlierDetection: {
          consecutive5xx: 2,
          interval: '1s',
          baseEjectionTime: '3s',
          maxEjectionPercent: 100,
        },
      },
    })
    const { world, servers } = meeting
    const [bad] = servers
    if (bad) bad.behavior = aBehavior(world, { status: 500 })
    for (let i = 0; i < 8; i++) askOnce(meeting, {}, 0.05)
    const upstream = roomOf(world).upstreams.find(each => each.cluster.name === CLUSTER)
    expect(upstream?.hosts.filter(host => host.record.ejectedAt >= 0).map(host => host.address)).toEqual([
      bad?.ip,
    ])
    expect(answersOf(world).filter(answer => answer?.status === 500)).toHaveLength(2)
    world.kernel.run({ until: seconds(5) })
    expect(upstream?.hosts.every(host => host.record.ejectedAt < 0)).toBe(true)
  })
})

describe('a proxy that drains', () => {
  it('closes each inbound connection with its next answer', () => {
    const meeting = aMeeting()
    askOnce(meeting)
    const [server] = meeting.serverProxies
    const between = () =>
      meeting.world.state.connections.filter(c => c.serial >= 0 && c.toProxy === server?.id)
    expect(between()).toHaveLength(1)
    if (server) server.phase = 'draining'
    expect(askOnce(meeting)?.status).toBe(200)
    expect(between()).toHaveLength(0)
  })
})

describe('what else a route can do', () => {
  it("mirrors a request: the copy is served, its answer is nobody's", () => {
    const meeting = aMeeting({ routes: [aRoute({ requestMirrorPolicies: [{ cluster: CLUSTER }] })] })
    expect(askOnce(meeting)?.status).toBe(200)
    const served = meeting.world.trace.log.exchanges.filter(
      x => x.fromProxy >= 0 && x.atPod === meeting.servers[0]?.id,
    )
    expect(answersOf(meeting.world)).toHaveLength(1)
    expect(served.length).toBeGreaterThanOrEqual(2)
    expect(meeting.world.state.opened).toBe(meeting.world.state.ended)
  })

  it('keeps a key on one host', () => {
    const meeting = aMeeting({
      servers: 5,
      cluster: { lbPolicy: 'RING_HASH' },
      routes: [aRoute({ hashPolicy: [{ header: { headerName: 'x-user' } }] })],
    })
    for (let i = 0; i < 6; i++) askOnce(meeting, { headers: [['x-user', 'ann']] }, 1)
    const hosts = meeting.world.trace.log.reasons.filter(
      reason => reason.code === 'host.picked' && reason.facts?.cluster === CLUSTER,
    )
    expect(new Set(hosts.map(reason => reason.facts?.host)).size).toBe(1)
  })
})

describe('a TCP chain', () => {
  const tcp = (cluster: string) => ({
    ...outboundListener(),
    filterChains: [
      {
        filters: [
          {
            name: 'envoy.filters.network.tcp_proxy',
            typedConfig: { '@type': TYPE.tcpProxy, statPrefix: 'x', cluster },
          },
        ],
      },
    ],
  })

  it('carries requests on, each client connection on one of its own', () => {
    const meeting = aMeeting()
    configure(meeting.clientProxy, { listeners: { '0.0.0.0_80': tcp(CLUSTER) } })
    expect(askOnce(meeting)).toMatchObject({ kind: 'response', status: 200, details: 'via_upstream' })
  })

  it('closes a connection that it has no host for', () => {
    const meeting = aMeeting({ servers: 0 })
    configure(meeting.clientProxy, { listeners: { '0.0.0.0_80': tcp(CLUSTER) } })
    expect(askOnce(meeting)).toMatchObject({ kind: 'reset', flags: ['UH'] })
  })
})

describe('an authorization service', () => {
  const filter = (failureModeAllow: boolean) => ({
    name: 'envoy.filters.http.ext_authz',
    typedConfig: {
      '@type': TYPE.extAuthz,
      failureModeAllow,
      httpService: { serverUri: { uri: 'http://authz', cluster: 'authz', timeout: '1s' } },
    },
  })

  function guarded(status: number, failureModeAllow = false) {
    const meeting = aMeeting({ clientFilters: [filter(failureModeAllow)] })
    const { world, clientProxy, servers } = meeting
    const authz = aPod(world, 'authz')
    authz.behavior = aBehavior(world, { status })
    configure(clientProxy, {
      clusters: { [CLUSTER]: aCluster(), authz: aCluster({ name: 'authz' }) },
      endpoints: { [CLUSTER]: endpointsOf(servers), authz: endpointsOf([authz], 'authz') },
    })
    return askOnce(meeting)
  }

  it('lets pass what it answers with 200', () => {
    expect(guarded(200)?.status).toBe(200)
  })

  it('refuses with its own status, flag UAEX', () => {
    expect(guarded(401)).toMatchObject({ status: 401, flags: ['UAEX'], details: 'ext_authz_denied' })
  })

  it('that fails is 403, or passes where the provider fails open', () => {
    expect(guarded(500)).toMatchObject({ status: 403, flags: ['UAEX'], details: 'ext_authz_error' })
    expect(guarded(500, true)?.status).toBe(200)
  })
})
