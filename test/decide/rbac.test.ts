import { describe, expect, it } from 'vitest'
import { evaluateRbac, type RbacQuery } from '../../sim-core/decide/rbac.ts'
import type { RbacPolicy } from '../../sim-core/model/xds/filters.ts'

const query: RbacQuery = {
  destinationIp: '10.0.0.1',
  destinationPort: 80,
  sourceIp: '10.0.0.2',
  remoteIp: '1.2.3.4',
  serverName: '',
  peer: ['spiffe://cluster.local/ns/a/sa/b'],
  request: { method: 'GET', scheme: 'http', authority: 'h', path: '/a/b?q', headers: [] },
}
const anyone: RbacPolicy = { permissions: [{ any: true }], principals: [{ any: true }] }
const never: RbacPolicy = { permissions: [{ notRule: { any: true } }], principals: [{ any: true }] }

describe('evaluateRbac', () => {
  it('allows what an ALLOW policy matches and names the first one', () => {
    const rules = { action: 'ALLOW' as const, policies: { b: anyone, a: anyone, '0': never } }
    expect(evaluateRbac(rules, query).chose).toEqual({ allowed: true, policy: 'a' })
  })

  it('denies when no ALLOW policy matches, and when a DENY policy does', () => {
    expect(evaluateRbac({ policies: { never } }, query).chose).toEqual({ allowed: false, policy: undefined })
    expect(evaluateRbac({ action: 'DENY', policies: { a: anyone } }, query).chose).toEqual({
      allowed: false,
      policy: 'a',
    })
  })

  it('compares paths without query, templates segment by segment', () => {
    const pathTemplate = '/*/b'
    const permissions = [
      { uriTemplate: { name: 'uri', typedConfig: { '@type': '', pathTemplate } } },
      { urlPath: { path: { exact: '/a/b' } } },
    ]
    const policies = {
      p: { permissions: [{ andRules: { rules: permissions } }], principals: [{ any: true }] },
    }
    expect(evaluateRbac({ policies }, query).chose?.allowed).toBe(true)
  })

  it('knows the peer only over mutual TLS', () => {
    const { peer: _, ...plaintext } = query
    const principals = [{ authenticated: { principalName: { suffix: '/ns/a/sa/b' } } }]
    const policies = { p: { permissions: [{ any: true }], principals } }
    expect(evaluateRbac({ policies }, query).chose?.allowed).toBe(true)
    expect(evaluateRbac({ policies }, plaintext).chose?.allowed).toBe(false)
  })

  it('reads JWT claims from dynamic metadata', () => {
    const metadata = {
      filter: 'jwt',
      path: [{ key: 'payload' }, { key: 'groups' }],
      value: { listMatch: { oneOf: { stringMatch: { exact: 'x' } } } },
    }
    const policies = { p: { permissions: [{ any: true }], principals: [{ metadata }] } }
    const withGroups = { ...query, metadata: { jwt: { payload: { groups: ['y', 'x'] } } } }
    expect(evaluateRbac({ policies }, withGroups).chose?.allowed).toBe(true)
    expect(evaluateRbac({ policies }, query).chose?.allowed).toBe(false)
  })
})
