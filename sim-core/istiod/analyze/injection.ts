import type { Resource } from '../../model/resource.ts'
import {
  type Analysis,
  containersOf,
  type Fields,
  type Finding,
  finding,
  fullName,
  isSystemNamespace,
  istioNamespace,
  labelSelectorMatches,
  listOf,
  proxyContainer,
  specOf,
} from './analysis.ts'

/** What a namespace's labels say about its pods. */
type Injection = 'injected' | 'ambient' | 'none'

/** Whether pods of a namespace get a sidecar, go through ztunnel, or neither. */
export function injectionOf(analysis: Analysis, name: string): Injection {
  const labels =
    analysis.of('Namespace').find(({ metadata }) => metadata.name === name)?.metadata.labels ?? {}
  if (labels['istio-injection'] === 'disabled') return 'none'
  if (labels['istio-injection'] === 'enabled' || labels['istio.io/rev']) return 'injected'
  return labels['istio.io/dataplane-mode'] === 'ambient' ? 'ambient' : 'none'
}

/** Namespaces whose labels are missing or contradict each other, and pods that stayed without a proxy. */
export function injection(analysis: Analysis): readonly Finding[] {
  const namespaces = analysis.of('Namespace').filter(({ metadata }) => !isSystemNamespace(metadata.name))
  const pods = analysis.of('Pod').filter(pod => {
    const wish =
      pod.metadata.labels['sidecar.istio.io/inject'] ?? pod.metadata.annotations['sidecar.istio.io/inject']
    return (
      !isSystemNamespace(pod.metadata.namespace) &&
      injectionOf(analysis, pod.metadata.namespace) === 'injected' &&
      wish !== 'false' &&
      !specOf(pod).hostNetwork &&
      !proxyContainer(specOf(pod))
    )
  })
  return [
    ...namespaces.flatMap(ofNamespace),
    ...pods.map(pod => {
      const message = `${fullName(pod)} runs without a proxy though its namespace asks for one; start it again.`
      return finding('PodMissingProxy', pod, message)
    }),
  ]
}

function ofNamespace(namespace: Resource): readonly Finding[] {
  const { labels, name } = namespace.metadata
  if (labels['istio-injection'] === 'disabled') return []
  const given = ['istio-injection', 'istio.io/rev', 'istio.io/dataplane-mode'].filter(
    key => labels[key] !== undefined && labels[key] !== 'none',
  )
  if (given.length > 1) {
    const message = `The namespace ${name} carries ${given.join(' and ')}, which say different things.`
    return [finding('NamespaceMultipleInjectionLabels', namespace, message, 'metadata.labels')]
  }
  if (given.length > 0) return []
  const message = `Pods of ${name} get no proxy: the namespace carries neither istio-injection nor istio.io/rev.`
  return [finding('NamespaceNotInjected', namespace, message, 'metadata.labels')]
}

/** Pods whose proxy is of another version than the injector would give them today. */
export function proxyImage(analysis: Analysis): readonly Finding[] {
  const images = injectorImages(analysis)
  return analysis.of('Namespace').flatMap(namespace => {
    const { name, labels } = namespace.metadata
    if (isSystemNamespace(name) || injectionOf(analysis, name) !== 'injected') return []
    const image = images.get(labels['istio.io/rev'] ?? '')
    if (image === undefined) return []
    const old = analysis
      .of('Pod')
      .filter(
        pod =>
          pod.metadata.namespace === name &&
          pod.metadata.annotations['sidecar.istio.io/proxyImage'] === undefined &&
          isOther(proxyContainer(specOf(pod)), image),
      )
    if (old.length === 0) return []
    const message = `${old.map(pod => pod.metadata.name).join(', ')} of ${name} runs another proxy than the injector’s ${image}.`
    return [finding('PodsIstioProxyImageMismatchInNamespace', namespace, message)]
  })
}

/** Variants of one version count as the same. */
function isOther(container: Fields, image: string): boolean {
  if (typeof container?.image !== 'string') return false
  return withoutVariant(container.image) !== withoutVariant(image)
}

const withoutVariant = (image: string): string => image.replace(/-(distroless|debug)$/, '')

const configMapName = 'istio-sidecar-injector'

/** The proxy's image by revision. */
function injectorImages(analysis: Analysis): ReadonlyMap<string, string> {
  const images = new Map<string, string>()
  for (const map of analysis.of('ConfigMap')) {
    const { name, namespace } = map.metadata
    if (!name.startsWith(configMapName) || namespace !== istioNamespace) continue
    const text = (map.body.data as Fields)?.values
    const image = typeof text === 'string' ? imageOf(text) : undefined
    if (image) images.set(name.slice(configMapName.length + 1), image)
  }
  return images
}

function imageOf(text: string): string | undefined {
  let values: Fields
  try {
    values = JSON.parse(text)
  } catch {
    return undefined
  }
  const { hub, tag, proxy } = values?.global ?? {}
  if (!proxy?.image) return undefined
  return proxy.image.includes('/') ? proxy.image : `${hub}/${proxy.image}:${tag}`
}

/** Containers that only the injector could give an image. */
export function imageAuto(analysis: Analysis): readonly Finding[] {
  const webhooks = analysis
    .of('MutatingWebhookConfiguration')
    .flatMap(configuration => listOf(configuration.body.webhooks))
    .filter(({ name }) => typeof name === 'string' && name.endsWith('istio.io'))
  return [
    ...analysis
      .of('Pod')
      .filter(pod => hasAuto(specOf(pod)))
      .map(pod => {
        const message = 'The proxy’s image is still auto: no injector replaced it.'
        return finding('ImageAutoWithoutInjectionError', pod, message)
      }),
    ...analysis
      .of('Deployment')
      .filter(deployment => hasAuto(specOf(deployment).template?.spec))
      .filter(deployment => !webhooks.some(webhook => isAsked(analysis, webhook, deployment)))
      .map(deployment => {
        const message = 'The proxy’s image is auto, and no injector is asked about these pods.'
        return finding('ImageAutoWithoutInjectionWarning', deployment, message)
      }),
  ]
}

const hasAuto = (spec: Fields): boolean =>
  containersOf(spec).some(({ name, image }) => name === 'istio-proxy' && image === 'auto')

function isAsked(analysis: Analysis, webhook: Fields, deployment: Resource): boolean {
  const namespace = analysis
    .of('Namespace')
    .find(({ metadata }) => metadata.name === deployment.metadata.namespace)
  return (
    labelSelectorMatches(webhook.namespaceSelector, namespace?.metadata.labels ?? {}) &&
    labelSelectorMatches(webhook.objectSelector, specOf(deployment).template?.metadata?.labels ?? {})
  )
}
