import { describe, expect, it } from 'vitest'
import { load } from '../../sim-core/config/load.ts'
import { dnsZone, resolve } from '../../sim-core/platform/dns-zone.ts'
import { type EndpointPod, endpointSlicesOf } from '../../sim-core/platform/endpoint-slices.ts'
import { planPod, workloadsOf } from '../../sim-core/platform/workloads.ts'

const treeOf = (text: string) => load({ 'a.yaml': text }).tree
const aPod = (over: Partial<EndpointPod>): EndpointPod => ({
  name: 'db-0',
  namespace: 'default',
  labels: { app: 'db' },
  spec: { containers: [{ name: 'app', ports: [{ name: 'sql', containerPort: 5432 }] }] },
  ip: '10.244.1.2',
  ready: true,
  terminating: false,
  nodeName: 'node-1',
  zone: '',
  ...over,
})
const db = `
apiVersion: v1
kind: Service
metadata: {name: db}
spec: {clusterIP: None, selector: {app: db}, ports: [{name: sql, port: 5432, targetPort: sql}]}`

describe('endpointSlicesOf', () => {
  it('resolves named ports per pod and says who is going', () => {
    const service = treeOf(db)['Service']?.['default']?.['db']
    if (!service) throw new Error('the service is loaded')
    const slices = endpointSlicesOf(service, [
      aPod({}),
      aPod({ name: 'db-1', ip: '10.244.1.3', terminating: true }),
    ])
    expect(slices[0]?.body).toMatchObject({
      ports: [{ name: 'sql', port: 5432 }],
      endpoints: [
        { conditions: { ready: true, serving: true, terminating: false } },
        { conditions: { ready: false, serving: true, terminating: true } },
      ],
    })
  })

  it('makes none for a Service without a selector', () => {
    const service = treeOf(
      '{apiVersion: v1, kind: Service, metadata: {name: x}, spec: {ports: [{port: 80}]}}',
    )['Service']?.['default']?.['x']
    if (!service) throw new Error('the service is loaded')
    expect(endpointSlicesOf(service, [aPod({})])).toEqual([])
  })
})

describe('planPod', () => {
  it('names pods as their controllers do', () => {
    const tree = treeOf(`
{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {replicas: 2, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: a}]}}}}
---
{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db}, spec: {serviceName: db, template: {spec: {containers: [{name: a}]}}}}`)
    const plans = workloadsOf(tree, 1).map(workload => planPod(workload, 0, () => 'abcde'))
    expect(plans[0]?.name).toMatch(/^web-[bcdfghjklmnpqrstvwxz2-9]{5,10}-abcde$/)
    expect(plans[0]?.labels['pod-template-hash']).toBe(plans[0]?.name.split('-')[1])
    expect(plans[1]).toMatchObject({ name: 'db-0', spec: { hostname: 'db-0', subdomain: 'db' } })
  })
})

describe('resolve', () => {
  const zone = dnsZone(
    treeOf(`
{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {clusterIP: 10.96.0.5, ports: [{port: 80}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: alias, namespace: other}, spec: {type: ExternalName, externalName: web.default.svc.cluster.local}}`),
  )

  it('tries the search domains of the namespace', () => {
    expect(resolve(zone, 'web', 'default')).toEqual(['10.96.0.5'])
    expect(resolve(zone, 'web', 'other')).toBe(undefined)
    expect(resolve(zone, 'web.default', 'other')).toEqual(['10.96.0.5'])
  })

  it('follows an ExternalName', () => {
    expect(resolve(zone, 'alias', 'other')).toEqual(['10.96.0.5'])
  })

  it('gives an outside name one address of its own', () => {
    expect(resolve(zone, 'api.example.com', 'default')).toEqual(resolve(zone, 'api.example.com', 'other'))
  })
})
