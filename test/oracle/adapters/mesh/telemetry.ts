import { TEXT_FORMAT } from '../../../../sim-core/istiod/compile/access-log.ts'
import { buildMesh } from '../../../../sim-core/run/mesh-world.ts'
import { type CountedMetric, metricsOf } from '../../../../sim-core/run/metrics-of.ts'
import { sendProbe } from '../../../../sim-core/run/probe.ts'
import { type Adapter, differs, type Json, lines, type Verdict, verdictOf } from '../../corpus.ts'
import { echoWorld, withConfig } from './echo-world.ts'

/** What proxies count, and what they log. */
export const istioTelemetry: Adapter = (content, folder) => {
  const [first, ...rest] = content as readonly Json[]
  const templates: Json = first.configTemplates ?? {}
  const cases = first.id ? (content as readonly Json[]) : rest
  const world = echoWorld(folder)
  return cases.map(each => ({
    id: each.id,
    judge: () => {
      if (each.id.includes('accesslog'))
        return verdictOf(lines(differs('format', each.expect.format, TEXT_FORMAT)))
      if (each.outboundTrafficPolicy) return outbound(each, templates, world.text)
      return stats(each, withConfig(world, ''))
    },
  }))
}

function counted(documents: string, from: string, request: Json): readonly CountedMetric[] | string {
  const mesh = buildMesh({ files: { documents }, mesh: {} })
  const sent = sendProbe(mesh, { pod: from }, request)
  if (typeof sent === 'string') return sent
  return sent.journeys.flatMap(journey => metricsOf(sent.world, journey))
}

/** The topology has one pod per workload, named after it; the tests' cluster has a name of its own. */
const plainWorkload = (text: string | undefined) => text?.replace(/-0$/, '')
const CLUSTER = 'Kubernetes'

function judge(want: Json, metric: string, found: readonly CountedMetric[] | string): Verdict {
  if (typeof found === 'string') return { unsupported: found }
  const same = found.filter(each => each.name === metric)
  const differences = same.map(each =>
    lines(
      ...Object.entries(want).map(([name, value]) =>
        differs(name, name.endsWith('_cluster') ? CLUSTER : value, plainWorkload(each.labels[name])),
      ),
    ),
  )
  if (differences.some(each => each.length === 0)) return verdictOf([])
  return verdictOf(differences[0] ?? [`no ${metric} among ${found.map(each => each.name)}`])
}

/** Calls between the echo workloads: `a -> b http 200`. */
function stats(each: Json, documents: string): Verdict {
  const [, to = '', protocol = ''] = /^a -> (.*?) (http|tcp)/.exec(each.request.desc) ?? []
  const port = protocol === 'http' ? 80 : 9090
  const address = to.includes('egress')
    ? 'istio-egressgateway.istio-system.svc.cluster.local'
    : `${to}.echo1.svc.cluster.local`
  const request = { address, port: to.includes('egress') ? 31400 : port, protocol }
  return judge(each.expect.labels, each.expect.metric, counted(documents, 'echo1/a-v1-0', request))
}

const ports = [
  ['http', 80, 8080],
  ['tcp', 9090, 9090],
  ['https', 443, 8443],
  ['https-conflict', 9443, 9443],
  ['tcp-conflict', 9091, 9091],
] as const

const app = (name: string) => `
apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: app}
spec: {selector: {app: ${name}}, ports: [${ports.map(([port, number, target]) => `{name: ${port}, port: ${number}, targetPort: ${target}}`)}]}
---
apiVersion: v1
kind: Pod
metadata: {name: ${name}-v1-0, namespace: app, labels: {app: ${name}, version: v1${name === 'destination' ? ', sidecar.istio.io/inject: "false"' : ''}}}
spec: {containers: [{name: app}]}
`

/** A client that sees nothing but the namespace of the ServiceEntry calls something else. */
function outbound(each: Json, templates: Json, base: string): Verdict {
  const fill = (text: string) =>
    text
      .replaceAll('{{.ImportNamespace}}', 'entries')
      .replaceAll('{{.TrafficPolicyMode}}', each.outboundTrafficPolicy)
      .replaceAll('{{.AppNamespace}}', 'app')
  const placed = (text: string, namespace: string) =>
    fill(text).replaceAll(/^metadata:$/gm, `metadata:\n  namespace: ${namespace}`)
  const documents = [
    base,
    '{apiVersion: v1, kind: Namespace, metadata: {name: app, labels: {istio-injection: enabled}}}',
    app('client'),
    app('destination'),
    placed(templates.ServiceEntry, 'entries'),
    placed(templates.SidecarScope, 'app'),
    placed(templates.Gateway, 'entries'),
  ].join('\n---\n')
  const { host, port, http2 } = each.request
  const number = ports.find(([name]) => name === port)?.[1] ?? 80
  const scheme = port.replace('-conflict', '')
  const protocol = http2 && scheme === 'http' ? 'http2' : scheme
  const address = host.startsWith('(') ? 'destination' : host
  const { Query, Metric, PromQueryFormat = '' } = each.expect
  const labels =
    Query?.Labels ??
    Object.fromEntries(
      [...PromQueryFormat.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]),
    )
  return judge(
    labels,
    Query?.Metric ?? Metric,
    counted(documents, 'app/client-v1-0', { address, port: number, protocol }),
  )
}
