/** What istio-init and istio-cni are told, by the installer's own names. Lists are comma-separated; `*` is everything. istio: tools/common/config/config.go. */
export interface InterceptionConfig {
  readonly ProxyPort: string
  readonly InboundCapturePort: string
  readonly InboundTunnelPort: string
  readonly ProxyUID: string
  readonly ProxyGID: string
  readonly InboundInterceptionMode: string
  readonly InboundTProxyMark: string
  readonly InboundTProxyRouteTable: string
  readonly InboundPortsInclude: string
  readonly InboundPortsExclude: string
  readonly OwnerGroupsInclude: string
  readonly OwnerGroupsExclude: string
  readonly OutboundPortsInclude: string
  readonly OutboundPortsExclude: string
  readonly OutboundIPRangesInclude: string
  readonly OutboundIPRangesExclude: string
  readonly RerouteVirtualInterfaces: string
  readonly ExcludeInterfaces: string
  readonly HostIPv4LoopbackCidr: string
  readonly RedirectDNS: boolean
  readonly CaptureAllDNS: boolean
  readonly DropInvalid: boolean
  readonly EnableIPv6: boolean
  readonly DNSServersV4: readonly string[]
  readonly DNSServersV6: readonly string[]
}

/** What the installer assumes where it is told nothing. istio: tools/istio-iptables/pkg/cmd/root.go and constants.go. */
export const INTERCEPTION_DEFAULTS: InterceptionConfig = {
  ProxyPort: '15001',
  InboundCapturePort: '15006',
  InboundTunnelPort: '15008',
  ProxyUID: '1337',
  ProxyGID: '1337',
  InboundInterceptionMode: '',
  InboundTProxyMark: '1337',
  InboundTProxyRouteTable: '133',
  InboundPortsInclude: '',
  InboundPortsExclude: '',
  OwnerGroupsInclude: '*',
  OwnerGroupsExclude: '',
  OutboundPortsInclude: '',
  OutboundPortsExclude: '',
  OutboundIPRangesInclude: '',
  OutboundIPRangesExclude: '',
  RerouteVirtualInterfaces: '',
  ExcludeInterfaces: '',
  HostIPv4LoopbackCidr: '127.0.0.1/32',
  RedirectDNS: false,
  CaptureAllDNS: false,
  DropInvalid: false,
  EnableIPv6: false,
  DNSServersV4: [],
  DNSServersV6: [],
}

/** Splits at commas; nothing gives nothing. */
export function listOf(text: string): readonly string[] {
  return text === '' ? [] : text.split(',')
}
