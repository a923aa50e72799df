import { INTERCEPTION_DEFAULTS, type InterceptionConfig } from './interception-config.ts'

/** The installer's flags, by letter or by name. istio: tools/istio-iptables/pkg/cmd/root.go. */
const FLAGS: Readonly<Record<string, keyof InterceptionConfig>> = {
  p: 'ProxyPort',
  'envoy-port': 'ProxyPort',
  z: 'InboundCapturePort',
  'inbound-capture-port': 'InboundCapturePort',
  e: 'InboundTunnelPort',
  'inbound-tunnel-port': 'InboundTunnelPort',
  u: 'ProxyUID',
  'proxy-uid': 'ProxyUID',
  g: 'ProxyGID',
  'proxy-gid': 'ProxyGID',
  m: 'InboundInterceptionMode',
  'istio-inbound-interception-mode': 'InboundInterceptionMode',
  b: 'InboundPortsInclude',
  'istio-inbound-ports': 'InboundPortsInclude',
  d: 'InboundPortsExclude',
  'istio-local-exclude-ports': 'InboundPortsExclude',
  c: 'ExcludeInterfaces',
  'istio-exclude-interfaces': 'ExcludeInterfaces',
  i: 'OutboundIPRangesInclude',
  'istio-service-cidr': 'OutboundIPRangesInclude',
  x: 'OutboundIPRangesExclude',
  'istio-service-exclude-cidr': 'OutboundIPRangesExclude',
  q: 'OutboundPortsInclude',
  'istio-outbound-ports': 'OutboundPortsInclude',
  o: 'OutboundPortsExclude',
  'istio-local-outbound-ports-exclude': 'OutboundPortsExclude',
  k: 'RerouteVirtualInterfaces',
  'kube-virt-interfaces': 'RerouteVirtualInterfaces',
  t: 'InboundTProxyMark',
  r: 'InboundTProxyRouteTable',
  'redirect-dns': 'RedirectDNS',
  'capture-all-dns': 'CaptureAllDNS',
  'drop-invalid': 'DropInvalid',
}

/** What `istio-init` is told by its arguments; the group falls back to the user, as in the installer. */
export function configFromArguments(
  flags: Readonly<Record<string, string>>,
  environment: Readonly<Record<string, string>> = {},
): InterceptionConfig {
  const named = Object.entries(flags).flatMap(([flag, value]) => {
    const field = FLAGS[flag]
    if (!field) return []
    const isSwitch = typeof INTERCEPTION_DEFAULTS[field] === 'boolean'
    return [[field, isSwitch ? value !== 'false' : value] as const]
  })
  const given: Partial<InterceptionConfig> = Object.fromEntries(named)
  const dns = isTrue(environment['ISTIO_META_DNS_CAPTURE']) || given.RedirectDNS === true
  return {
    ...INTERCEPTION_DEFAULTS,
    ...(given.ProxyUID && { ProxyGID: given.ProxyUID }),
    ...given,
    RedirectDNS: dns,
    DropInvalid: given.DropInvalid === true || isTrue(environment['INVALID_DROP']),
    OwnerGroupsInclude:
      environment['ISTIO_OUTBOUND_OWNER_GROUPS'] ?? INTERCEPTION_DEFAULTS.OwnerGroupsInclude,
    OwnerGroupsExclude: environment['ISTIO_OUTBOUND_OWNER_GROUPS_EXCLUDE'] ?? '',
    HostIPv4LoopbackCidr:
      environment['ISTIO_OUTBOUND_IPV4_LOOPBACK_CIDR'] ?? INTERCEPTION_DEFAULTS.HostIPv4LoopbackCidr,
  }
}

const isTrue = (value: string | undefined) => value === 'true' || value === '1'

/** What istio-cni makes of a pod's annotations; it excludes port 15020 outbound and captures all DNS. istio: cni/pkg/plugin/sidecar_redirect.go. */
export function configFromAnnotations(
  annotations: Readonly<Record<string, string>>,
  environment: Readonly<Record<string, string>> = {},
): InterceptionConfig {
  const traffic = (name: string, otherwise: string) =>
    annotations[`traffic.sidecar.istio.io/${name}`] ?? otherwise
  const dns = isTrue(environment['ISTIO_META_DNS_CAPTURE'])
  const excluded = [...traffic('excludeInboundPorts', '15020').trim().split(','), '15020', '15021', '15090']
  return {
    ...INTERCEPTION_DEFAULTS,
    InboundInterceptionMode: annotations['sidecar.istio.io/interceptionMode'] ?? 'REDIRECT',
    OutboundIPRangesInclude: traffic('includeOutboundIPRanges', '*'),
    OutboundIPRangesExclude: traffic('excludeOutboundIPRanges', ''),
    InboundPortsInclude: traffic('includeInboundPorts', '*'),
    InboundPortsExclude: [...new Set(excluded.filter(port => port !== ''))].join(','),
    OutboundPortsInclude: traffic('includeOutboundPorts', ''),
    OutboundPortsExclude: traffic('excludeOutboundPorts', '15020'),
    ExcludeInterfaces: traffic('excludeInterfaces', ''),
    RerouteVirtualInterfaces:
      annotations['istio.io/reroute-virtual-interfaces'] ?? traffic('kubevirtInterfaces', ''),
    RedirectDNS: dns,
    CaptureAllDNS: dns,
    DropInvalid: isTrue(environment['INVALID_DROP']),
  }
}
