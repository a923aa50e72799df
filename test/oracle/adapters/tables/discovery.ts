import { parse } from 'yaml'
import {
  type EndpointQuery,
  includesUnhealthy,
  rankedEndpoints,
} from '../../../../sim-core/istiod/compile/cluster-endpoints.ts'
import { localityRule } from '../../../../sim-core/istiod/compile/locality-lb.ts'
import { serviceMtlsMode } from '../../../../sim-core/istiod/compile/outbound-clusters.ts'
import type { IstioEndpoint, PushContext, Service } from '../../../../sim-core/istiod/compile/push-context.ts'
import {
  destinationRuleFor,
  servicesFor,
  sidecarScopeFor,
  virtualServicesFor,
} from '../../../../sim-core/istiod/compile/scope.ts'
import { isServiceVisible } from '../../../../sim-core/istiod/compile/visibility.ts'
import { anEndpoint } from '../../../istiod/compile/a-push.ts'
import { differs, type Json, lines, type Verdict, verdictOf } from '../../corpus.ts'
import { covering, message } from './go.ts'
import { canonical, equal, proxyOf, pushOf, serviceOf, table, treeOfConfigs } from './table.ts'

/** Names of labels and modes that Go has as constants. */
const NAMES: Readonly<Record<string, string>> = {
  'label.SecurityTlsMode.Name': 'security.istio.io/tlsMode',
  IstioMutualTLSModeLabel: 'istio',
  DisabledTLSModeLabel: 'disabled',
  LabelTopologyRegion: 'topology.kubernetes.io/region',
  LabelTopologyZone: 'topology.kubernetes.io/zone',
  LabelHostname: 'kubernetes.io/hostname',
  TrafficDistributionPreferSameZone: 'PreferSameZone',
  TrafficDistributionPreferSameNode: 'PreferSameNode',
}

/** A row with Go's constants in place of their names. */
function named(row: Json): Json {
  const text = Object.entries(NAMES).reduce(
    (json, [name, value]) => json.replaceAll(`"${name}"`, `"${value}"`),
    JSON.stringify(row),
  )
  return JSON.parse(text)
}

const endpointWith = (more: Partial<IstioEndpoint> = {}) => anEndpoint({ namespace: 'default', ...more })

const aService = (more: Json = {}): Service =>
  serviceOf({
    hostname: 'example.ns.svc.cluster.local',
    ports: [{ name: 'http', port: 80, protocol: 'HTTP' }],
    attributes: { serviceRegistry: 'Kubernetes' },
    ...more,
  })

function queryOf(service: Service, rule?: Json): EndpointQuery {
  const [port] = service.ports
  if (!port) throw new Error('a service without ports')
  return { service, port, subset: '', rule, onlyMtls: false, byName: false }
}

const withEndpoints = (push: PushContext, endpoints: readonly IstioEndpoint[]): PushContext => ({
  ...push,
  endpointsOf: () => endpoints,
})

/** Which locality rule is in force. */
export const istioLocalityLb = table({
  TestGetEffectiveLbSetting: given => {
    const row = named(given)
    const distribution = row.svc?.attributes?.k8sAttributes?.trafficDistribution
    const service =
      distribution && distribution !== 'TrafficDistributionAny' ? { trafficDistribution: distribution } : {}
    const mesh = {
      ...(row.meshLocality ? { localityLbSetting: message(row.meshLocality) } : {}),
      ...(row.meshZoneAware ? { zoneAwareLbSetting: message(row.meshZoneAware) } : {}),
    }
    const rule = localityRule(mesh, message(row.dr) ?? undefined, service)
    const want = message(row.expectedLocality ?? row.expectedZoneAware) ?? undefined
    const keys = want?.failoverPriority?.map((key: string) => (key === 'Name' ? undefined : key))
    const got: Json = rule?.setting
    const gotKeys = got?.failoverPriority?.map((key: string, i: number) =>
      keys?.[i] === undefined ? undefined : key,
    )
    const kind = row.expectedLocality ? 'locality' : row.expectedZoneAware ? 'zoneAware' : undefined
    const isForced = rule?.kind === 'zoneAware' ? rule.setting.enabled !== false : rule?.force === true
    return verdictOf(
      lines(
        differs('kind', kind, rule?.kind),
        differs(
          'setting',
          canonical({ ...want, failoverPriority: keys }),
          canonical({ ...got, failoverPriority: gotKeys }),
        ),
        differs('force', row.expectedForce, isForced),
      ),
    )
  },
})

/** Which endpoints a client is told, and with what rank. */
export const istioOutlierEds = table({
  TestPopulateFailoverPriorityLabels: row => {
    const labels = { a: 'a', b: 'b' }
    const push = withEndpoints(pushOf({}, message(row.mesh ?? {})), [
      endpointWith({ labels }),
      endpointWith({ address: '2.2.2.2' }),
    ])
    const groups = rankedEndpoints(
      push,
      proxyOf({ labels }),
      queryOf(aService(), message(row.dr?.spec) ?? undefined),
    )
    return equal(row.expectedLabels ? 2 : 1, groups.length)
  },
  TestFilterIstioEndpoint: row => {
    if (row.svcInfo) return { unsupported: 'ambient scopes' }
    const source = endpointWith({ address: row.ep.addresses?.[0] ?? '', nodeName: row.ep.nodeName ?? '' })
    const push = withEndpoints(pushOf({}), [source])
    const proxy = proxyOf({
      nodeName: row.proxy.metadata?.nodeName ?? '',
      ipAddresses: row.proxy.ipAddresses ?? [],
    })
    return equal(row.expected, rankedEndpoints(push, proxy, queryOf(aService())).length > 0)
  },
  TestSupportsUnhealthyEndpoints: row => {
    const features = {
      PILOT_SEND_UNHEALTHY_ENDPOINTS: row.globalSendUnhealthy,
      PILOT_AUTO_SEND_UNHEALTHY_ENDPOINTS: row.defaultSendUnhealthy,
    }
    const query = queryOf(aService(), message(row.dr?.spec) ?? undefined)
    return equal(row.want, includesUnhealthy(pushOf({}, {}, [], features), query))
  },
  TestEndpointsByNetworkFilter_GatewayIPFamily: row => {
    const gateways = row.gateways.map((gateway: Json, i: number) => ({
      ...aService({ hostname: `gateway-${i}.istio-system.svc.cluster.local` }),
      labels: {
        'topology.istio.io/network': gateway.network,
        'networking.istio.io/gatewayPort': String(gateway.port),
      },
      externalAddresses: [gateway.addr],
    }))
    const push = withEndpoints(pushOf({}, {}, gateways), [
      endpointWith({ network: 'network2', tlsMode: 'istio' }),
    ])
    const proxy = proxyOf({
      network: row.proxy.metadata.network,
      ipAddresses: row.proxy.ipAddresses ?? [],
    })
    const groups = rankedEndpoints(push, proxy, queryOf(aService()))
    const got = groups
      .map(({ endpoints }) => ({
        lbEps: (endpoints.lbEndpoints ?? []).map(({ endpoint, loadBalancingWeight }) => {
          const address: Json = endpoint?.address
          return { address: address.socketAddress.address, weight: loadBalancingWeight }
        }),
        weight: endpoints.loadBalancingWeight ?? 0,
      }))
      .filter(group => group.lbEps.length > 0)
    const want = row.want.filter((group: Json) => (group.lbEps ?? []).length > 0)
    return equal(want, got)
  },
})

/** Keys of Go's sets of visibilities. */
const scopesOf = (set: Json): readonly string[] =>
  Object.keys(set ?? {}).map(key => {
    if (key.startsWith('{')) return JSON.parse(key).args[0]
    return { 'visibility.Public': '*', 'visibility.Private': '.', 'visibility.None': '~' }[key] ?? key
  })

const VISIBILITY: Readonly<Record<string, Service['visibility']>> = {
  ServiceVisibilityNamespace: 'NAMESPACE',
  ServiceVisibilityNone: 'NONE',
}

/** What namespaces see of services, and what servers want. */
export const pushContextJudges: Readonly<Record<string, (row: Json) => Verdict>> = {
  TestIsServiceVisible: row => {
    const defaults = row.pushContext?.exportToDefaults?.service
    const mesh = {
      ...row.pushContext?.mesh,
      ...(defaults ? { defaultServiceExportTo: scopesOf(defaults) } : {}),
    }
    const attributes = row.service?.attributes ?? {}
    const visibility = VISIBILITY[attributes.visibility ?? '']
    const service: Service = {
      ...aService(),
      namespace: attributes.namespace ?? '',
      exportTo: scopesOf(attributes.exportTo),
      ...(visibility ? { visibility } : {}),
    }
    return equal(row.expect, isServiceVisible(pushOf({}, mesh), service, 'foo'))
  },
  TestBestEffortInferServiceMTLSMode: given => {
    const row = named(given)
    const policy = (namespace: string, mode: string) => ({
      meta: { groupVersionKind: 'PeerAuthentication', name: 'default', namespace },
      spec: { mtls: { mode } },
    })
    const tree = treeOfConfigs([policy('whole', 'STRICT'), policy('istio-system', 'PERMISSIVE')])
    const endpoints = (row.serviceInstances ?? []).map(({ endpoint }: Json) =>
      endpointWith({ tlsMode: endpoint.tlsMode }),
    )
    const service = aService({
      resolution: row.serviceResolution,
      ports: [{ name: 'http', port: row.servicePort, protocol: 'HTTP' }],
      attributes: { namespace: row.serviceNamespace },
    })
    const [port] = service.ports
    if (!port) return { unsupported: 'no port' }
    const got = serviceMtlsMode(withEndpoints(pushOf(tree), endpoints), service, port, undefined)
    return equal(row.wanted.replace('MTLS', '').toUpperCase(), got ?? 'UNKNOWN')
  },
  TestResolveServiceAliases: row => {
    const host = (name: string) => `${name}.default.svc.cluster.local`
    const tree = treeOfConfigs(
      row.input.map(({ name, externalName }: Json) => ({
        meta: { groupVersionKind: 'Service', name, namespace: 'default' },
        spec: externalName
          ? { type: 'ExternalName', externalName: host(externalName) }
          : { clusterIP: '10.0.0.1' },
      })),
    )
    const { services } = pushOf(tree)
    const found = (name: string) => services.find(service => service.name === name)?.aliases ?? []
    const want = row.output.map(({ aliases }: Json) =>
      Object.values(aliases ?? {}).map(alias => host(String(alias))),
    )
    return equal(
      want,
      row.output.map(({ name }: Json) => found(name)),
    )
  },
}

/** The part of an endpoint that tables state. */
function endpointFacts(endpoint: Json): Json {
  const { addresses, endpointPort, servicePortName, labels, tlsMode, lbWeight, network, locality } = endpoint
  return {
    address: addresses?.[0],
    port: endpointPort,
    ...(servicePortName === undefined ? {} : { servicePortName }),
    ...(labels ? { labels } : {}),
    ...(tlsMode ? { tlsMode } : {}),
    ...(lbWeight ? { weight: lbWeight } : {}),
    ...(network ? { network } : {}),
    ...(locality?.label ? { locality: locality.label } : {}),
  }
}

function judgeInstances(configs: readonly Json[], out: readonly Json[], features: Json = {}): Verdict {
  const push = pushOf(treeOfConfigs(configs), {}, [], features)
  const hosts = new Set<string>()
  const fresh = push.services.filter(service => !hosts.has(service.hostname) && hosts.add(service.hostname))
  const got = fresh.flatMap(service => push.endpointsOf(service))
  const key = (facts: Json) => `${facts.address} ${facts.port} ${facts.servicePortName}`
  const sorted = (list: readonly Json[]) => [...list].sort((a, b) => (key(a) < key(b) ? -1 : 1))
  const want = out.map(({ endpoint }: Json) => endpointFacts(endpoint))
  if (want.length !== got.length)
    return equal(
      want,
      got.map(each => key(each)),
    )
  return covering(sorted(want), sorted(got))
}

/** What ServiceEntries and WorkloadEntries become. */
export const istioServiceentryConv = table({
  TestConvertInstances: given => {
    const row = named(given)
    return judgeInstances([row.externalSvc], row.out)
  },
  TestConvertWorkloadEntryToServiceInstances: given => {
    const row = named(given)
    const { namespace } = row.se.meta
    const entry = { meta: { groupVersionKind: 'WorkloadEntry', name: 'selector', namespace }, spec: row.wle }
    return judgeInstances([row.se, entry], row.out, row.clusterID ? { CLUSTER_ID: row.clusterID } : {})
  },
  TestConvertWorkloadEntryToWorkloadInstance: given => {
    const row = named(given)
    if (row.getNetworkIDCb) return { unsupported: 'asks a callback of the test' }
    const meta = { groupVersionKind: 'ServiceEntry', name: 'all', namespace: row.wle.meta.namespace }
    const spec = {
      hosts: ['a.com'],
      ports: [{ number: 80, name: 'http', protocol: 'HTTP' }],
      workloadSelector: { labels: {} },
      resolution: 'DNS',
    }
    const entry = { ...row.wle, meta: { ...row.wle.meta, groupVersionKind: 'WorkloadEntry' } }
    const push = pushOf(treeOfConfigs([{ meta, spec }, entry]), {}, [], { CLUSTER_ID: 'fakeCluster' })
    const [service] = push.services
    const [got] = service ? push.endpointsOf(service) : []
    const { port: _, servicePortName: __, ...want } = endpointFacts(row.out.endpoint)
    const account = row.out.endpoint.serviceAccount
    return covering(
      {
        ...want,
        address: want.address?.replace('unix://', ''),
        ...(typeof account === 'string' ? { serviceAccount: account } : {}),
      },
      got,
    )
  },
  TestConvertServicesNamespaceTrafficDistribution: given => {
    const row = named(given)
    const namespace = {
      meta: {
        groupVersionKind: 'Namespace',
        name: row.cfg.meta.namespace,
        namespace: '',
        annotations: row.nsAnnotations,
      },
      spec: {},
    }
    const [service] = pushOf(treeOfConfigs([row.cfg, namespace])).services
    const want = row.expectedDistro === 'TrafficDistributionAny' ? undefined : row.expectedDistro
    return equal(want, service?.trafficDistribution)
  },
})

const meshOf = (call: Json): Json =>
  call?.goCall === 'mesh.ApplyMeshConfigDefaults' ? parse(call.args[0]) : call?.goCall ? {} : call

/** What Sidecars let through. */
export const istioSidecarScope = table({
  TestContainsEgressDependencies: row => {
    const meta = (groupVersionKind: string, name: string, namespace: string) => ({
      groupVersionKind,
      name,
      namespace,
    })
    const entry = {
      hosts: ['svc1.com'],
      ports: [{ number: 80, name: 'http', protocol: 'HTTP' }],
      resolution: 'STATIC',
    }
    const push = pushOf(
      treeOfConfigs([
        { meta: meta('ServiceEntry', 'svc1', 'ns'), spec: entry },
        { meta: meta('VirtualService', 'vs1', 'ns'), spec: { hosts: ['svc1.com'] } },
        { meta: meta('DestinationRule', 'dr1', 'ns'), spec: { host: 'svc1.com' } },
        ...(row.egress
          ? [{ meta: meta('Sidecar', 'default', 'default'), spec: { egress: [{ hosts: row.egress }] } }]
          : []),
      ]),
    )
    const proxy = proxyOf()
    const services = servicesFor(push, proxy)
    const contains: Readonly<Record<string, (name: string, namespace: string) => boolean>> = {
      ServiceEntry: (name, namespace) =>
        services.some(each => each.hostname === name && each.namespace === namespace),
      VirtualService: (name, namespace) =>
        virtualServicesFor(push, proxy).some(each => each.name === name && each.namespace === namespace),
      DestinationRule: (name, namespace) =>
        services.some(service =>
          destinationRuleFor(push, proxy, service)?.from.some(
            each => each.name === name && each.namespace === namespace,
          ),
        ),
    }
    const asked = Object.entries(row.contains).map(([key, want]) => ({ ...JSON.parse(key), want }))
    if (asked.some(each => !contains[each._0.$sym.replace('kind.', '')]))
      return { unsupported: 'push dependencies' }
    return equal(
      asked.map(each => each.want),
      asked.map(each => contains[each._0.$sym.replace('kind.', '')]?.(each._1, each._2)),
    )
  },
  TestSidecarOutboundTrafficPolicy: row => {
    const tree = treeOfConfigs(row.sidecar ? [row.sidecar] : [], 'Sidecar')
    const scope = sidecarScopeFor(pushOf(tree, meshOf(row.meshConfig)), proxyOf({ namespace: 'not-default' }))
    return covering(message(row.outboundTrafficPolicy), {
      mode: 'REGISTRY_ONLY',
      ...scope.outboundTrafficPolicy,
    })
  },
  TestSidecarOutboundTrafficPolicyAllowAnyDynamicDNS: row => {
    const scope = sidecarScopeFor(pushOf({}, meshOf(row.meshConfig)), proxyOf())
    return equal(row.expectedMode.args?.[0] ?? row.expectedMode, scope.outboundTrafficPolicy.mode)
  },
})

/** VirtualServices that a Sidecar's egress hosts select. */
export function judgeVirtualServiceSelection(row: Json): Verdict {
  const host = (name: string) => (name === 'wildcardService' ? '*' : name)
  const entries = Object.entries(row.hostsByNS as Record<string, Json>).flatMap(([name, hosts]) => {
    const namespace = name === 'wildcardNamespace' ? '*' : name
    return [
      ...(hosts.allHosts ?? []).map((each: string) => `${namespace}/${host(each)}`),
      ...(hosts.excludedHosts ?? []).map((each: string) => `~${namespace}/${host(each)}`),
    ]
  })
  const virtualService = (name: string, namespace: string, hosts: readonly string[]) => ({
    meta: { groupVersionKind: 'VirtualService', name, namespace },
    spec: { hosts },
  })
  const isWild = row.expected.includes('vs-wild') || entries.includes('~*/*.com')
  const configs = isWild
    ? [virtualService('vs-wild', 'a', [row.expected.length > 0 ? '*.com' : 'a.com'])]
    : [
        virtualService('vs-a', 'a', ['a.com']),
        virtualService('vs-b', 'b', ['b.com']),
        virtualService('vs-multi', 'c', ['keep.com', 'drop.com']),
      ]
  const sidecar = {
    meta: { groupVersionKind: 'Sidecar', name: 'default', namespace: 'default' },
    spec: { egress: [{ hosts: entries }] },
  }
  const found = virtualServicesFor(pushOf(treeOfConfigs([...configs, sidecar])), proxyOf())
  const names = found.map(({ name }) => name)
  return equal([...row.expected].sort(), [...names].sort())
}
