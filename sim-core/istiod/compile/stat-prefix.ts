import type { PushContext, Service, ServicePort } from './push-context.ts'

/** Name of a chain's or cluster's statistics: MeshConfig.outboundClusterStatName with its patterns filled in, else `otherwise`. istio: pilot/pkg/networking/telemetry/telemetry.go. */
export function statPrefixOf(
  push: PushContext,
  service: Service,
  port: ServicePort,
  subset: string,
  otherwise: string,
): string {
  const pattern = push.mesh.outboundClusterStatName
  return pattern ? fillStatPattern(pattern, service, port, subset, 0) : otherwise
}

/** Fills a stat name pattern. Only Kubernetes services have short names. */
export function fillStatPattern(
  pattern: string,
  service: Pick<Service, 'registry' | 'name' | 'namespace' | 'hostname'>,
  port: Pick<ServicePort, 'number' | 'name'>,
  subset: string,
  targetPort: number,
): string {
  const { registry, name, namespace, hostname } = service
  const isKubernetes = registry === 'Kubernetes'
  return pattern
    .replaceAll('%SERVICE%', isKubernetes ? `${name}.${namespace}` : hostname)
    .replaceAll('%SERVICE_NAME%', isKubernetes ? name : hostname)
    .replaceAll('%SERVICE_FQDN%', hostname)
    .replaceAll('%SUBSET_NAME%', subset)
    .replaceAll('%TARGET_PORT%', String(targetPort))
    .replaceAll('%SERVICE_PORT%', String(port.number))
    .replaceAll('%SERVICE_PORT_NAME%', port.name)
}
