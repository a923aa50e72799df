import type { IstioPort, ServiceEntry, WorkloadEntry, WorkloadGroup } from '../../model/istio.ts'
import { type Resource, specAs } from '../../model/resource.ts'
import { each, type Notes, type Validator } from './finding.ts'
import {
  domainProblem,
  isAddress,
  labelsProblem,
  partialWildcardProblem,
  portNameProblem,
  portProblem,
  subnetProblem,
  unixPathProblem,
  wildcardDomainProblem,
} from './names.ts'
import { checkSelector } from './selectors.ts'
import {
  exportToProblem,
  isHttpProtocol,
  isTcpProtocol,
  isTlsProtocol,
  negativeProblem,
  protocolProblem,
} from './values.ts'

/** istio: pkg/config/validation/validation.go ValidateServiceEntry. */
export const validateServiceEntry: Validator = (resource, notes) => {
  const entry = specAs<ServiceEntry>(resource)
  const { hosts = [], ports = [], resolution = 'NONE' } = entry
  checkSelector(entry.workloadSelector?.labels, entry.workloadSelector, 'spec.workloadSelector', notes)
  if (entry.workloadSelector && entry.endpoints)
    notes.error('spec', 'workloadSelector and endpoints exclude each other.')
  if (hosts.length === 0) notes.error('spec.hosts', 'A ServiceEntry needs at least one host.')
  each(hosts, 'spec.hosts', (host, path) => {
    notes.error(path, host === '*' ? 'The host * is everything; name hosts.' : wildcardDomainProblem(host))
    if (resolution !== 'DYNAMIC_DNS') notes.warn(path, partialWildcardProblem(host))
  })
  each(entry.addresses, 'spec.addresses', (address, path) => {
    notes.error(path, subnetProblem(address))
    if (address.includes('/') && resolution !== 'NONE' && resolution !== 'STATIC')
      notes.error(path, `A CIDR block needs resolution NONE or STATIC, not ${resolution}.`)
  })
  checkPorts(resource, entry, notes)
  checkResolution[resolution](entry, resource, notes)
  if (
    resolution !== 'NONE' &&
    hosts.length > 1 &&
    ports.some(({ protocol }) => !isHttpProtocol(protocol) && !isTlsProtocol(protocol))
  )
    notes.error(
      'spec.hosts',
      'Plain TCP does not say which host it means; with several hosts all ports must speak HTTP or TLS.',
    )
  const { namespace } = resource.metadata
  notes.error(
    'spec.exportTo',
    exportToProblem(entry.exportTo, { namespace, allowsNobody: true, onlyAtHome: false }),
  )
}

function checkPorts(resource: Resource, entry: ServiceEntry, notes: Notes): void {
  const names = new Set<string>()
  const numbers = new Set<number>()
  const needsAddress = !entry.addresses?.length && !getsAddress(resource, entry)
  each(entry.ports, 'spec.ports', ({ name = '', number = 0, protocol = '', targetPort }, path) => {
    if (names.has(name)) notes.error(`${path}.name`, `The port name "${name}" is taken.`)
    if (numbers.has(number)) notes.error(`${path}.number`, `Port ${number} is defined twice.`)
    names.add(name)
    numbers.add(number)
    if (targetPort) notes.error(`${path}.targetPort`, portProblem(targetPort))
    if (needsAddress && ['', 'TCP'].includes(protocol))
      notes.warn(
        path,
        'A TCP port without addresses catches the traffic of all hosts on this port, as no address is allocated to this ServiceEntry.',
      )
    notes.error(`${path}.name`, portNameProblem(name))
    notes.error(`${path}.protocol`, protocolProblem(protocol))
    notes.error(`${path}.number`, portProblem(number))
  })
}

/** True when istiod gives the entry an address. istio: pilot/pkg/networking/serviceentry/ip_autoallocation.go. */
function getsAddress(resource: Resource, entry: ServiceEntry): boolean {
  const optOut =
    resource.metadata.labels['networking.istio.io/enable-autoallocate-ip']?.toLowerCase() === 'false'
  return (entry.resolution ?? 'NONE') !== 'NONE' && !optOut && !entry.addresses?.length
}

type ResolutionRule = (entry: ServiceEntry, resource: Resource, notes: Notes) => void

const checkDns: ResolutionRule = (
  { hosts = [], endpoints = [], ports = [], addresses, resolution },
  _,
  notes,
) => {
  if (endpoints.length === 0) {
    const wrong = hosts.find(host => domainProblem(host))
    if (wrong !== undefined)
      notes.error('spec.hosts', `"${wrong}" cannot be resolved; give full domain names, or endpoints.`)
  }
  if (resolution === 'DNS_ROUND_ROBIN' && endpoints.length > 1)
    notes.error('spec.endpoints', 'DNS_ROUND_ROBIN takes one endpoint at most.')
  each(endpoints, 'spec.endpoints', (endpoint, path) => {
    const address = endpoint.address ?? ''
    if (!isAddress(address) && domainProblem(address))
      notes.error(`${path}.address`, `"${address}" is neither a full domain name nor an IP address.`)
    notes.error(`${path}.labels`, labelsProblem(endpoint.labels))
    checkEndpointPorts(endpoint, namesOf(ports), path, notes)
  })
  if (addresses?.length && hosts.length > 1 && ports.some(({ protocol }) => isTcpProtocol(protocol)))
    notes.warn('spec.hosts', 'An address with a TCP port serves one host only.')
}

const checkResolution: Readonly<Record<NonNullable<ServiceEntry['resolution']>, ResolutionRule>> = {
  NONE(entry, _, notes) {
    if (entry.endpoints?.length)
      notes.error('spec.endpoints', 'Resolution NONE goes where the client meant to; it has no endpoints.')
    if (entry.workloadSelector)
      notes.warn('spec.workloadSelector', 'Resolution NONE has no endpoints to select.')
  },
  STATIC({ endpoints, ports = [] }, _, notes) {
    each(endpoints, 'spec.endpoints', (endpoint, path) => {
      checkWorkload(endpoint, path, { ports: namesOf(ports), allowsDomain: false }, notes)
    })
  },
  DNS: checkDns,
  DNS_ROUND_ROBIN: checkDns,
  DYNAMIC_DNS(entry, { metadata }, notes) {
    each(entry.hosts, 'spec.hosts', (host, path) => {
      if (!host.includes('*')) notes.error(path, 'Resolution DYNAMIC_DNS is for wildcard hosts.')
    })
    if (entry.addresses?.length)
      notes.error(
        'spec.addresses',
        'Resolution DYNAMIC_DNS asks DNS for the address of every request; remove addresses.',
      )
    if (entry.endpoints?.length)
      notes.error(
        'spec.endpoints',
        'Resolution DYNAMIC_DNS asks DNS for the address of every request; remove endpoints.',
      )
    each(entry.ports, 'spec.ports', ({ protocol = '' }, path) => {
      if (!['http', 'tls', 'grpc', 'http2'].includes(protocol.toLowerCase()))
        notes.error(
          `${path}.protocol`,
          'Resolution DYNAMIC_DNS needs HTTP, HTTP2, GRPC or TLS, where the request names its host.',
        )
    })
    const waypoint = metadata.labels['istio.io/use-waypoint'] ?? ''
    if (entry.location === 'MESH_INTERNAL' && waypoint !== '' && waypoint.toLowerCase() !== 'none')
      notes.error('spec.location', 'MESH_INTERNAL with DYNAMIC_DNS does not work through a waypoint.')
  },
}

const namesOf = (ports: readonly IstioPort[]): readonly string[] => ports.map(({ name = '' }) => name)

function checkEndpointPorts(
  endpoint: WorkloadEntry,
  known: readonly string[] | undefined,
  path: string,
  notes: Notes,
): void {
  for (const [name, port] of Object.entries(endpoint.ports ?? {})) {
    if (known && !known.includes(name))
      notes.error(`${path}.ports`, `The ServiceEntry has no port "${name}".`)
    notes.error(`${path}.ports`, portNameProblem(name))
    notes.error(`${path}.ports`, portProblem(port))
  }
}

interface WorkloadRules {
  /** The ports of the ServiceEntry it belongs to; `undefined` when it stands alone. */
  readonly ports?: readonly string[]
  readonly allowsDomain: boolean
}

/** istio: pkg/config/validation/validation.go validateWorkloadEntry. */
function checkWorkload(workload: WorkloadEntry, path: string, rules: WorkloadRules, notes: Notes): void {
  const { address = '', network } = workload
  if (address === '') {
    if (!network) {
      notes.error(path, 'An endpoint needs an address.')
      return
    }
    notes.warn(path, `Without an address it is reached through the gateways of network ${network}.`)
  }
  const isUnix = address.startsWith('unix://')
  if (isUnix) {
    notes.error(`${path}.address`, unixPathProblem(address.slice('unix://'.length)))
    if (Object.keys(workload.ports ?? {}).length > 0)
      notes.error(`${path}.ports`, 'A unix socket has no ports.')
    if (rules.ports && rules.ports.length !== 1)
      notes.error(`${path}.address`, 'A unix socket serves exactly one port.')
  } else if (address !== '' && !isAddress(address)) {
    if (!rules.allowsDomain)
      notes.error(`${path}.address`, `"${address}" is no IP address, as resolution STATIC needs.`)
    else if (domainProblem(address))
      notes.error(`${path}.address`, `"${address}" is neither a full domain name nor an IP address.`)
  }
  checkEndpointPorts(workload, rules.ports, path, notes)
  notes.error(`${path}.labels`, labelsProblem(workload.labels))
}

/** istio: pkg/config/validation/validation.go ValidateWorkloadEntry. */
export const validateWorkloadEntry: Validator = (resource, notes) => {
  checkWorkload(specAs<WorkloadEntry>(resource), 'spec', { allowsDomain: true }, notes)
}

/** istio: pkg/config/validation/validation.go ValidateWorkloadGroup. */
export const validateWorkloadGroup: Validator = (resource, notes) => {
  const group = specAs<WorkloadGroup>(resource)
  if (!group.template) {
    notes.error('spec', 'A WorkloadGroup needs a template.')
    return
  }
  notes.error('spec.metadata.labels', labelsProblem(group.metadata?.labels))
  if (group.probe) checkProbe(group.probe, 'spec.probe', notes)
}

function checkProbe(probe: NonNullable<WorkloadGroup['probe']>, path: string, notes: Notes): void {
  for (const field of [
    'periodSeconds',
    'initialDelaySeconds',
    'timeoutSeconds',
    'successThreshold',
    'failureThreshold',
  ] as const)
    notes.error(`${path}.${field}`, negativeProblem(probe[field]))
  const { httpGet, tcpSocket, exec } = probe
  if (httpGet) {
    notes.error(`${path}.httpGet.port`, portProblem(httpGet.port))
    if (httpGet.scheme && !['HTTP', 'HTTPS'].includes(httpGet.scheme))
      notes.error(`${path}.httpGet.scheme`, 'The scheme is HTTP or HTTPS.')
    each(httpGet.httpHeaders, `${path}.httpGet.httpHeaders`, ({ name = '' }, at) => {
      if (!/^[-A-Za-z0-9]+$/.test(name)) notes.error(at, `"${name}" is no header name.`)
    })
  } else if (tcpSocket) notes.error(`${path}.tcpSocket.port`, portProblem(tcpSocket.port))
  else if (!exec) notes.error(path, 'A probe needs httpGet, tcpSocket or exec.')
  else if (!exec.command?.length) notes.error(`${path}.exec`, 'exec needs a command.')
}
