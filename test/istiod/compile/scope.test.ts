import { describe, expect, it } from 'vitest'
import {
  destinationRuleFor,
  servicesFor,
  virtualServicesFor,
} from '../../../sim-core/istiod/compile/scope.ts'
import { aProxy, pushOf } from './from-yaml.ts'

const service = (name: string, namespace: string, ports = '[{name: http, port: 80}]') => `
apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: ${namespace}}
spec: {clusterIP: 10.0.0.1, ports: ${ports}}
---`

const sidecar = (egress: string, extra = '') => `
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {name: default}
spec: {egress: ${egress}${extra}}
---`

const hostnames = (yaml: string) => servicesFor(pushOf(yaml), aProxy()).map(each => each.hostname)

describe('scope', () => {
  it('imports everything visible where there is no Sidecar', () => {
    expect(hostnames(service('a', 'default') + service('b', 'other'))).toEqual([
      'a.default.svc.cluster.local',
      'b.other.svc.cluster.local',
    ])
  })

  it('imports what the Sidecar names, and what its VirtualServices send to', () => {
    const yaml = `${service('a', 'default')}${service('b', 'other')}${service('c', 'other', '[{name: http, port: 80}, {name: tcp, port: 90}]')}${sidecar('[{hosts: ["./*"]}]')}
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: a}
spec: {hosts: [a], http: [{route: [{destination: {host: c.other.svc.cluster.local, port: {number: 90}}}]}]}`
    const services = servicesFor(pushOf(yaml), aProxy())
    expect(services.map(each => [each.name, each.ports.map(port => port.number)])).toEqual([
      ['a', [80]],
      ['c', [90]],
    ])
  })

  it('trims services to the port of an egress listener', () => {
    const yaml = `${service('a', 'default', '[{name: http, port: 80}, {name: tcp, port: 90}]')}${sidecar('[{port: {number: 90, protocol: TCP, name: tcp}, hosts: ["*/*"]}]')}`
    expect(servicesFor(pushOf(yaml), aProxy())[0]?.ports.map(port => port.number)).toEqual([90])
  })

  it('leaves out hosts that an entry with a tilde excludes', () => {
    const yaml = `${service('a', 'default')}${service('b', 'other')}${sidecar('[{hosts: ["*/*", "~other/*"]}]')}`
    expect(hostnames(yaml)).toEqual(['a.default.svc.cluster.local'])
  })

  it('hides services that are exported elsewhere', () => {
    const yaml = service('b', 'other').replace(
      'namespace: other}',
      "namespace: other, annotations: {networking.istio.io/exportTo: '.'}}",
    )
    expect(hostnames(yaml)).toEqual([])
  })
})

const rule = (name: string, namespace: string, spec: string) => `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: ${name}, namespace: ${namespace}}
spec: ${spec}
---`

const ruleNames = (yaml: string, labels: Record<string, string> = {}) => {
  const push = pushOf(service('b', 'other') + yaml)
  const proxy = aProxy({ labels })
  const [target] = servicesFor(push, proxy)
  return target && destinationRuleFor(push, proxy, target)?.from.map(each => each.name)
}

describe('destination rule', () => {
  const host = 'b.other.svc.cluster.local'
  it('prefers the client namespace, then that of the service, then the root', () => {
    const root = rule('root', 'istio-system', `{host: ${host}}`)
    const other = rule('other', 'other', `{host: ${host}}`)
    expect(ruleNames(root)).toEqual(['root'])
    expect(ruleNames(root + other)).toEqual(['other'])
    expect(ruleNames(root + other + rule('own', 'default', `{host: ${host}}`))).toEqual(['own'])
  })

  it('hides a wider rule behind a more specific one that is not exported', () => {
    const wide = rule('wide', 'other', '{host: "*.other.svc.cluster.local"}')
    expect(
      ruleNames(wide + rule('narrow', 'other', `{host: ${host}, exportTo: [istio-system, third]}`)),
    ).toBe(undefined)
  })

  it('merges the subsets of rules for one host', () => {
    const one = rule('one', 'other', `{host: ${host}, subsets: [{name: v1}]}`)
    const two = rule('two', 'other', `{host: ${host}, subsets: [{name: v1}, {name: v2}]}`)
    expect(ruleNames(one + two)).toEqual(['one', 'two'])
  })

  it('takes a rule with a workloadSelector only where the labels match', () => {
    const all = rule('all', 'default', `{host: ${host}}`)
    const some = rule('some', 'default', `{host: ${host}, workloadSelector: {matchLabels: {app: x}}}`)
    expect(ruleNames(all + some)).toEqual(['all'])
    expect(ruleNames(all + some, { app: 'x' })).toEqual(['some'])
  })
})

describe('virtual services', () => {
  it('puts private ones before public ones and completes their hosts', () => {
    const virtualService = (name: string, exportTo: string) => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: ${name}}
spec: {hosts: [x], exportTo: ${exportTo}, http: [{route: [{destination: {host: y}}]}]}
---`
    const push = pushOf(virtualService('a', '["*"]') + virtualService('b', '["."]'))
    const found = virtualServicesFor(push, aProxy())
    expect(found.map(config => config.name)).toEqual(['b', 'a'])
    expect(found[0]?.spec.hosts).toEqual(['x.default.svc.cluster.local'])
  })
})
