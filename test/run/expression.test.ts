import { describe, expect, it } from 'vitest'
import { createLanguage, type Expression, isProblem, type Questions } from '../../sim-core/run/expression.ts'
import type { On } from '../../sim-core/run/expression-types.ts'

const nothing = () => undefined
const questions: Questions = {
  workload: name => (name === 'shop/pay' ? { ready: 2, outboundMtlsShare: 1 } : undefined),
  pod: nothing,
  endpoint: () => ({ ejectedBy: ['a', 'b'] }),
  cluster: nothing,
  clients: () => ['a', 'b'],
  proxy: () => ({ synced: true }),
  baseline: () => 10,
  goodput: () => 9.6,
  share: (_, labels) => (labels.subset === 'v2' ? 0.1 : 0),
  probe: request => ({ status: request.url === 'http://pay' ? 403 : 200, stoppedAt: 'server.http.rbac' }),
  hops: request => [{ at: JSON.stringify(request).includes('s1') ? 'client.call' : '' }],
  config: () => ({ spec: { weight: 90, hosts: ['a'] } }),
}
const language = createLanguage(questions, { users: 4 })

function compiled(text: string, on: On): Expression {
  const expression = language.compile(text, on)
  if (isProblem(expression)) throw new Error(expression.message)
  return expression
}
const ask = (text: string, on: On, values = {}) => compiled(text, on).evaluate(language.bind(on, values))
const refusal = (text: string, on: On = 'request') => {
  const expression = language.compile(text, on)
  return isProblem(expression) ? `${expression.offset} ${expression.message}` : 'accepted'
}
const ended = {
  request: { traffic: 'users', n: 3, durationMs: 12.5 },
  response: { status: 503, flags: ['UO'], headers: {}, response: { headers: { 'x-a': '1' } } },
}

describe('expression', () => {
  it('judges a request that ended', () => {
    expect(ask("request.traffic == 'users' && response.status >= 500", 'request', ended)).toEqual({
      ok: true,
      value: true,
    })
    expect(ask("'UO' in response.flags && response.status + 1 == 504", 'request', ended)).toEqual({
      ok: true,
      value: true,
    })
  })

  it('reads what is absent as empty, and asks maps with has()', () => {
    expect(
      ask("response.gateway.cluster == '' && response.reached.port == 0", 'request', ended),
    ).toMatchObject({ value: true })
    expect(
      ask("has(response.response.headers.nope) || response.response.headers['x-a'] == '1'", 'request', ended),
    ).toMatchObject({ value: true })
  })

  it('makes a missing map key an error, not a verdict', () => {
    expect(ask("request.headers['x'] == 'y'", 'request', ended)).toEqual({
      ok: false,
      error: 'No such key: x',
    })
  })

  it('refuses misspelt names with their place', () => {
    expect(refusal('response.statuss == 1')).toBe('9 There is no field statuss. Did you mean status?')
    expect(refusal('respons.status == 1')).toBe(
      '0 There is no respons here (on: request); known are param, request, response. Did you mean response?',
    )
    expect(refusal('connection.requests > 1')).toMatch(/^0 There is no connection here \(on: request\)/)
  })

  it('refuses wrong types', () => {
    expect(refusal("response.status == '200'")).toBe('0 No such overload: int == string.')
    expect(refusal('response.status')).toBe('0 This must be true or false; it is of type int.')
    expect(refusal('response.status ==')).toMatch(/^\d+ This is no CEL expression: /)
  })

  it('asks the world', () => {
    expect(
      ask("workload('shop/pay').ready == 2 && workload('shop/pay').outboundMtlsShare == 1.0", 'state'),
    ).toMatchObject({ value: true })
    expect(ask("endpoint('k@1').ejectedBy.size() == clients('k').size()", 'state')).toMatchObject({
      value: true,
    })
    expect(ask("window('10s').goodput('load') > 0.95 * baseline('load')", 'state')).toMatchObject({
      value: true,
    })
    expect(
      ask("window('10s').share({'subset': 'v2'}) < 0.2 && now > 5.0", 'state', { now: 6 }),
    ).toMatchObject({ value: true })
    expect(ask("workload('nope').ready == 2", 'state')).toEqual({
      ok: false,
      error: "nothing is known of workload 'nope'",
    })
  })

  it('probes, lists and looks into resources in labs', () => {
    expect(ask("probe({'from': 'shop/sleep', 'url': 'http://pay'}).status == 403", 'check')).toMatchObject({
      value: true,
    })
    expect(
      ask("requests.exists(r, r.label == 's1' && hops(r)[0].at == 'client.call')", 'check', {
        requests: [{ label: 's1' }],
      }),
    ).toMatchObject({ value: true })
    expect(ask("config('VirtualService', 'a').spec.weight == 90", 'check')).toMatchObject({ value: true })
    expect(refusal('requests.exists(r, r.labl == "x")', 'check')).toMatch(
      /There is no field labl. Did you mean label/,
    )
  })

  it('knows the parameters of a sweep', () => {
    expect(ask('param.users <= 8', 'state')).toMatchObject({ value: true })
  })

  it('matches in linear time', () => {
    const values = { request: { url: `${'a'.repeat(40)}!` } }
    expect(ask("request.url.matches('^(a+)+$')", 'request', values)).toEqual({ ok: true, value: false })
    expect(ask("request.url.matches('a!')", 'request', values)).toEqual({ ok: true, value: true })
    expect(refusal("request.url.matches('(?=a)')")).toMatch(/^20 .*is no RE2 expression/)
  })

  it('lets loops nest two deep', () => {
    const loop = (inner: string) => `requests.exists(r, ${inner})`
    expect(refusal(loop(loop('true')), 'check')).toBe('accepted')
    expect(refusal(loop(loop(loop('true'))), 'check')).toMatch(/may nest 2 deep/)
  })

  it('says what it reads', () => {
    expect(compiled("workload('a').ready == 1 && now > 1.0", 'state').reads).toEqual(['now', 'workload'])
  })
})
