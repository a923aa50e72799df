import type { Protocol } from './push-context.ts'

/** Server-first protocols live here, so that sniffing would deadlock. istio: pkg/config/kube/conversion.go wellKnownPorts. */
const serverFirstPorts: readonly number[] = [25, 53, 3306, 27017]

const byName: Readonly<Record<string, Protocol>> = {
  tcp: 'TCP',
  udp: 'UDP',
  grpc: 'GRPC',
  'grpc-web': 'GRPCWeb',
  http: 'HTTP',
  http_proxy: 'HTTP_PROXY',
  http2: 'HTTP2',
  https: 'HTTPS',
  tls: 'TLS',
  mongo: 'Mongo',
  redis: 'Redis',
  mysql: 'MySQL',
}

/** `appProtocol` values that Kubernetes itself defines. istio: pkg/config/kube/conversion.go ConvertProtocol. */
const kubernetesNames: Readonly<Record<string, Protocol>> = {
  'kubernetes.io/h2c': 'HTTP2',
  'kubernetes.io/ws': 'HTTP',
  'kubernetes.io/wss': 'HTTPS',
}

/** A protocol by its name, ignoring case; unknown words mean that the proxy has to sniff. istio: pkg/config/protocol/instance.go Parse. */
export const parseProtocol = (name: string): Protocol => byName[name.toLowerCase()] ?? 'Unsupported'

/** What a port of a Kubernetes Service says about itself. istio: pkg/config/kube/conversion.go ConvertProtocol. */
export function protocolOf(port: {
  readonly port: number
  readonly name?: string | undefined
  readonly protocol?: string | undefined
  readonly appProtocol?: string | undefined
}): Protocol {
  if (port.protocol === 'UDP') return 'UDP'
  const wellKnown = port.appProtocol === undefined ? undefined : kubernetesNames[port.appProtocol]
  if (wellKnown) return wellKnown
  const name = port.appProtocol ?? port.name ?? ''
  if (name.slice(0, 'grpc-web'.length).toLowerCase() === 'grpc-web') return 'GRPCWeb'
  const parsed = parseProtocol(name.split('-')[0] ?? '')
  return parsed === 'Unsupported' && serverFirstPorts.includes(port.port) ? 'TCP' : parsed
}

/** Speaks HTTP for certain. */
export const isHttp = (protocol: Protocol): boolean =>
  ['HTTP', 'HTTP2', 'HTTP_PROXY', 'GRPC', 'GRPCWeb'].includes(protocol)

/** Speaks HTTP/2 between proxies. */
export const isHttp2 = (protocol: Protocol): boolean => ['HTTP2', 'GRPC', 'GRPCWeb'].includes(protocol)

/** Bytes that the proxy does not look into. */
export const isTcp = (protocol: Protocol): boolean =>
  ['TCP', 'HTTPS', 'TLS', 'Mongo', 'Redis', 'MySQL'].includes(protocol)

/** Starts with a TLS handshake of the application's own. */
export const isTls = (protocol: Protocol): boolean => protocol === 'HTTPS' || protocol === 'TLS'

/** Left to be found out from the first bytes. */
export const isSniffed = (protocol: Protocol): boolean => protocol === 'Unsupported'
