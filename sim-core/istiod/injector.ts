import { parse } from 'yaml'
import type { AdmittedPod, PodToAdmit } from '../model/admission.ts'
import type { MeshConfig } from '../model/istio.ts'
import type { Container, PodSpec } from '../model/kubernetes.ts'
import type { Decision, Reason } from '../model/reason.ts'
import { annotationProblems } from './injection/annotations.ts'
import { appProbers, everyContainer, rewriteProbes } from './injection/probe-rewrite.ts'
import { mergePodSpec, type PodOverlay } from './injection/strategic-merge.ts'
import { type TemplateInput, templates } from './injection/templates.ts'
import {
  type EffectiveProxyConfig,
  effectiveProxyConfig,
  type InjectionValues,
  recordOf,
} from './injection/values.ts'

/** What the injection templates are filled from besides the pod. */
export interface InjectionSettings {
  readonly values: InjectionValues
  readonly mesh: MeshConfig
  /** The workload's whole ProxyConfig where ProxyConfig resources count; absent: the pod's annotation over the mesh's default. */
  readonly proxyConfig?: Readonly<Record<string, unknown>>
  /** Whether the proxy becomes an init container that keeps running. */
  readonly nativeSidecars: boolean
}

const SYSTEM_NAMESPACES = ['kube-system', 'kube-public', 'kube-node-lease', 'local-path-storage']
const PROXY = 'istio-proxy'

/** First gate: would the API server call the default revision's webhook for this pod? istio: istio-discovery/templates/mutatingwebhook.yaml. */
export function webhookSelects(
  pod: Pick<PodToAdmit, 'namespace' | 'labels'>,
  namespaceLabels: Readonly<Record<string, string>>,
  settings: { readonly revision: string; readonly enableNamespacesByDefault: boolean },
): Decision<true> {
  const namespace = namespaceLabels['istio-injection']
  const namespaceRevision = namespaceLabels['istio.io/rev']
  const inject = pod.labels['sidecar.istio.io/inject']
  const revision = pod.labels['istio.io/rev']
  const isDefault = settings.revision === '' || settings.revision === 'default'
  const ours = (wanted: string) => wanted === settings.revision || (isDefault && wanted === 'default')
  const facts = { namespace: pod.namespace }
  const yes = (code: Reason['code']): Decision<true> => ({ chose: true, because: { code, facts } })
  const no = (code: Reason['code']): Decision<true> => ({ chose: undefined, because: { code, facts } })
  if (inject === 'false') return no('injection.podLabelFalse')
  if (namespace !== undefined) {
    if (namespace !== 'enabled') return no('injection.namespaceDisabled')
    return isDefault ? yes('injection.namespaceEnabled') : no('injection.otherRevision')
  }
  if (namespaceRevision !== undefined)
    return ours(namespaceRevision) ? yes('injection.namespaceRevision') : no('injection.otherRevision')
  if (revision !== undefined)
    return ours(revision) ? yes('injection.podRevision') : no('injection.otherRevision')
  if (inject === 'true') return isDefault ? yes('injection.podLabelTrue') : no('injection.otherRevision')
  if (
    settings.enableNamespacesByDefault &&
    inject === undefined &&
    !SYSTEM_NAMESPACES.includes(pod.namespace)
  )
    return yes('injection.byDefault')
  return no('injection.notAsked')
}

/** Second gate, in istiod: host network, system namespaces, then label before annotation before policy (`enabled`). istio: pkg/kube/inject/inject.go. */
export function injectionRequired(
  pod: Pick<PodToAdmit, 'namespace' | 'labels' | 'annotations' | 'spec'>,
): Decision<true> {
  const no = (code: Reason['code']): Decision<true> => ({ chose: undefined, because: { code } })
  if (pod.spec.hostNetwork === true) return no('injection.hostNetwork')
  if (SYSTEM_NAMESPACES.includes(pod.namespace)) return no('injection.systemNamespace')
  const stated = pod.labels['sidecar.istio.io/inject'] ?? pod.annotations['sidecar.istio.io/inject'] ?? ''
  const wish = stated.toLowerCase()
  if (['y', 'yes', 'true', 'on'].includes(wish)) return { chose: true, because: { code: 'injection.asked' } }
  if (wish === '') return { chose: true, because: { code: 'injection.policy' } }
  return no('injection.declined')
}

/** The pod after injection, or istiod's error. Templates are rendered, merged, overlaid with the user's own `istio-proxy`, and the rest is put in order. */
export function injectPod(pod: PodToAdmit, settings: InjectionSettings): Decision<AdmittedPod> {
  const problems = annotationProblems(pod.annotations)
  if (problems.length > 0) return refuse(problems.join('; '))
  const proxyConfig = effectiveProxyConfig(settings.mesh, settings.proxyConfig ?? overlayOf(pod.annotations))
  const names = (pod.annotations['inject.istio.io/templates'] ?? 'sidecar')
    .split(',')
    .map(name => name.trim())
  const unknown = names.find(name => templates[name] === undefined)
  if (unknown !== undefined)
    return refuse(`requested template "${unknown}" not found; have ${Object.keys(templates).join(', ')}`)
  const input = templateInput(pod, settings, proxyConfig)
  let merged: AdmittedPod = { labels: pod.labels, annotations: pod.annotations, spec: pod.spec }
  let template = emptyOverlay
  for (const name of names) {
    const overlay = templates[name]?.(input) ?? emptyOverlay
    template = stackOverlays(template, overlay)
    merged = applyTemplate(merged, overlay)
  }
  merged = reapplyUserContainers(merged, pod, template)
  merged = mergePrometheus(merged, settings.mesh, proxyConfig.statusPort)
  merged = rewriteAppProbes(merged, settings, proxyConfig)
  merged = noteStatus(merged, template, input)
  const hold =
    proxyConfig.holdApplicationUntilProxyStarts ||
    settings.values.global.proxy.holdApplicationUntilProxyStarts === true
  return {
    chose: { ...merged, spec: inOrder(merged.spec, hold) },
    because: {
      code: 'injection.injected',
      facts: { templates: names.join(','), native: input.nativeSidecar },
    },
  }
}

const refuse = (message: string): Decision<AdmittedPod> => ({
  chose: undefined,
  because: { code: 'injection.invalid', facts: { message } },
})

function overlayOf(annotations: Readonly<Record<string, string>>): Readonly<Record<string, unknown>> {
  const text = annotations['proxy.istio.io/config']
  return text === undefined ? {} : recordOf(parse(text))
}

function templateInput(
  pod: PodToAdmit,
  settings: InjectionSettings,
  proxyConfig: EffectiveProxyConfig,
): TemplateInput {
  const { values, mesh } = settings
  const stated = pod.annotations['sidecar.istio.io/nativeSidecar']
  return {
    name: pod.workload.name,
    namespace: pod.namespace,
    apiVersion: pod.workload.apiVersion,
    kind: pod.workload.kind,
    labels: pod.labels,
    annotations: pod.annotations,
    spec: pod.spec,
    values,
    proxyConfig,
    trustDomain: mesh.trustDomain ?? values.global.trustDomain ?? 'cluster.local',
    inboundLocalhost: mesh.inboundTrafficPolicy?.mode === 'LOCALHOST',
    nativeSidecar: stated === undefined ? settings.nativeSidecars : stated !== 'false',
    proxyUid: 1337,
  }
}

const emptyOverlay: PodOverlay = {
  labels: {},
  annotations: {},
  initContainers: [],
  containers: [],
  volumes: [],
  imagePullSecrets: [],
}

function stackOverlays(under: PodOverlay, over: PodOverlay): PodOverlay {
  const spec = mergePodSpec(under, over)
  return {
    labels: { ...under.labels, ...over.labels },
    annotations: { ...under.annotations, ...over.annotations },
    initContainers: spec.initContainers ?? [],
    containers: spec.containers ?? [],
    volumes: spec.volumes ?? [],
    imagePullSecrets: spec.imagePullSecrets ?? [],
  }
}

/** With native sidecars a user's own `istio-proxy` among the containers follows the template's into the init containers. */
function applyTemplate(pod: AdmittedPod, overlay: PodOverlay): AdmittedPod {
  const moved = overlay.initContainers.some(container => container.name === PROXY)
  const own = pod.spec.containers?.find(container => container.name === PROXY)
  const spec =
    moved && own
      ? {
          ...pod.spec,
          containers: pod.spec.containers?.filter(container => container !== own) ?? [],
          initContainers: [...(pod.spec.initContainers ?? []), own],
        }
      : pod.spec
  return {
    labels: { ...pod.labels, ...overlay.labels },
    annotations: { ...pod.annotations, ...overlay.annotations },
    spec: mergePodSpec(spec, overlay),
  }
}

/** A container that both the user and a template define keeps what the user said; the annotation remembers it for the next injection. */
function reapplyUserContainers(pod: AdmittedPod, original: PodToAdmit, template: PodOverlay): AdmittedPod {
  const all = everyContainer(original.spec)
  const overridesOf = (containers: readonly Container[]) =>
    containers.flatMap(container => {
      const own = all.find(candidate => candidate.name === container.name)
      return own ? [withoutAutoImage(own)] : []
    })
  const containers = overridesOf(template.containers)
  const initContainers = overridesOf(template.initContainers)
  if (containers.length + initContainers.length === 0) return pod
  const said = {
    ...(containers.length > 0 && { containers: containers.map(asApiOrders) }),
    ...(initContainers.length > 0 && { initContainers: initContainers.map(asApiOrders) }),
  }
  return {
    ...pod,
    annotations: { ...pod.annotations, 'proxy.istio.io/overrides': JSON.stringify(said) },
    spec: runAsUserOf(mergePodSpec(pod.spec, { containers, initContainers }), original),
  }
}

function withoutAutoImage(container: Container): Container {
  const { image, ...rest } = container
  return image === undefined || image === 'auto' ? rest : container
}

/** Fields in the order of Kubernetes' Container type, which is how its JSON lists them; `resources` is never omitted. */
const containerFields = [
  'name',
  'image',
  'command',
  'args',
  'workingDir',
  'ports',
  'envFrom',
  'env',
  'resources',
  'resizePolicy',
  'restartPolicy',
  'volumeMounts',
  'volumeDevices',
  'livenessProbe',
  'readinessProbe',
  'startupProbe',
  'lifecycle',
  'terminationMessagePath',
  'terminationMessagePolicy',
  'imagePullPolicy',
  'securityContext',
  'stdin',
  'stdinOnce',
  'tty',
] as const

function asApiOrders(container: Container): Readonly<Record<string, unknown>> {
  const fields = recordOf({ ...container, resources: container.resources ?? {} })
  return Object.fromEntries(
    containerFields.filter(name => fields[name] !== undefined).map(name => [name, fields[name]]),
  )
}

/** The rules must name the user's own proxy uid; in TPROXY mode the proxy stays root. */
function runAsUserOf(spec: PodSpec, original: PodToAdmit): PodSpec {
  const user = everyContainer(original.spec).find(container => container.name === PROXY)?.securityContext
  const uid = user?.runAsUser
  if (uid === undefined) return spec
  const initContainers = (spec.initContainers ?? []).map(container => {
    if (container.name !== 'istio-init' && container.name !== 'istio-validation') return container
    const at = (container.args ?? []).indexOf('-u')
    const args = (container.args ?? []).map((argument, index) =>
      at >= 0 && index === at + 1 && uid !== 0 ? String(uid) : argument,
    )
    return { ...container, args }
  })
  return { ...spec, initContainers }
}

const sanitized = (name: string) => name.replace(/[^a-zA-Z0-9_]/g, '_')
const prometheusNames = [
  'prometheus_io_path',
  'prometheus_io_port',
  'prometheus_io_scrape',
  'prometheus_istio_io_scrape_targets',
]

/** Points Prometheus at the agent's merged metrics; the app's own endpoint moves into the proxy's environment. */
function mergePrometheus(pod: AdmittedPod, mesh: MeshConfig, statusPort: number): AdmittedPod {
  const entries = Object.entries(pod.annotations)
  const read = (name: string) => entries.find(([key]) => sanitized(key) === name)?.[1]
  const scrape = read('prometheus_io_scrape')
  const stated = pod.annotations['prometheus.istio.io/merge-metrics']
  const merge = stated === undefined ? (mesh.enablePrometheusMerge ?? true) : /^(1|t|true)$/i.test(stated)
  if ((scrape !== undefined && /^(0|f|false)$/i.test(scrape)) || !merge) return pod
  const port = read('prometheus_io_port')
  if (port === String(statusPort)) return pod
  const path = read('prometheus_io_path')
  const config = { ...(scrape && { scrape }), ...(path && { path }), ...(port && { port }) }
  return {
    ...pod,
    annotations: {
      ...Object.fromEntries(entries.filter(([key]) => !prometheusNames.includes(sanitized(key)))),
      'prometheus.io/port': String(statusPort),
      'prometheus.io/path': '/stats/prometheus',
      'prometheus.io/scrape': 'true',
    },
    spec:
      Object.keys(config).length === 0
        ? pod.spec
        : withProxyEnv(pod.spec, 'ISTIO_PROMETHEUS_ANNOTATIONS', JSON.stringify(config)),
  }
}

function withProxyEnv(spec: PodSpec, name: string, value: string): PodSpec {
  const add = (container: Container): Container =>
    container.name === PROXY ? { ...container, env: [...(container.env ?? []), { name, value }] } : container
  return {
    ...spec,
    ...(spec.containers && { containers: spec.containers.map(add) }),
    ...(spec.initContainers && { initContainers: spec.initContainers.map(add) }),
  }
}

function rewriteAppProbes(
  pod: AdmittedPod,
  settings: InjectionSettings,
  proxyConfig: EffectiveProxyConfig,
): AdmittedPod {
  if (!everyContainer(pod.spec).some(container => container.name === PROXY)) return pod
  const stated = pod.annotations['sidecar.istio.io/rewriteAppHTTPProbers']
  const rewrite =
    stated === undefined ? settings.values.sidecarInjectorWebhook.rewriteAppHTTPProbe : stated === 'true'
  if (!rewrite) return pod
  const port = Number(pod.annotations['status.sidecar.istio.io/port'] ?? proxyConfig.statusPort)
  const probers = appProbers(pod.spec, proxyConfig.statusPort)
  const spec = probers === undefined ? pod.spec : withProxyEnv(pod.spec, 'ISTIO_KUBE_APP_PROBERS', probers)
  return { ...pod, spec: rewriteProbes(spec, port) }
}

function noteStatus(pod: AdmittedPod, template: PodOverlay, input: TemplateInput): AdmittedPod {
  const names = (list: readonly { readonly name: string }[]) =>
    list.length === 0 ? null : list.map(item => item.name)
  const network = input.labels['topology.istio.io/network'] ?? input.values.global.network
  const status = {
    initContainers: names(template.initContainers),
    containers: names(template.containers),
    volumes: names(template.volumes),
    imagePullSecrets: names(template.imagePullSecrets),
    revision: input.values.revision || 'default',
  }
  return {
    ...pod,
    labels: { ...pod.labels, ...(network && { 'topology.istio.io/network': network }) },
    annotations: {
      ...pod.annotations,
      'sidecar.istio.io/status': JSON.stringify(status),
      ...input.values.sidecarInjectorWebhook.injectedAnnotations,
    },
  }
}

/** Native: rules, proxy, then the user's init containers. Otherwise rules last among the init containers and the proxy last (or first, when apps must wait) among the containers. */
function inOrder(spec: PodSpec, hold: boolean): PodSpec {
  const containers = moved(spec.containers ?? [], PROXY, hold)
  let init = spec.initContainers ?? []
  if (init.some(container => container.name === PROXY)) {
    for (const name of [PROXY, 'istio-validation', 'istio-init']) init = moved(init, name, true)
  } else {
    init = moved(moved(init, 'istio-validation', true), 'istio-init', false)
  }
  return { ...spec, containers, ...((init.length > 0 || spec.initContainers) && { initContainers: init }) }
}

function moved(list: readonly Container[], name: string, toFront: boolean): readonly Container[] {
  const it = list.find(container => container.name === name)
  if (!it) return list
  const others = list.filter(container => container !== it)
  return toFront ? [it, ...others] : [...others, it]
}
