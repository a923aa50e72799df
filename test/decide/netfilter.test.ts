import { describe, expect, it } from 'vitest'
import { captureInbound, captureOutbound, type Flow } from '../../sim-core/decide/netfilter.ts'
import { ambientIptablesRules, iptablesRules } from '../../sim-core/network/iptables.ts'

const chart = {
  OutboundIPRangesInclude: '*',
  InboundPortsInclude: '*',
  InboundPortsExclude: '15090,15021,15020',
}
const POD = '10.1.0.5'
const flow = (of: Partial<Flow>): Flow => ({
  hook: 'OUTPUT',
  protocol: 'tcp',
  source: POD,
  destination: '10.1.0.9',
  port: 8080,
  uid: 1000,
  gid: 1000,
  interface: 'eth0',
  mark: 0,
  ...of,
})
const out = (of: Partial<Flow>, config = {}) =>
  captureOutbound(iptablesRules({ ...chart, ...config }), flow(of)).chose
const into = (of: Partial<Flow>, config = {}) =>
  captureInbound(
    iptablesRules({ ...chart, ...config }),
    flow({ source: '10.1.0.9', destination: POD, uid: -1, gid: -1, ...of }),
  ).chose
const proxy = (port: number) => ({ to: 'proxy', port })
const wire = { to: 'wire' }

describe('captureOutbound', () => {
  it('sends an application to Envoy', () => expect(out({})).toEqual(proxy(15001)))
  it('lets Envoy itself out', () => expect(out({ uid: 1337 })).toEqual(wire))
  it('knows Envoy by its group too', () => expect(out({ gid: 1337 })).toEqual(wire))
  it('leaves a call to the own pod alone', () =>
    expect(out({ destination: POD, interface: 'lo' })).toEqual(wire))
  it('leads Envoy calling its own pod through the inbound listener', () =>
    expect(out({ destination: POD, interface: 'lo', uid: 1337 })).toEqual(proxy(15006)))
  it('lets Envoy dial the application from 127.0.0.6', () =>
    expect(out({ source: '127.0.0.6', destination: POD, interface: 'lo', uid: 1337 })).toEqual(wire))
  it('does not touch UDP', () => expect(out({ protocol: 'udp', port: 53 })).toEqual(wire))
  it('sends DNS to the agent where DNS is captured', () =>
    expect(out({ protocol: 'udp', port: 53 }, { RedirectDNS: true, CaptureAllDNS: true })).toEqual(
      proxy(15053),
    ))
  it('respects excluded ranges and ports', () => {
    expect(out({}, { OutboundIPRangesExclude: '10.1.0.0/16' })).toEqual(wire)
    expect(out({}, { OutboundPortsExclude: '8080' })).toEqual(wire)
  })
  it('captures only included ranges', () => {
    const config = { OutboundIPRangesInclude: '10.96.0.0/12' }
    expect(out({}, config)).toEqual(wire)
    expect(out({ destination: '10.96.3.4' }, config)).toEqual(proxy(15001))
  })
  it('says which rule it was', () => {
    const { because } = captureOutbound(iptablesRules(chart), flow({}))
    expect(because.facts).toEqual({
      table: 'nat',
      rule: '-A ISTIO_REDIRECT -p tcp -j REDIRECT --to-ports 15001',
    })
  })
})

describe('captureInbound', () => {
  it('sends callers to Envoy', () => expect(into({})).toEqual(proxy(15006)))
  it('leaves probe and tunnel ports alone', () => {
    for (const port of [15008, 15020, 15021, 15090]) expect(into({ port })).toEqual(wire)
  })
  it('captures only listed ports', () => {
    expect(into({ port: 80 }, { InboundPortsInclude: '8080' })).toEqual(wire)
    expect(into({ port: 8080 }, { InboundPortsInclude: '8080' })).toEqual(proxy(15006))
  })
  it('captures by TPROXY in the mangle table', () => {
    expect(into({}, { InboundInterceptionMode: 'TPROXY' })).toEqual(proxy(15006))
    expect(into({ mark: 1337 }, { InboundInterceptionMode: 'TPROXY' })).toEqual(wire)
  })
  it('leaves a pod without rules alone', () =>
    expect(captureInbound({ tables: {} }, flow({})).chose).toEqual(wire))
})

describe('ambientIptablesRules', () => {
  const rules = ambientIptablesRules({})
  it('sends an application to ztunnel', () =>
    expect(captureOutbound(rules, flow({})).chose).toEqual(proxy(15001)))
  it('lets ztunnel itself out', () =>
    expect(captureOutbound(rules, flow({ mark: 0x539 })).chose).toEqual(wire))
  it('takes plaintext in at 15006 and lets HBONE straight in', () => {
    const inbound = (of: Partial<Flow>) => captureInbound(rules, flow({ destination: POD, ...of })).chose
    expect(inbound({})).toEqual(proxy(15006))
    expect(inbound({ port: 15008 })).toEqual(wire)
    expect(inbound({ source: '169.254.7.127' })).toEqual(wire)
  })
})
