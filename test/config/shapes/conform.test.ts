import { describe, expect, it } from 'vitest'
import { load } from '../../../sim-core/config/load.ts'
import type { LoadOptions } from '../../../sim-core/config/read-resource.ts'

const rule = (spec: string) =>
  `apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata:\n  name: r\nspec:\n  host: a\n${spec}`
const said = (spec: string, options: LoadOptions = {}) =>
  load({ 'r.yaml': rule(spec) }, options).diagnostics.map(
    ({ severity, code, line, column, message }) => `${severity} ${code} ${line}:${column} ${message}`,
  )
const policyOf = (spec: string) =>
  load({ 'r.yaml': rule(spec) }, { mode: 'lenient' }).tree.DestinationRule?.default?.r?.spec

describe('conform', () => {
  it('says what an unknown field was meant to be and where it stands', () => {
    expect(said('  trafficPolicy:\n    loadbalancer: {simple: RANDOM}\n')).toEqual([
      'warning field.unknown 8:5 There is no field loadbalancer in spec.trafficPolicy. Did you mean loadBalancer?',
    ])
  })

  it('lists the allowed words of an enum', () => {
    expect(said('  trafficPolicy:\n    tls: {mode: ISTIO_MUTAL}\n')).toEqual([
      'error field.enum 8:17 spec.trafficPolicy.tls.mode is "ISTIO_MUTAL", but only DISABLE, SIMPLE, MUTUAL, ISTIO_MUTUAL are allowed. Did you mean ISTIO_MUTUAL?',
    ])
  })

  it('refuses a list that is none, a number in quotes and a duration without a unit', () => {
    expect(said('  exportTo: "*"\n')).toEqual([
      'error field.type 7:13 spec.exportTo must be a list, not the string "*". Put a dash before it.',
    ])
    expect(
      said('  trafficPolicy: {connectionPool: {tcp: {maxConnections: "5", connectTimeout: 3}}}\n'),
    ).toEqual([
      'error field.type 7:58 spec.trafficPolicy.connectionPool.tcp.maxConnections must be a whole number, not the string "5".',
      'error field.type 7:79 spec.trafficPolicy.connectionPool.tcp.connectTimeout must be a duration such as 5s, not number 3. Give it a unit, such as 5s.',
    ])
  })

  it('refuses negative durations', () => {
    expect(said('  trafficPolicy: {outlierDetection: {interval: -1s}}\n')).toEqual([
      'error field.type 7:48 spec.trafficPolicy.outlierDetection.interval is "-1s"; a duration cannot be negative.',
    ])
  })

  it('refuses two fields of a oneof', () => {
    expect(
      said('  trafficPolicy: {loadBalancer: {simple: RANDOM, consistentHash: {useSourceIp: true}}}\n'),
    ).toEqual([
      'error field.exclusive 7:33 spec.trafficPolicy.loadBalancer sets simple and consistentHash; only one of them may be set. Remove the others.',
    ])
  })

  it('keeps a refused resource out of the tree, a leniently read one in it without the bad field', () => {
    const spec =
      '  trafficPolicy: {loadBalancer: {simple: [1]}, connectionPool: {tcp: {maxConnections: "5"}}}\n'
    expect(load({ 'r.yaml': rule(spec) }).tree.DestinationRule).toBeUndefined()
    expect(policyOf(spec)).toEqual({
      host: 'a',
      trafficPolicy: { loadBalancer: {}, connectionPool: { tcp: { maxConnections: 5 } } },
    })
  })

  it('makes unknown fields errors or nothing when told so', () => {
    expect(said('  x: 1\n', { unknownFields: 'fail' })[0]).toMatch(/^error field.unknown/)
    expect(said('  x: 1\n', { unknownFields: 'ignore' })).toEqual([])
  })

  it('reads an empty field as an absent one', () => {
    expect(policyOf('  subsets:\n  exportTo: ["."]\n')).toEqual({ host: 'a', exportTo: ['.'] })
  })

  it('knows misspelt metadata', () => {
    const { diagnostics } = load({
      'a.yaml': 'apiVersion: v1\nkind: Service\nmetadata:\n  name: a\n  label: {}\n',
    })
    expect(diagnostics.map(diagnostic => diagnostic.message)).toEqual([
      'There is no field label in metadata. Did you mean labels?',
    ])
  })
})
