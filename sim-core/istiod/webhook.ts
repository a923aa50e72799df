import { featureOf } from '../config/defaults/features.ts'
import { effectiveMeshConfig } from '../config/defaults/mesh-config.ts'
import type { AdmittedPod, PodToAdmit } from '../model/admission.ts'
import type { PodSpec } from '../model/kubernetes.ts'
import type { Decision } from '../model/reason.ts'
import type { ResourceTree } from '../model/resource.ts'
import { proxyConfigFor } from './injection/proxy-config-resources.ts'
import { defaultInjectionValues, type InjectionValues } from './injection/values.ts'
import { injectionRequired, injectPod, webhookSelects } from './injector.ts'
import type { IstiodSettings } from './settings.ts'

/** What the user of the whole input wants of pods about which nobody says a word. */
export interface InjectionWish {
  /** What unlabelled namespaces get. */
  readonly unlabelled: 'sidecar' | 'none'
  /** Overrides every label, for comparisons. */
  readonly force: 'sidecar' | 'none' | undefined
}

/** Namespaces that never get sidecars unless they ask. */
const SYSTEM = ['kube-system', 'kube-public', 'kube-node-lease', 'local-path-storage', 'istio-system']

/** What becomes of a new pod: injected, or as it was and why. A `chose` of `undefined` refuses the pod. */
export function admitPod(
  pod: PodToAdmit,
  tree: ResourceTree,
  wish: InjectionWish,
  settings: IstiodSettings,
  values: InjectionValues = defaultInjectionValues,
): Decision<AdmittedPod> {
  const untouched: AdmittedPod = { labels: pod.labels, annotations: pod.annotations, spec: pod.spec }
  const selected = isWanted(pod, tree, wish, values)
  if (!selected.chose) return { chose: untouched, because: selected.because }
  const required = injectionRequired(pod)
  if (!required.chose) return { chose: untouched, because: required.because }
  if (pod.annotations['sidecar.istio.io/status'] !== undefined)
    return { chose: untouched, because: { code: 'injection.already' } }
  const mesh = effectiveMeshConfig(tree, settings.mesh)
  return injectPod(pod, {
    values,
    mesh,
    proxyConfig: proxyConfigFor(tree, mesh, pod),
    nativeSidecars: nativeSidecars(tree, settings, pod.spec),
  })
}

function isWanted(
  pod: PodToAdmit,
  tree: ResourceTree,
  wish: InjectionWish,
  values: InjectionValues,
): Decision<true> {
  if (wish.force === 'none') return { chose: undefined, because: { code: 'injection.forcedOff' } }
  const isSystem = SYSTEM.includes(pod.namespace)
  if (wish.force === 'sidecar' && !isSystem) return { chose: true, because: { code: 'injection.forced' } }
  const labels = tree['Namespace']?.['']?.[pod.namespace]?.metadata.labels ?? {}
  return webhookSelects(pod, labels, {
    revision: values.revision,
    enableNamespacesByDefault: wish.unlabelled === 'sidecar' && !isSystem && !isGateway(pod.spec),
  })
}

/** A pod whose only container is a proxy is a gateway that somebody wrote out. */
function isGateway(spec: PodSpec): boolean {
  return (spec.containers ?? []).every(container => container.name === 'istio-proxy')
}

/** What becomes of a new pod while istiod does not answer: refused where its webhook would have been called (failurePolicy Fail), as it was elsewhere. */
export function admitWithoutIstiod(
  pod: PodToAdmit,
  tree: ResourceTree,
  wish: InjectionWish,
): Decision<AdmittedPod> {
  const selected = isWanted(pod, tree, wish, defaultInjectionValues)
  if (selected.chose) return { chose: undefined, because: { code: 'injection.webhookDown' } }
  const { labels, annotations, spec } = pod
  return { chose: { labels, annotations, spec }, because: selected.because }
}

/** Whether some namespace or pod of the input speaks about a mesh. */
export function speaksOfMesh(tree: ResourceTree): boolean {
  const words = ['istio-injection', 'istio.io/rev', 'istio.io/dataplane-mode']
  return Object.values(tree['Namespace']?.[''] ?? {}).some(namespace =>
    words.some(word => namespace.metadata.labels[word] !== undefined),
  )
}

/** ENABLE_NATIVE_SIDECARS: `auto` asks the pod's node, or all nodes, for Kubernetes 1.33; where no Node is known they are new enough. istio: pkg/kube/inject/webhook.go DetectNativeSidecar. */
function nativeSidecars(tree: ResourceTree, settings: IstiodSettings, spec: PodSpec): boolean {
  const stated = String(featureOf(settings, 'ENABLE_NATIVE_SIDECARS'))
  if (stated !== 'auto') return stated === 'true'
  const nodes = Object.values(tree['Node']?.[''] ?? {})
  const asked = spec.nodeName ? nodes.filter(node => node.metadata.name === spec.nodeName) : nodes
  return asked.every(node => {
    const version = (node.status as { readonly nodeInfo?: { readonly kubeletVersion?: string } } | undefined)
      ?.nodeInfo?.kubeletVersion
    const minor = /^v?1\.(\d+)/.exec(version ?? '')?.[1]
    return minor === undefined || Number(minor) >= 33
  })
}
