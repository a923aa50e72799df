import { describe, expect, it } from 'vitest'
import { admit, refusalOf } from '../../sim-core/config/admission.ts'
import { load } from '../../sim-core/config/load.ts'

const istio = (kind: string, group: string, spec: string) =>
  `apiVersion: ${group}.istio.io/v1\nkind: ${kind}\nmetadata: {name: x}\nspec:\n${spec}`
const said = (yaml: string) =>
  admit({ 'x.yaml': yaml }).verdicts.flatMap(({ valid, problems }) =>
    problems.map(
      ({ severity, line, path }) => `${valid ? 'admitted' : 'refused'} ${severity} ${line} ${path}`,
    ),
  )

describe('admit', () => {
  it('says which weight is wrong, on its line', () => {
    const spec = '  hosts: [a]\n  http:\n  - route:\n    - destination: {host: a}\n      weight: -1\n'
    expect(said(istio('VirtualService', 'networking', spec))).toEqual([
      'refused error 9 spec.http[0].route[0].weight',
    ])
  })

  it('admits what only deserves a warning', () => {
    const spec =
      '  hosts: [a]\n  http:\n  - route: [{destination: {host: a}}]\n  - route: [{destination: {host: b}}]\n'
    expect(said(istio('VirtualService', 'networking', spec))).toEqual(['admitted warning 8 spec.http[1]'])
  })

  it('tells a match that a wider prefix takes', () => {
    const match = (prefix: string) =>
      `  - match: [{uri: {prefix: ${prefix}}}]\n    route: [{destination: {host: a}}]\n`
    const spec = `  hosts: [a]\n  http:\n${match('/shop')}${match('/shop/cart')}`
    expect(said(istio('VirtualService', 'networking', spec))).toEqual([
      'admitted warning 9 spec.http[1].match[0]',
    ])
  })

  it('lets weights add up to anything but nothing', () => {
    const to = (weights: readonly number[]) =>
      `  hosts: [a]\n  http:\n  - route:\n${weights.map(weight => `    - {destination: {host: a}, weight: ${weight}}\n`).join('')}`
    expect(said(istio('VirtualService', 'networking', to([1, 2])))).toEqual([])
    expect(said(istio('VirtualService', 'networking', to([0, 0])))).toEqual([
      'refused error 7 spec.http[0].route',
    ])
  })

  it('refuses portLevelMtls without a selector', () => {
    expect(said(istio('PeerAuthentication', 'security', '  portLevelMtls: {80: {mode: DISABLE}}\n'))).toEqual(
      ['refused error 5 spec.portLevelMtls'],
    )
  })

  it('warns of a DENY rule that closes TCP ports', () => {
    const spec = '  action: DENY\n  rules: [{to: [{operation: {methods: [GET]}}]}]\n'
    expect(said(istio('AuthorizationPolicy', 'security', spec))).toEqual(['admitted warning 6 spec.rules[0]'])
  })

  it('asks a local failure count for the switch that turns it on', () => {
    const spec = '  host: a\n  trafficPolicy: {outlierDetection: {consecutiveLocalOriginFailures: 5}}\n'
    expect(said(istio('DestinationRule', 'networking', spec))).toEqual([
      'refused error 6 spec.trafficPolicy.outlierDetection.consecutiveLocalOriginFailures',
    ])
  })

  it('refuses CIDR blocks that are to be resolved by DNS', () => {
    const spec =
      '  hosts: [a.com]\n  addresses: [10.0.0.0/8]\n  resolution: DNS\n  ports: [{number: 80, name: http, protocol: HTTP}]\n'
    expect(said(istio('ServiceEntry', 'networking', spec))).toEqual(['refused error 6 spec.addresses[0]'])
  })

  it('refuses wildcards that stand in front of half a name', () => {
    const spec = '  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*bar.com"]}]\n'
    expect(said(istio('Gateway', 'networking', spec))).toEqual(['refused error 5 spec.servers[0].hosts[0]'])
  })

  it('gives every resource of a file its verdict', () => {
    const yaml = `${istio('Gateway', 'networking', '  servers: []\n')}---\napiVersion: v1\nkind: Namespace\nmetadata: {name: n}\n`
    expect(admit({ 'x.yaml': yaml }).verdicts.map(({ kind, line, valid }) => [kind, line, valid])).toEqual([
      ['Gateway', 1, false],
      ['Namespace', 7, true],
    ])
  })

  it('asks a Deployment to select its own pods', () => {
    const deployment = (label: string) =>
      `apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec:\n  selector: {matchLabels: {app: a}}\n  template: {metadata: {labels: {app: ${label}}}}\n`
    expect(said(deployment('a'))).toEqual([])
    expect(said(deployment('b'))).toEqual(['refused error 5 spec.selector'])
  })

  it('asks several ports of a Service for names', () => {
    const service = (ports: string) =>
      `apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec:\n  ports: ${ports}\n`
    expect(said(service('[{port: 80}]'))).toEqual([])
    expect(said(service('[{port: 80}, {port: 81, name: b}]'))).toEqual(['refused error 5 spec.ports[0]'])
  })

  it('says in one sentence why a resource is refused', () => {
    const [bad, good] = load({
      'x.yaml': `${istio('Gateway', 'networking', '  servers: []\n')}---\n${istio('PeerAuthentication', 'security', '  mtls: {mode: STRICT}\n')}`,
    }).resources
    expect(bad && refusalOf(bad)).toBe(
      'Gateway default/x is refused: spec.servers: A Gateway needs at least one server.',
    )
    expect(good && refusalOf(good)).toBeUndefined()
  })
})
