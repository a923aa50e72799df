import type { Destination } from '../../model/istio.ts'
import type { Service } from './push-context.ts'

/** Istio's name of an outbound cluster. istio: pilot/pkg/model/context.go, BuildSubsetKey. */
export function outboundCluster(host: string, port: number, subset = ''): string {
  return `outbound|${port}|${subset}|${host}`
}

/** The name that SNI carries through an AUTO_PASSTHROUGH gateway. istio: BuildDNSSrvSubsetKey. */
export function outboundSniCluster(host: string, port: number, subset = ''): string {
  return `outbound_.${port}_.${subset}_.${host}`
}

/** The cluster of a route's destination. Without a port: the service's only one, else the listener's. */
export function destinationCluster(
  destination: Destination | undefined,
  service: Service | undefined,
  listenPort: number,
): string {
  if (!destination?.host) return 'UnknownService'
  const only = service?.ports.length === 1 ? service.ports[0]?.number : undefined
  const port = destination.port ? (destination.port.number ?? 0) : (only ?? listenPort)
  return outboundCluster(service?.externalName || destination.host, port, destination.subset)
}
