import { describe, expect, it } from 'vitest'
import { defaultInjectionValues } from '../../sim-core/istiod/injection/values.ts'
import {
  type InjectionSettings,
  injectionRequired,
  injectPod,
  webhookSelects,
} from '../../sim-core/istiod/injector.ts'
import type { PodToAdmit } from '../../sim-core/model/admission.ts'

const settings: InjectionSettings = { values: defaultInjectionValues, mesh: {}, nativeSidecars: true }
const revision = { revision: '', enableNamespacesByDefault: false }

function aPod(over: Partial<PodToAdmit> = {}): PodToAdmit {
  return {
    name: 'web',
    namespace: 'shop',
    labels: { app: 'web' },
    annotations: {},
    spec: { containers: [{ name: 'app', ports: [{ name: 'http', containerPort: 8080 }] }] },
    workload: { kind: 'Deployment', apiVersion: 'apps/v1', name: 'web' },
    ...over,
  }
}

describe('webhookSelects', () => {
  it('needs a word from namespace or pod', () => {
    expect(webhookSelects(aPod(), {}, revision).because.code).toBe('injection.notAsked')
    expect(webhookSelects(aPod(), { 'istio-injection': 'enabled' }, revision).chose).toBe(true)
    expect(webhookSelects(aPod({ labels: { 'sidecar.istio.io/inject': 'true' } }), {}, revision).chose).toBe(
      true,
    )
  })

  it('lets the pod label refuse and the injection label win over the revision label', () => {
    const enabled = { 'istio-injection': 'enabled' }
    expect(
      webhookSelects(aPod({ labels: { 'sidecar.istio.io/inject': 'false' } }), enabled, revision).chose,
    ).toBe(undefined)
    expect(
      webhookSelects(aPod(), { 'istio-injection': 'disabled', 'istio.io/rev': 'default' }, revision).chose,
    ).toBe(undefined)
  })
})

describe('injectionRequired', () => {
  it('skips host network pods even when asked', () => {
    const pod = aPod({ labels: { 'sidecar.istio.io/inject': 'true' }, spec: { hostNetwork: true } })
    expect(injectionRequired(pod).because.code).toBe('injection.hostNetwork')
  })

  it('prefers the label to the annotation', () => {
    const pod = aPod({
      labels: { 'sidecar.istio.io/inject': 'true' },
      annotations: { 'sidecar.istio.io/inject': 'false' },
    })
    expect(injectionRequired(pod).chose).toBe(true)
  })
})

describe('injectPod', () => {
  it('puts a native sidecar between the rules and the other init containers', () => {
    const spec = { ...aPod().spec, initContainers: [{ name: 'migrate' }] }
    const native = injectPod(aPod({ spec }), settings)
    expect(native.chose?.spec.initContainers?.map(container => container.name)).toEqual([
      'istio-init',
      'istio-proxy',
      'migrate',
    ])
    const classic = injectPod(aPod({ spec }), { ...settings, nativeSidecars: false })
    expect(classic.chose?.spec.initContainers?.map(container => container.name)).toEqual([
      'migrate',
      'istio-init',
    ])
    expect(classic.chose?.spec.containers?.map(container => container.name)).toEqual(['app', 'istio-proxy'])
  })

  it('sends the probes of the app to the agent and remembers the originals', () => {
    const spec = {
      containers: [
        {
          name: 'app',
          ports: [{ name: 'http', containerPort: 8080 }],
          readinessProbe: { tcpSocket: { port: 'http' } },
        },
      ],
    }
    const injected = injectPod(aPod({ spec }), settings).chose?.spec
    expect(injected?.containers?.[0]?.readinessProbe).toEqual({
      httpGet: { path: '/app-health/app/readyz', port: 15020 },
    })
    const env = injected?.initContainers?.find(container => container.name === 'istio-proxy')?.env
    expect(env?.find(entry => entry.name === 'ISTIO_KUBE_APP_PROBERS')?.value).toBe(
      '{"/app-health/app/readyz":{"tcpSocket":{"port":8080}}}',
    )
  })

  it('tells istio-init what the annotations ask', () => {
    const annotations = {
      'traffic.sidecar.istio.io/excludeOutboundPorts': '3306',
      'sidecar.istio.io/interceptionMode': 'TPROXY',
    }
    const args = injectPod(aPod({ annotations }), settings).chose?.spec.initContainers?.[0]?.args ?? []
    expect(args.slice(args.indexOf('-m'), args.indexOf('-m') + 2)).toEqual(['-m', 'TPROXY'])
    expect(args.slice(args.indexOf('-o'), args.indexOf('-o') + 2)).toEqual(['-o', '3306'])
  })

  it('refuses an annotation that istio-init could not read', () => {
    const pod = aPod({ annotations: { 'traffic.sidecar.istio.io/excludeOutboundIPRanges': '*' } })
    expect(String(injectPod(pod, settings).because.facts?.['message'])).toContain('excludeIPRanges invalid')
  })
})
