import type { Container, EnvVar, PodSpec, Volume } from '../../model/kubernetes.ts'
import type { PodOverlay } from './strategic-merge.ts'
import type { EffectiveProxyConfig, InjectionValues } from './values.ts'

/** What a template can see of the pod it is rendered for. */
export interface TemplateInput {
  readonly name: string
  readonly namespace: string
  readonly apiVersion: string
  readonly kind: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly spec: PodSpec
  readonly values: InjectionValues
  readonly proxyConfig: EffectiveProxyConfig
  readonly trustDomain: string
  readonly inboundLocalhost: boolean
  readonly nativeSidecar: boolean
  readonly proxyUid: number
}

/** istio: manifests/charts/istio-control/istio-discovery/files/{injection,gateway-injection}-template.yaml. */
export const templates: Readonly<Record<string, (input: TemplateInput) => PodOverlay>> = {
  sidecar: sidecarTemplate,
  gateway: gatewayTemplate,
}

const annotation = (input: TemplateInput, name: string, otherwise: string | number): string =>
  input.annotations[name] ?? String(otherwise)

function appContainers(input: TemplateInput): readonly string[] {
  return (input.spec.containers ?? []).map(container => container.name).filter(name => name !== 'istio-proxy')
}

function sidecarTemplate(input: TemplateInput): PodOverlay {
  const native = input.nativeSidecar
  const init = interceptionMode(input) === 'NONE' ? [] : [initContainer(input)]
  const proxy = sidecarContainer(input)
  return {
    labels: {
      'security.istio.io/tlsMode': input.labels['security.istio.io/tlsMode'] || 'istio',
      ...(input.proxyConfig.proxyMetadata['ISTIO_META_ENABLE_HBONE'] === 'true' && {
        'networking.istio.io/tunnel': input.labels['networking.istio.io/tunnel'] || 'http',
      }),
      ...canonicalLabels(input, true),
    },
    annotations: {
      ...commonAnnotations(input),
      ...(input.values.pilot.cni.enabled && cniAnnotations(input)),
    },
    initContainers: native ? [...init, proxy] : init,
    containers: native ? [] : [proxy],
    volumes: [
      ...podVolumes(input),
      volume('istio-ca-crl', { configMap: { name: 'istio-ca-crl', optional: true } }),
      ...userVolumes(input),
    ],
    imagePullSecrets: (input.values.global.imagePullSecrets ?? []).map(name => ({ name })),
  }
}

function gatewayTemplate(input: TemplateInput): PodOverlay {
  const { proxy } = input.values.global
  return {
    labels: canonicalLabels(input, false),
    annotations: commonAnnotations(input),
    initContainers: [],
    containers: [
      {
        ...proxyContainer(input, 'router'),
        securityContext: { runAsUser: input.proxyUid, runAsGroup: input.proxyUid },
        readinessProbe: {
          httpGet: { path: '/healthz/ready', port: 15021 },
          initialDelaySeconds: Number(proxy.readinessInitialDelaySeconds),
          periodSeconds: Number(proxy.readinessPeriodSeconds),
          timeoutSeconds: 3,
          failureThreshold: Number(proxy.readinessFailureThreshold),
        },
      },
    ],
    volumes: podVolumes(input),
    imagePullSecrets: (input.values.global.imagePullSecrets ?? []).map(name => ({ name })),
    securityContext: { sysctls: [{ name: 'net.ipv4.ip_unprivileged_port_start', value: '0' }] },
  }
}

function canonicalLabels(input: TemplateInput, truncate: boolean): Readonly<Record<string, string>> {
  const { labels } = input
  const name =
    labels['service.istio.io/canonical-name'] ||
    labels['app.kubernetes.io/name'] ||
    labels['app'] ||
    input.name
  return {
    'service.istio.io/canonical-name': truncate ? name.slice(0, 63).replace(/^[-_.]+|[-_.]+$/g, '') : name,
    'service.istio.io/canonical-revision':
      labels['service.istio.io/canonical-revision'] ||
      labels['app.kubernetes.io/version'] ||
      labels['version'] ||
      'latest',
  }
}

function commonAnnotations(input: TemplateInput): Readonly<Record<string, string>> {
  const first = appContainers(input)[0]
  const unless = (name: string) =>
    first === undefined || input.annotations[name] !== undefined ? {} : { [name]: first }
  return {
    'istio.io/rev': input.values.revision || 'default',
    ...unless('kubectl.kubernetes.io/default-logs-container'),
    ...unless('kubectl.kubernetes.io/default-container'),
  }
}

function interceptionMode(input: TemplateInput): string {
  return annotation(input, 'sidecar.istio.io/interceptionMode', input.proxyConfig.interceptionMode)
}

/** The user's excluded ports plus the agent's port, once; port 0 adds nothing. */
function excludedInboundPorts(input: TemplateInput): string {
  const { proxy } = input.values.global
  const excluded = annotation(
    input,
    'traffic.sidecar.istio.io/excludeInboundPorts',
    proxy.excludeInboundPorts,
  )
  const status = annotation(input, 'status.sidecar.istio.io/port', proxy.statusPort).trim()
  if (status === '' || status === '0' || excluded.split(',').includes(status)) return excluded
  return [
    ...excluded
      .split(',')
      .map(port => port.trim())
      .filter(Boolean),
    status,
  ].join(',')
}

function cniAnnotations(input: TemplateInput): Readonly<Record<string, string>> {
  const { proxy } = input.values.global
  const traffic = (name: string, value: string) =>
    annotation(input, `traffic.sidecar.istio.io/${name}`, value)
  const optional = (name: string, value: string | undefined) => (value ? { [name]: value } : {})
  const own = (name: string) => optional(name, input.annotations[name])
  const ports = (name: string, value: string) =>
    optional(`traffic.sidecar.istio.io/${name}`, traffic(name, value))
  const networks = input.annotations['k8s.v1.cni.cncf.io/networks']
  return {
    ...(input.values.pilot.cni.provider === 'multus' && {
      'k8s.v1.cni.cncf.io/networks': networks ? `${networks}, default/istio-cni` : 'default/istio-cni',
    }),
    'sidecar.istio.io/interceptionMode': interceptionMode(input),
    ...ports('includeOutboundIPRanges', proxy.includeIPRanges),
    ...ports('excludeOutboundIPRanges', proxy.excludeIPRanges),
    'traffic.sidecar.istio.io/includeInboundPorts': traffic('includeInboundPorts', proxy.includeInboundPorts),
    'traffic.sidecar.istio.io/excludeInboundPorts': excludedInboundPorts(input),
    ...ports('includeOutboundPorts', proxy.includeOutboundPorts),
    ...ports('excludeOutboundPorts', proxy.excludeOutboundPorts),
    ...own('traffic.sidecar.istio.io/kubevirtInterfaces'),
    ...own('istio.io/reroute-virtual-interfaces'),
    ...own('traffic.sidecar.istio.io/excludeInterfaces'),
  }
}

/** `istio-init`, or `istio-validation` where the CNI plugin writes the rules. */
function initContainer(input: TemplateInput): Container {
  const { values } = input
  const cni = values.pilot.cni.enabled
  const tproxy = interceptionMode(input) === 'TPROXY'
  return {
    name: cni ? 'istio-validation' : 'istio-init',
    image: proxyImage(input, values.global.proxy_init.image),
    args: iptablesArguments(input),
    ...(values.global.imagePullPolicy && { imagePullPolicy: values.global.imagePullPolicy }),
    ...(Object.keys(input.proxyConfig.proxyMetadata).length > 0 && { env: metadataEnv(input) }),
    resources: proxyResources(input),
    securityContext: {
      allowPrivilegeEscalation: values.global.proxy.privileged,
      privileged: values.global.proxy.privileged,
      capabilities: { ...(!cni && { add: ['NET_ADMIN', 'NET_RAW'] }), drop: ['ALL'] },
      readOnlyRootFilesystem: cni,
      runAsGroup: cni ? (tproxy ? 1337 : input.proxyUid) : 0,
      runAsUser: cni ? (tproxy ? 1337 : input.proxyUid) : 0,
      runAsNonRoot: cni,
    },
  }
}

function iptablesArguments(input: TemplateInput): readonly string[] {
  const { values, annotations } = input
  const { proxy } = values.global
  const traffic = (name: string, value: string) =>
    annotation(input, `traffic.sidecar.istio.io/${name}`, value)
  const stated = (name: string, value: string) =>
    annotations[`traffic.sidecar.istio.io/${name}`] !== undefined || value !== ''
  const excluded = excludedInboundPorts(input)
  const nics =
    annotations['istio.io/reroute-virtual-interfaces'] ??
    annotations['traffic.sidecar.istio.io/kubevirtInterfaces']
  const nicsOut = annotations['traffic.sidecar.istio.io/excludeInterfaces']
  return [
    'istio-iptables',
    '-p',
    '15001',
    '-z',
    '15006',
    '-u',
    interceptionMode(input) === 'TPROXY' ? '1337' : String(input.proxyUid),
    '-m',
    interceptionMode(input),
    '-i',
    traffic('includeOutboundIPRanges', proxy.includeIPRanges),
    '-x',
    traffic('excludeOutboundIPRanges', proxy.excludeIPRanges),
    '-b',
    traffic('includeInboundPorts', proxy.includeInboundPorts),
    '-d',
    excluded === '' ? '15090,15021' : `15090,15021,${excluded}`,
    ...(stated('includeOutboundPorts', proxy.includeOutboundPorts)
      ? ['-q', traffic('includeOutboundPorts', proxy.includeOutboundPorts)]
      : []),
    ...(stated('excludeOutboundPorts', proxy.excludeOutboundPorts)
      ? ['-o', traffic('excludeOutboundPorts', proxy.excludeOutboundPorts)]
      : []),
    ...(nics === undefined ? [] : ['-k', nics]),
    ...(nicsOut === undefined ? [] : ['-c', nicsOut]),
    `--log_output_level=${annotation(input, 'sidecar.istio.io/agentLogLevel', values.global.logging.level)}`,
    ...(values.global.logAsJson ? ['--log_as_json'] : []),
    ...(values.pilot.cni.enabled
      ? ['--run-validation', '--skip-rule-apply']
      : values.global.proxy_init.forceApplyIptables
        ? ['--force-apply']
        : []),
    ...(values.global.nativeNftables ? ['--native-nftables'] : []),
  ]
}

function sidecarContainer(input: TemplateInput): Container {
  const { proxy } = input.values.global
  const port = annotation(input, 'status.sidecar.istio.io/port', proxy.statusPort)
  const readiness = (name: string, value: number) =>
    Number(annotation(input, `readiness.status.sidecar.istio.io/${name}`, value))
  const httpGet = { path: '/healthz/ready', port: 15021 }
  return {
    ...proxyContainer(input, 'sidecar'),
    ...(input.nativeSidecar && { restartPolicy: 'Always' }),
    ...lifecycleOf(input, port),
    ...(port !== '0' && {
      ...(proxy.startupProbe.enabled && {
        startupProbe: {
          httpGet,
          initialDelaySeconds: 0,
          periodSeconds: 1,
          timeoutSeconds: 3,
          failureThreshold: proxy.startupProbe.failureThreshold,
        },
      }),
      readinessProbe: {
        httpGet,
        initialDelaySeconds: readiness('initialDelaySeconds', proxy.readinessInitialDelaySeconds),
        periodSeconds: readiness('periodSeconds', proxy.readinessPeriodSeconds),
        timeoutSeconds: 3,
        failureThreshold: readiness('failureThreshold', proxy.readinessFailureThreshold),
      },
    }),
    securityContext: proxySecurity(input),
    resources: proxyResources(input),
  }
}

function lifecycleOf(input: TemplateInput, port: string): Pick<Container, 'lifecycle'> {
  const { proxy } = input.values.global
  if (proxy.lifecycle) return { lifecycle: proxy.lifecycle }
  if (input.nativeSidecar) {
    const command = ['pilot-agent', 'request', `--debug-port=${port}`, 'POST', 'drain']
    return { lifecycle: { preStop: { exec: { command } } } }
  }
  const hold =
    input.proxyConfig.holdApplicationUntilProxyStarts || proxy.holdApplicationUntilProxyStarts === true
  return hold ? { lifecycle: { postStart: { exec: { command: ['pilot-agent', 'wait'] } } } } : {}
}

function proxySecurity(input: TemplateInput): NonNullable<Container['securityContext']> {
  const { privileged } = input.values.global.proxy
  const tproxy = interceptionMode(input) === 'TPROXY'
  const bind = input.annotations['sidecar.istio.io/capNetBindService'] === 'true'
  const asRoot = tproxy || bind
  const add = [...(tproxy ? ['NET_ADMIN'] : []), ...(bind ? ['NET_BIND_SERVICE'] : [])]
  return {
    allowPrivilegeEscalation: privileged,
    capabilities: { ...(add.length > 0 && { add }), drop: ['ALL'] },
    privileged,
    readOnlyRootFilesystem: true,
    runAsNonRoot: !asRoot,
    runAsUser: asRoot ? 0 : input.proxyUid,
    runAsGroup: asRoot ? 1337 : input.proxyUid,
  }
}

function proxyContainer(input: TemplateInput, role: 'sidecar' | 'router'): Container {
  const { global } = input.values
  const level = (name: string, value: string) => annotation(input, `sidecar.istio.io/${name}`, value)
  return {
    name: 'istio-proxy',
    image: proxyImage(input, global.proxy.image),
    ports: [{ containerPort: 15090, protocol: 'TCP', name: 'http-envoy-prom' }],
    args: [
      'proxy',
      role,
      '--domain',
      `$(POD_NAMESPACE).svc.${global.proxy.clusterDomain}`,
      `--proxyLogLevel=${level('logLevel', global.proxy.logLevel)}`,
      `--proxyComponentLogLevel=${level('componentLogLevel', global.proxy.componentLogLevel)}`,
      `--log_output_level=${level('agentLogLevel', global.logging.level)}`,
      ...(global.sts?.servicePort ? [`--stsPort=${global.sts.servicePort}`] : []),
      ...(global.logAsJson ? ['--log_as_json'] : []),
      ...(role === 'sidecar' && global.proxy.outlierLogPath
        ? [`--outlierLogPath=${global.proxy.outlierLogPath}`]
        : []),
    ],
    env: proxyEnv(input, role),
    ...(global.imagePullPolicy && { imagePullPolicy: global.imagePullPolicy }),
    volumeMounts: [
      { name: 'workload-socket', mountPath: '/var/run/secrets/workload-spiffe-uds' },
      { name: 'credential-socket', mountPath: '/var/run/secrets/credential-uds' },
      { name: 'workload-certs', mountPath: '/var/run/secrets/workload-spiffe-credentials' },
      { name: 'istiod-ca-cert', mountPath: '/var/run/secrets/istio' },
      ...(role === 'sidecar' ? [{ name: 'istio-ca-crl', mountPath: '/var/run/secrets/istio/crl' }] : []),
      { name: 'istio-data', mountPath: '/var/lib/istio/data' },
      { name: 'istio-envoy', mountPath: '/etc/istio/proxy' },
      { name: 'istio-token', mountPath: '/var/run/secrets/tokens' },
      { name: 'istio-podinfo', mountPath: '/etc/istio/pod' },
    ],
  }
}

function proxyEnv(input: TemplateInput, role: 'sidecar' | 'router'): readonly EnvVar[] {
  const { global, revision } = input.values
  const field = (name: string, fieldPath: string): EnvVar => ({
    name,
    valueFrom: { fieldRef: { fieldPath } },
  })
  const limit = (name: string, resource: string): EnvVar => ({
    name,
    valueFrom: { resourceFieldRef: { resource, divisor: '1' } },
  })
  const set = (name: string, value: string | undefined): readonly EnvVar[] => (value ? [{ name, value }] : [])
  const ports = (input.spec.containers ?? []).flatMap(container => container.ports ?? [])
  const workload = (role === 'sidecar' && input.labels['service.istio.io/workload-name']) || input.name
  const mode = role === 'sidecar' ? interceptionMode(input) : input.proxyConfig.interceptionMode
  return [
    ...(role === 'sidecar' && input.inboundLocalhost
      ? set('REWRITE_PROBE_LEGACY_LOCALHOST_DESTINATION', 'true')
      : []),
    ...set('PILOT_CERT_PROVIDER', global.pilotCertProvider),
    ...set(
      'CA_ADDR',
      global.caAddress ?? `istiod${revision ? `-${revision}` : ''}.${global.istioNamespace}.svc:15012`,
    ),
    field('POD_NAME', 'metadata.name'),
    field('POD_NAMESPACE', 'metadata.namespace'),
    field('INSTANCE_IP', 'status.podIP'),
    field('SERVICE_ACCOUNT', 'spec.serviceAccountName'),
    field('HOST_IP', 'status.hostIP'),
    limit('ISTIO_CPU_LIMIT', 'limits.cpu'),
    { name: 'PROXY_CONFIG', value: `${JSON.stringify(input.proxyConfig.raw)}\n` },
    {
      name: 'ISTIO_META_POD_PORTS',
      value: `[\n${ports.map(port => `    ${JSON.stringify(port)}`).join('\n    ,')}\n]`,
    },
    { name: 'ISTIO_META_APP_CONTAINERS', value: appContainers(input).join(',') },
    limit('GOMEMLIMIT', 'limits.memory'),
    ...set('ISTIO_META_CLUSTER_ID', global.multiCluster.clusterName ?? 'Kubernetes'),
    field('ISTIO_META_NODE_NAME', 'spec.nodeName'),
    ...set('ISTIO_META_INTERCEPTION_MODE', mode),
    ...set('ISTIO_META_NETWORK', input.labels['topology.istio.io/network'] ?? global.network),
    ...set('ISTIO_META_WORKLOAD_NAME', workload),
    ...set('ISTIO_META_OWNER', ownerOf(input)),
    ...set('ISTIO_META_MESH_ID', global.meshID || input.trustDomain),
    ...set('TRUST_DOMAIN', input.trustDomain),
    ...metadataEnv(input),
  ]
}

function ownerOf(input: TemplateInput): string | undefined {
  if (!input.apiVersion || !input.name) return undefined
  return `kubernetes://apis/${input.apiVersion}/namespaces/${input.namespace || 'default'}/${input.kind.toLowerCase()}s/${input.name}`
}

function metadataEnv(input: TemplateInput): readonly EnvVar[] {
  return Object.entries(input.proxyConfig.proxyMetadata).map(([name, value]) => ({ name, value }))
}

function proxyImage(input: TemplateInput, image: string): string {
  const chosen = annotation(input, 'sidecar.istio.io/proxyImage', image)
  if (chosen.includes('/')) return chosen
  const { hub, tag, variant } = input.values.global
  const type =
    input.annotations['sidecar.istio.io/proxyImageType'] ?? input.proxyConfig.imageType ?? variant ?? ''
  const plain = type === '' ? tag : tag.replace(/-(distroless|debug)$/, '')
  return `${hub}/${chosen}:${plain}${type === '' || type === 'default' ? '' : `-${type}`}`
}

function proxyResources(input: TemplateInput): NonNullable<Container['resources']> {
  const read = (name: string) => input.annotations[`sidecar.istio.io/${name}`]
  const pair = (cpu: string | undefined, memory: string | undefined) => ({
    ...(cpu !== undefined && { cpu }),
    ...(memory !== undefined && { memory }),
  })
  const requests = pair(read('proxyCPU'), read('proxyMemory'))
  const limits = pair(read('proxyCPULimit'), read('proxyMemoryLimit'))
  const stated = { ...requests, ...limits }
  if (Object.keys(stated).length === 0) return input.values.global.proxy.resources ?? {}
  return {
    ...(Object.keys(requests).length > 0 && { requests }),
    ...(Object.keys(limits).length > 0 && { limits }),
  }
}

const volume = (name: string, source: Readonly<Record<string, unknown>>): Volume => ({ name, ...source })

function podVolumes(input: TemplateInput): readonly Volume[] {
  const custom = input.annotations['sidecar.istio.io/bootstrapOverride']
  const fieldItem = (path: string) => ({ path, fieldRef: { fieldPath: `metadata.${path}` } })
  return [
    volume('workload-socket', { emptyDir: {} }),
    volume('credential-socket', { emptyDir: {} }),
    volume('workload-certs', { emptyDir: {} }),
    ...(custom === undefined ? [] : [volume('custom-bootstrap-volume', { configMap: { name: custom } })]),
    volume('istio-envoy', { emptyDir: { medium: 'Memory' } }),
    volume('istio-data', { emptyDir: {} }),
    volume('istio-podinfo', { downwardAPI: { items: [fieldItem('labels'), fieldItem('annotations')] } }),
    volume('istio-token', {
      projected: {
        sources: [
          { serviceAccountToken: { path: 'istio-token', expirationSeconds: 43200, audience: 'istio-ca' } },
        ],
      },
    }),
    ...(input.values.global.pilotCertProvider === 'istiod'
      ? [volume('istiod-ca-cert', { configMap: { name: 'istio-ca-root-cert' } })]
      : []),
  ]
}

function userVolumes(input: TemplateInput): readonly Volume[] {
  const text = input.annotations['sidecar.istio.io/userVolume']
  if (text === undefined) return []
  const parsed: unknown = JSON.parse(text)
  return parsed !== null && typeof parsed === 'object'
    ? Object.entries(parsed)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, source]) => volume(name, source))
    : []
}
