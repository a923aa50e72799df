import type { Container, PodSpec, Probe, ProbeHandler } from '../../model/kubernetes.ts'

/** One probe as the agent will run it, keyed by the path under which kubelet asks for it. */
type Prober = ProbeHandler & { readonly timeoutSeconds?: number }

const PROXY = 'istio-proxy'
const urls = (container: string) => ({
  readinessProbe: `/app-health/${container}/readyz`,
  livenessProbe: `/app-health/${container}/livez`,
  startupProbe: `/app-health/${container}/startupz`,
  preStop: `/app-lifecycle/${container}/prestopz`,
  postStart: `/app-lifecycle/${container}/poststartz`,
})
const probeFields = ['readinessProbe', 'livenessProbe', 'startupProbe'] as const
const hookFields = ['preStop', 'postStart'] as const

/** Value of ISTIO_KUBE_APP_PROBERS: the app's own probes, ports as numbers; `undefined` when there is none. istio: pkg/kube/inject/app_probe.go. */
export function appProbers(spec: PodSpec, agentPort: number): string | undefined {
  const found: Record<string, Prober> = {}
  for (const container of everyContainer(spec)) {
    if (container.name === PROXY) continue
    const paths = urls(container.name)
    for (const field of probeFields) {
      const probe = container[field]
      const prober = probe && resolved(probe, container, agentPort, probe.timeoutSeconds)
      if (prober) found[paths[field]] = prober
    }
    for (const hook of hookFields) {
      const handler = container.lifecycle?.[hook]
      const prober = handler && !handler.grpc && resolved(handler, container, agentPort, undefined)
      if (prober) found[paths[hook]] = prober
    }
  }
  const keys = Object.keys(found).sort()
  return keys.length === 0
    ? undefined
    : JSON.stringify(Object.fromEntries(keys.map(key => [key, found[key]])))
}

/** The pod with every HTTP, TCP and gRPC probe and hook pointed at the agent. */
export function rewriteProbes(spec: PodSpec, agentPort: number): PodSpec {
  const rewrite = (container: Container) =>
    container.name === PROXY ? container : rewriteContainer(container, agentPort)
  return {
    ...spec,
    ...(spec.containers && { containers: spec.containers.map(rewrite) }),
    ...(spec.initContainers && { initContainers: spec.initContainers.map(rewrite) }),
  }
}

function rewriteContainer(container: Container, agentPort: number): Container {
  const paths = urls(container.name)
  const probes = Object.fromEntries(
    probeFields.flatMap(field => {
      const probe = container[field]
      return probe ? [[field, viaAgent(probe, paths[field], agentPort)]] : []
    }),
  )
  const hooks = Object.fromEntries(
    hookFields.flatMap(hook => {
      const handler = container.lifecycle?.[hook]
      return handler && !handler.grpc ? [[hook, viaAgent(handler, paths[hook], agentPort)]] : []
    }),
  )
  return {
    ...container,
    ...probes,
    ...(container.lifecycle && { lifecycle: { ...container.lifecycle, ...hooks } }),
  }
}

function viaAgent<T extends Probe | ProbeHandler>(probe: T, path: string, port: number): T {
  if (!probe.httpGet && !probe.tcpSocket && !probe.grpc) return probe
  const { tcpSocket: _tcp, grpc: _grpc, ...rest } = probe
  const scheme = probe.httpGet?.scheme === 'HTTPS' ? 'HTTP' : probe.httpGet?.scheme
  return { ...rest, httpGet: { ...probe.httpGet, path, port, ...(scheme && { scheme }) } } as T
}

function resolved(
  handler: ProbeHandler,
  container: Container,
  agentPort: number,
  timeoutSeconds: number | undefined,
): Prober | undefined {
  const timeout = timeoutSeconds ? { timeoutSeconds } : {}
  if (handler.httpGet) {
    const port = portNumber(handler.httpGet.port, container)
    return port === undefined || port === agentPort
      ? undefined
      : { httpGet: { ...handler.httpGet, port }, ...timeout }
  }
  if (handler.tcpSocket) {
    const port = portNumber(handler.tcpSocket.port, container)
    return port === undefined || port === agentPort
      ? undefined
      : { tcpSocket: { ...handler.tcpSocket, port }, ...timeout }
  }
  return handler.grpc ? { grpc: handler.grpc, ...timeout } : undefined
}

/** A probe's port, by number or by the name of one of its container's ports. */
function portNumber(port: number | string, container: Container): number | undefined {
  if (typeof port === 'number') return port
  return container.ports?.find(candidate => candidate.name === port)?.containerPort
}

/** Init containers first, as kubelet starts them. */
export function everyContainer(spec: PodSpec): readonly Container[] {
  return [...(spec.initContainers ?? []), ...(spec.containers ?? [])]
}
