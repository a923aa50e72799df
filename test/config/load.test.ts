import { describe, expect, it } from 'vitest'
import { load } from '../../sim-core/config/load.ts'

const service = (name: string, extra = '') => `apiVersion: v1
kind: Service
metadata:
  name: ${name}${extra}
spec:
  ports:
  - port: 80
`

describe('load', () => {
  it('reads every document of every file in order', () => {
    const { resources } = load({ 'a.yaml': `${service('a')}---\n${service('b')}`, 'b.yaml': service('c') })
    expect(resources.map(resource => [resource.metadata.name, resource.order])).toEqual([
      ['a', 0],
      ['b', 1],
      ['c', 2],
    ])
  })

  it('unrolls Lists and places their items', () => {
    const { tree, locate } = load({
      'l.yaml': `apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Service\n  metadata:\n    name: x\n  spec:\n    clusterIP: 10.0.0.1\n`,
    })
    expect(tree.Service?.default?.x).toBeDefined()
    expect(locate({ kind: 'Service', namespace: 'default', name: 'x', path: 'spec.clusterIP' })).toEqual({
      file: 'l.yaml',
      line: 9,
      column: 5,
    })
  })

  it('gives documents without a namespace that of their file, of the load, or default', () => {
    const { tree } = load(
      { 'a.yaml': service('a'), 'b.yaml': service('b') },
      { namespace: 'shop', namespaces: { 'b.yaml': 'bank' } },
    )
    expect(Object.keys(tree.Service ?? {})).toEqual(['shop', 'bank'])
  })

  it('keeps cluster-scoped kinds out of namespaces', () => {
    const { tree } = load({
      'n.yaml': 'apiVersion: v1\nkind: Namespace\nmetadata: {name: foo, namespace: bar}\n',
    })
    expect(tree.Namespace?.['']?.foo).toBeDefined()
  })

  it('files the Gateway of Gateway API apart from that of Istio', () => {
    const gateway = (group: string) =>
      `apiVersion: ${group}/v1\nkind: Gateway\nmetadata: {name: g}\nspec: {${group === 'networking.istio.io' ? '' : 'gatewayClassName: istio'}}\n`
    const { tree, diagnostics } = load({
      'g.yaml': `${gateway('networking.istio.io')}---\n${gateway('gateway.networking.k8s.io')}`,
    })
    expect(diagnostics.filter(diagnostic => diagnostic.code === 'resource.duplicate')).toEqual([])
    expect(tree.Gateway?.default?.g?.apiVersion).toBe('networking.istio.io/v1')
    expect(tree.KubernetesGateway?.default?.g?.apiVersion).toBe('gateway.networking.k8s.io/v1')
  })

  it('names both places of a resource that is defined twice', () => {
    const { diagnostics, resources } = load({ 'a.yaml': service('a'), 'b.yaml': `\n${service('a')}` })
    expect(resources).toHaveLength(1)
    expect(diagnostics).toMatchObject([{ code: 'resource.duplicate', file: 'b.yaml', line: 2 }])
    expect(diagnostics[0]?.message).toContain('a.yaml:1')
  })

  it('loads the other documents when one is broken', () => {
    const { resources, diagnostics } = load({ 'a.yaml': `a: [b\n---\n${service('b')}` })
    expect(resources.map(resource => resource.metadata.name)).toEqual(['b'])
    expect(diagnostics[0]).toMatchObject({ code: 'yaml.syntax', severity: 'error' })
  })

  it('passes over documents of glassmesh.dev', () => {
    expect(load({ 's.yaml': 'apiVersion: glassmesh.dev/v1alpha1\nkind: Scenario\n' })).toMatchObject({
      resources: [],
      diagnostics: [],
    })
  })

  it('lists what it knows and does not simulate, and what it does not know', () => {
    const { diagnostics } = load({
      'a.yaml':
        'apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: a}\n---\napiVersion: x.io/v1\nkind: Y\nmetadata: {name: b}\n',
    })
    expect(diagnostics.map(diagnostic => [diagnostic.code, diagnostic.effect, diagnostic.line])).toEqual([
      ['kind.parsed-only', 'parsed-only', 2],
      ['kind.unknown', 'parsed-only', 6],
    ])
  })

  it('reads creation times in whole seconds', () => {
    const { tree } = load({ 'a.yaml': service('a', '\n  creationTimestamp: "2024-02-29T12:00:00+01:00"') })
    expect(tree.Service?.default?.a?.metadata.creationTimestamp).toBe(Date.UTC(2024, 1, 29, 11) / 1000)
  })

  it('refuses a million aliases at once', () => {
    const bomb = `a: &a x\nb: [${'*a, '.repeat(1_000_000)}]`
    expect(load({ 'a.yaml': bomb }).diagnostics).toMatchObject([{ code: 'yaml.aliases' }])
  })

  it('refuses aliases that multiply', () => {
    const bomb = `a: &a [x,x,x,x,x,x,x,x,x,x]\n${'bcdefgh'
      .split('')
      .map((name, index) => `${name}: &${name} [${`*${'abcdefg'[index]},`.repeat(10)}]`)
      .join('\n')}`
    expect(load({ 'a.yaml': bomb }).diagnostics).toMatchObject([{ code: 'yaml.aliases' }])
  })

  it('refuses endless nesting', () => {
    expect(load({ 'a.yaml': `a: ${'['.repeat(3000)}${']'.repeat(3000)}` }).diagnostics).toMatchObject([
      { code: 'yaml.depth' },
    ])
    expect(load({ 'a.json': `${'['.repeat(100_000)}${']'.repeat(100_000)}` }).diagnostics).toMatchObject([
      { code: 'yaml.depth' },
    ])
  })

  it('refuses numbers that JSON does not have', () => {
    expect(load({ 'a.yaml': 'apiVersion: v1\nkind: Service\nx: .nan\n' }).diagnostics).toMatchObject([
      { code: 'yaml.number' },
    ])
  })

  it('reads JSON and places its fields', () => {
    const { locate } = load({
      'a.json':
        '{"apiVersion":"v1","kind":"Service",\n"metadata":{"name":"a"},\n"spec":{"ports":[\n{"port":80}]}}',
    })
    expect(
      locate({ kind: 'Service', namespace: 'default', name: 'a', path: 'spec.ports[0].port' }),
    ).toMatchObject({
      line: 4,
      column: 2,
    })
  })

  it('finds a Service called constructor only when there is one', () => {
    expect(load({}).tree.Service?.default?.constructor).toBeUndefined()
    expect(load({ 'a.yaml': service('a') }).tree.Service?.default?.constructor).toBeUndefined()
  })
})
