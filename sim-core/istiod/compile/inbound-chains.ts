import { featureOf } from '../../config/defaults/features.ts'
import type { ServerTLSSettings, Sidecar } from '../../model/istio.ts'
import type { ConfigRef } from '../../model/reason.ts'
import type { Metadata } from '../../model/xds/core.ts'
import { type Config, refOf } from './configs.ts'
import { isHttp, parseProtocol } from './protocol.ts'
import { wildcardsOf } from './proxy-addresses.ts'
import type { Protocol, Proxy, PushContext } from './push-context.ts'
import { sidecarScopeFor } from './scope.ts'
import { instancesOf } from './service-targets.ts'

/** A port on which a proxy receives: from a Service, from a Sidecar's ingress, or the rest. */
export interface InboundChain {
  readonly cluster: string
  /** The port of the Service; names virtual hosts and traces. */
  readonly servicePort: number
  /** 0 for traffic to any other port. */
  readonly targetPort: number
  readonly protocol: Protocol
  readonly binds: readonly string[]
  /** Makes a listener of its own instead of a chain of virtualInbound. */
  readonly bindToPort: boolean
  readonly isPassthrough: boolean
  readonly hostname: string
  readonly tls?: ServerTLSSettings
  readonly ref?: ConfigRef
  readonly metadata?: Metadata
}

/** REDIRECT unless node metadata says TPROXY or NONE. */
export function interceptionMode(proxy: Proxy): 'REDIRECT' | 'TPROXY' | 'NONE' {
  const mode = proxy.metadata['INTERCEPTION_MODE']
  return mode === 'TPROXY' || mode === 'NONE' ? mode : 'REDIRECT'
}

/** The ports that have chains of their own, ascending. istio: buildInboundChainConfigs. */
export function inboundChains(push: PushContext, proxy: Proxy): readonly InboundChain[] {
  const { sidecar } = sidecarScopeFor(push, proxy)
  const ingress = sidecar?.spec.ingress ?? []
  if (!sidecar || ingress.length === 0)
    return interceptionMode(proxy) === 'NONE' ? [] : byPort(serviceChains(push, proxy))
  const own = ingressChains(push, proxy, sidecar)
  if (!featureOf(push, 'PILOT_ALLOW_SIDECAR_SERVICE_INBOUND_LISTENER_MERGE')) return byPort(own)
  const taken = new Set(ingress.map(each => each.port?.number ?? 0))
  return byPort([...serviceChains(push, proxy).filter(each => !taken.has(each.targetPort)), ...own])
}

/** The first chain of a port decides its protocol: the oldest service's. */
function byPort(chains: readonly InboundChain[]): readonly InboundChain[] {
  const first = new Map<number, InboundChain>()
  for (const chain of chains) if (!first.has(chain.targetPort)) first.set(chain.targetPort, chain)
  return [...first.values()].toSorted((a, b) => a.targetPort - b.targetPort)
}

function serviceChains(push: PushContext, proxy: Proxy): readonly InboundChain[] {
  const binds = wildcardsOf(proxy)
  const bindToPort = interceptionMode(proxy) === 'NONE'
  return instancesOf(push, proxy)
    .filter(({ port, targetPort }) => canBind(push, proxy, bindToPort, binds[0], targetPort, port.protocol))
    .map(({ service, port, targetPort }) => {
      const { kind, metadata } = service.resource
      const index = service.ports.indexOf(port)
      return {
        cluster: `inbound|${targetPort}||`,
        servicePort: port.number,
        targetPort,
        protocol: port.protocol,
        binds,
        bindToPort,
        isPassthrough: false,
        hostname: service.hostname,
        ref: {
          kind,
          namespace: metadata.namespace,
          name: metadata.name,
          path: `spec.ports[${index}]`,
          version: push.version,
        },
      }
    })
}

function ingressChains(push: PushContext, proxy: Proxy, sidecar: Config<Sidecar>): readonly InboundChain[] {
  return (sidecar.spec.ingress ?? []).flatMap((listener, index) => {
    const port = listener.port?.number ?? 0
    const parsed = parseProtocol(listener.port?.protocol ?? '')
    const capture = listener.captureMode ?? 'DEFAULT'
    const bindToPort = capture === 'DEFAULT' ? interceptionMode(proxy) === 'NONE' : capture === 'NONE'
    if (!canBind(push, proxy, bindToPort, listener.bind ?? '', port, parsed, true)) return []
    const tls = featureOf(push, 'ENABLE_TLS_ON_SIDECAR_INGRESS') ? listener.tls : undefined
    return [
      {
        cluster: `inbound|${port}||`,
        servicePort: port,
        targetPort: port,
        protocol: tls ? afterTlsTermination(parsed) : parsed,
        binds: listener.bind ? [listener.bind] : ownAddresses(proxy),
        bindToPort,
        isPassthrough: false,
        hostname: `${sidecar.name}.${sidecar.namespace}`,
        ...(tls && { tls }),
        ref: refOf(sidecar, `spec.ingress[${index}]`),
        metadata: {
          filterMetadata: {
            istio: {
              config: `/apis/networking.istio.io/v1/namespaces/${sidecar.namespace}/sidecar/${sidecar.name}`,
            },
          },
        },
      },
    ]
  })
}

/** What a protocol is once its TLS has been taken off. istio: Instance.AfterTLSTermination. */
export function afterTlsTermination(protocol: Protocol): Protocol {
  return protocol === 'HTTPS' ? 'HTTP' : protocol === 'TLS' ? 'TCP' : protocol
}

/** The first global address of the proxy, else all addresses. istio: getSidecarInboundBindIPs. */
function ownAddresses(proxy: Proxy): readonly string[] {
  const global = proxy.ipAddresses.find(
    ip => !/^(127\.|0\.|169\.254\.|22[4-9]\.|23\d\.|::1?$|fe80:|ff)/i.test(ip),
  )
  return global ? [global] : wildcardsOf(proxy)
}

/** Ports below 1024 are closed to unprivileged proxies, and Envoy's own listeners keep theirs. istio: Proxy.CanBindToPort. */
function canBind(
  push: PushContext,
  proxy: Proxy,
  bindToPort: boolean,
  bind: string,
  port: number,
  protocol: Protocol,
  isIngress = false,
): boolean {
  const isUnprivileged = proxy.metadata['UNPRIVILEGED_POD'] === 'true'
  if (bindToPort && port > 0 && port < 1024 && isUnprivileged) return false
  if (bind === '' ? !isHttp(protocol) : bind !== wildcardsOf(proxy)[0]) return true
  const reserved = ['ENVOY_STATUS_PORT', 'ENVOY_PROMETHEUS_PORT'].map(name =>
    Number(proxy.metadata[name] ?? 0),
  )
  const virtual = [push.mesh.proxyListenPort ?? 15001, push.mesh.proxyInboundListenPort ?? 15006]
  return !reserved.includes(port) && (isIngress || !virtual.includes(port))
}
