import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAllDocuments, parseDocument, stringify } from 'yaml'
import type { Json } from '../../corpus.ts'

/** The topology of the integration tests. */
export interface EchoWorld {
  /** Manifests as text. */
  readonly text: string
  /** Number of a service's port by its name; `undefined` when there is none. */
  portOf(service: string, name: string): number | undefined
  /** Address of a service or pod, for placeholders such as `clusterIP(external/external)`. */
  addressOf(placeholder: string): string | undefined
  /** The pod that stands for a workload, as `namespace/name`. */
  podOf(workload: string): string | undefined
}

const worlds = new Map<string, EchoWorld>()

/** Reads the topology beside the corpora. */
export function echoWorld(folder: string): EchoWorld {
  const known = worlds.get(folder)
  if (known) return known
  const given = readFileSync(join(folder, 'echo-world.yaml'), 'utf8')
  const base: readonly Json[] = parseAllDocuments(given).map(document => document.toJS())
  const added = [...migration(base), ...external(base), ...machine(base)]
  const text = [given, ...added.map(object => stringify(object))].join('\n---\n')
  const objects = [...base, ...added]
  const find = (kind: string, id: string) =>
    objects.find(each => each?.kind === kind && `${each.metadata.namespace}/${each.metadata.name}` === id)
  const podFor = (workload: string) => {
    const [namespace, app] = workload.split('/')
    const pods = objects.filter(each => each?.kind === 'Pod' && each.metadata.namespace === namespace)
    const own =
      pods.find(each => each.metadata.labels?.app === app) ?? pods.find(each => each.metadata.name === app)
    return own
  }
  const made: EchoWorld = {
    text,
    portOf: (service, name) =>
      find('Service', service)?.spec.ports.find((port: Json) => port.name === name)?.port,
    addressOf: placeholder => {
      const [, kind, id = ''] = /^(\w+)\((.*)\)$/.exec(placeholder) ?? []
      return kind === 'clusterIP' ? find('Service', id)?.spec.clusterIP : podFor(id)?.status?.podIP
    },
    podOf: workload => {
      const pod = podFor(workload)
      return pod && `${pod.metadata.namespace}/${pod.metadata.name}`
    },
  }
  worlds.set(folder, made)
  return made
}

/** A copy of an object of the topology, to be changed. */
const like = (objects: readonly Json[], kind: string, name: string): Json =>
  structuredClone(
    objects.find(
      each => each?.kind === kind && each.metadata.namespace === 'echo1' && each.metadata.name === name,
    ),
  )

/** A service and its pod that the topology lacks, otherwise as `b`; the last numbers of their addresses are one. */
function standIn(objects: readonly Json[], name: string, namespace: string, last: number): readonly Json[] {
  if (objects.some(each => each?.kind === 'Service' && each.metadata.name === name)) return []
  const service = like(objects, 'Service', 'b')
  const pod = like(objects, 'Pod', 'b-v1-0')
  if (!service || !pod) return []
  Object.assign(service.metadata, { name, namespace, labels: { app: name } })
  Object.assign(service.spec, { clusterIP: `10.96.1.${last}`, selector: { app: name } })
  Object.assign(pod.metadata, { name: `${name}-v1-0`, namespace, labels: { app: name, version: 'v1' } })
  pod.spec.serviceAccountName = 'default'
  pod.status.podIP = `10.244.1.${last}`
  return [service, pod]
}

/** A workload outside the mesh. */
const external = (objects: readonly Json[]) => standIn(objects, 'external', 'external', 95)

/** Simplified: the virtual machine is a pod with a sidecar. */
const machine = (objects: readonly Json[]) => standIn(objects, 'vm', 'echo1', 97)

/** A workload that the topology lacks: one version with a sidecar, one without, otherwise as `b`. */
function migration(objects: readonly Json[]): readonly Json[] {
  const name = 'migration'
  if (objects.some(each => each?.metadata?.name === name)) return []
  const account = like(objects, 'ServiceAccount', 'b')
  const service = like(objects, 'Service', 'b')
  if (!account || !service) return []
  account.metadata.name = name
  Object.assign(service.metadata, { name, labels: { app: name } })
  Object.assign(service.spec, { clusterIP: '10.96.1.90', selector: { app: name } })
  const pods = ['vistio', 'vlegacy'].map((version, index) => {
    const pod = like(objects, 'Pod', 'b-v1-0')
    const off = version === 'vlegacy' ? { 'sidecar.istio.io/inject': 'false' } : {}
    Object.assign(pod.metadata, { name: `${name}-${version}-0`, labels: { app: name, version, ...off } })
    pod.spec.serviceAccountName = name
    pod.status.podIP = `10.244.1.9${index}`
    return pod
  })
  return [account, service, ...pods]
}

/** The world's manifests with a case's own; a comment names the namespace of what follows, `echo1` at first. */
export function withConfig(world: EchoWorld, config: string): string {
  let namespace = 'echo1'
  const own = config.split(/^---\s*$/m).flatMap(text => {
    namespace = /^# namespace: ([a-z0-9-]+)/m.exec(text)?.[1] ?? namespace
    const object: Json = parseDocument(text).toJS()
    if (!object?.kind) return []
    return [stringify({ ...object, metadata: { namespace, ...object.metadata } })]
  })
  return [world.text, ...own.map(text => resolved(world, text))].join('\n---\n')
}

/** Placeholders become addresses, and the gateway's label its own. */
function resolved(world: EchoWorld, text: string): string {
  const workloadOnly = /- name: tcp\b/.test(text) ? '19092' : '18083'
  return text
    .replace(/app: ingressgateway\b/g, 'istio: ingressgateway')
    .replace(/call:\S*GetWorkloadOnlyPorts\.WorkloadPort/g, workloadOnly)
    .replace(/(?:podIP|clusterIP)\([^)]*\)/g, placeholder => world.addressOf(placeholder) ?? placeholder)
}
