import { parseAllDocuments } from 'yaml'
import { type InjectionSettings, injectionRequired, injectPod } from '../istiod/injector.ts'
import type { AdmittedPod } from '../model/admission.ts'
import type { PodSpec } from '../model/kubernetes.ts'

type Fields = Readonly<Record<string, unknown>>

/** One object of a manifest with its pod as the webhook would leave it. */
export interface InjectedObject {
  readonly kind: string
  readonly namespace: string
  readonly name: string
  /** The object, its pod template replaced; as it was where nothing is injected. */
  readonly object: Fields
  readonly pod: AdmittedPod | undefined
  /** Istiod's error. */
  readonly problem?: string
}

/** Where the kinds that bring pods keep their template; a Pod is its own. */
const TEMPLATES: Readonly<Record<string, readonly string[]>> = {
  Pod: [],
  CronJob: ['spec', 'jobTemplate', 'spec', 'template'],
  DaemonSet: ['spec', 'template'],
  Deployment: ['spec', 'template'],
  DeploymentConfig: ['spec', 'template'],
  Job: ['spec', 'template'],
  ReplicaSet: ['spec', 'template'],
  ReplicationController: ['spec', 'template'],
  StatefulSet: ['spec', 'template'],
}

/** What `istioctl kube-inject` does: every object that brings pods gets its sidecar, everything else passes. istio: pkg/kube/inject/inject.go IntoObject. */
export function injectManifest(text: string, settings: InjectionSettings): readonly InjectedObject[] {
  return parseAllDocuments(text)
    .map(document => document.toJS())
    .filter(isFields)
    .flatMap(object => (object.kind === 'List' ? listOf(object.items) : [object]))
    .map(object => injectObject(object, settings))
}

function injectObject(object: Fields, settings: InjectionSettings): InjectedObject {
  const kind = String(object.kind ?? '')
  const metadata = fieldsOf(object.metadata)
  const namespace = String(metadata.namespace ?? 'default')
  const name = String(metadata.name ?? '')
  const untouched: InjectedObject = { kind, namespace, name, object, pod: undefined }
  const path = TEMPLATES[kind]
  if (!path) return untouched
  const template = path.reduce<Fields>((inner, step) => fieldsOf(inner[step]), object)
  const podMetadata = fieldsOf(template.metadata)
  const pod = {
    name: String(podMetadata.name ?? ''),
    namespace,
    labels: textsOf(podMetadata.labels),
    annotations: textsOf(podMetadata.annotations),
    spec: fieldsOf(template.spec) as PodSpec,
    workload: controllerOf(metadata) ?? { kind, apiVersion: String(object.apiVersion ?? ''), name },
  }
  const asIs = { labels: pod.labels, annotations: pod.annotations, spec: pod.spec }
  if (!injectionRequired(pod).chose) return { ...untouched, pod: asIs }
  const { chose, because } = injectPod(pod, settings)
  if (!chose) return { ...untouched, problem: String(because.facts?.message ?? because.code) }
  const injected = {
    ...template,
    metadata: { ...podMetadata, labels: chose.labels, annotations: chose.annotations },
    spec: chose.spec,
  }
  return { ...untouched, object: replaced(object, path, injected), pod: chose }
}

/** Who made a pod that was written out; of a ReplicaSet, its Deployment. istio: pkg/kube/controllers GetDeployMetaFromPod. */
function controllerOf(
  metadata: Fields,
): { readonly kind: string; readonly apiVersion: string; readonly name: string } | undefined {
  const owner = listOf(metadata.ownerReferences).find(each => each.controller === true)
  if (!owner) return undefined
  const made = { kind: String(owner.kind), apiVersion: String(owner.apiVersion), name: String(owner.name) }
  const suffix = `-${textsOf(metadata.labels)['pod-template-hash'] ?? ''}`
  return made.kind === 'ReplicaSet' && suffix !== '-' && made.name.endsWith(suffix)
    ? { ...made, kind: 'Deployment', name: made.name.slice(0, -suffix.length) }
    : made
}

function replaced(object: Fields, path: readonly string[], value: Fields): Fields {
  const [step, ...rest] = path
  return step === undefined ? value : { ...object, [step]: replaced(fieldsOf(object[step]), rest, value) }
}

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const fieldsOf = (value: unknown): Fields => (isFields(value) ? value : {})

const listOf = (value: unknown): readonly Fields[] => (Array.isArray(value) ? value.filter(isFields) : [])

function textsOf(value: unknown): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(fieldsOf(value)).map(([key, text]) => [key, String(text)]))
}
