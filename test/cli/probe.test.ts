import { describe, expect, it } from 'vitest'
import { createProxyProber } from '../../sim-core/run/probe-proxy.ts'

describe('the proxy-level probe', () => {
  it('says what is wrong with an input, and where', () => {
    const [line] = createProxyProber().answer({ name: 'x', calls: [{ mode: 'sideways', port: 80 }] })
    expect(line).toMatchObject({ name: 'x', invalid: [{ path: 'calls.0.mode' }] })
  })

  it('refuses configuration that is no YAML', () => {
    const [line] = createProxyProber().answer({ config: 'a: [', calls: [] })
    expect(line).toMatchObject({ invalid: [{ line: 1 }] })
  })
})
