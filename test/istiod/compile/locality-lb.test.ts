import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  applyLocalityRule,
  type LocalityGroup,
  type LocalityRule,
  localityRule,
  parseLocality,
} from '../../../sim-core/istiod/compile/locality-lb.ts'
import { anEndpoint } from './a-push.ts'

const source = (labels: Record<string, string>) => anEndpoint({ labels })

const group = (locality: string, ...labels: Record<string, string>[]): LocalityGroup => ({
  sources: labels.map(source),
  endpoints: {
    locality: parseLocality(locality),
    lbEndpoints: labels.map(() => ({ loadBalancingWeight: 1 })),
    loadBalancingWeight: labels.length,
  },
})

const client = { locality: parseLocality('eu/a/1'), labels: { rack: 'r1', row: 'x' } }
const locality = (setting: LocalityRule['setting']): LocalityRule => ({
  kind: 'locality',
  setting,
  force: false,
})
const priorities = (groups: readonly LocalityGroup[]) =>
  groups.map(({ endpoints }) => endpoints.priority ?? 0)

describe('localityRule', () => {
  it('lets a disabled setting of the rule hide that of the mesh', () => {
    const mesh = { localityLbSetting: { enabled: true } }
    expect(localityRule(mesh, { localityLbSetting: { enabled: false } }, undefined)).toBe(undefined)
    expect(localityRule(mesh, undefined, undefined)?.kind).toBe('locality')
  })

  it('prefers trafficDistribution of the service to the mesh', () => {
    const rule = localityRule({ localityLbSetting: {} }, undefined, { trafficDistribution: 'PreferSameZone' })
    expect(rule?.setting.failoverPriority?.at(-1)).toBe('topology.kubernetes.io/zone')
  })
})

describe('applyLocalityRule', () => {
  const places = [group('eu/a/1', {}), group('eu/a/2', {}), group('eu/b/', {}), group('us/a/', {})]

  it('ranks subzone, zone, region and the rest', () => {
    expect(priorities(applyLocalityRule(locality({}), places, client, true))).toEqual([0, 1, 2, 3])
  })

  it('ranks nothing without outlier detection', () => {
    expect(priorities(applyLocalityRule(locality({}), places, client, false))).toEqual([0, 0, 0, 0])
  })

  it('puts regions that are not the failover target last', () => {
    const groups = [group('us/a/', {}), group('asia/a/', {})]
    const rule = locality({ failover: [{ from: 'eu', to: 'asia' }] })
    expect(priorities(applyLocalityRule(rule, groups, client, true))).toEqual([1, 0])
  })

  it('splits a locality by how many labels match from the first on', () => {
    const groups = [group('eu/a/1', { rack: 'r1', row: 'x' }, { rack: 'r1' }, { row: 'x' })]
    const ranked = applyLocalityRule(locality({ failoverPriority: ['rack', 'row'] }), groups, client, true)
    expect(priorities(ranked)).toEqual([0, 1, 2])
  })

  it('shares a weight among the localities that it covers, and empties the others', () => {
    const rule = locality({ distribute: [{ from: 'eu/*', to: { 'eu/*': 80 } }] })
    const spread = applyLocalityRule(rule, places, client, false)
    expect(spread.map(({ endpoints }) => endpoints.loadBalancingWeight)).toEqual([27, 27, 27, 1])
    expect(spread[3]?.endpoints.lbEndpoints).toEqual([])
  })

  it('always counts priorities from 0 without a gap', () => {
    const part = fc.constantFrom('a', 'b', 'c')
    const place = fc.tuple(part, part, part).map(parts => parts.join('/'))
    fc.assert(
      fc.property(fc.uniqueArray(place, { minLength: 1, maxLength: 8 }), place, (names, own) => {
        const groups = names.map(name => group(name, {}))
        const ranked = applyLocalityRule(
          locality({}),
          groups,
          { locality: parseLocality(own), labels: {} },
          true,
        )
        const used = [...new Set(priorities(ranked))].sort((a, b) => a - b)
        expect(used).toEqual(used.map((_, i) => i))
      }),
    )
  })
})
