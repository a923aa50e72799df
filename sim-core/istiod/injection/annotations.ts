/** What istiod asks of an annotation's value before it injects. istio: pkg/kube/inject/validate.go. */
type Check = (value: string) => string | undefined

const isPort = (text: string) => /^\d+$/.test(text.trim()) && Number(text) <= 65_535
const portList =
  (name: string, wildcard: boolean): Check =>
  value => {
    if ((wildcard && value === '*') || value.trim() === '') return undefined
    const bad = value.split(',').find(port => !isPort(port))
    return bad === undefined ? undefined : `${name} invalid: failed parsing port '${bad}'`
  }

function isCidr(text: string): boolean {
  const v4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text)
  if (v4) return v4.slice(1, 5).every(part => Number(part) <= 255) && Number(v4[5]) <= 32
  const v6 = /^([0-9a-fA-F:]+)\/(\d{1,3})$/.exec(text)
  return v6 !== null && (v6[1] ?? '').includes(':') && Number(v6[2]) <= 128
}
const cidrList =
  (name: string, wildcard: boolean): Check =>
  value => {
    if ((wildcard && value === '*') || value === '') return undefined
    const bad = value.split(',').find(cidr => !isCidr(cidr))
    return bad === undefined ? undefined : `${name} invalid: failed parsing cidr '${bad}'`
  }

const interfaces: Check = value => {
  const bad = value
    .split(',')
    .map(name => name.trim())
    .find(name => name !== '' && !/^[a-zA-Z0-9._@+-]{1,15}$/.test(name))
  return bad === undefined ? undefined : `invalid interface name '${bad}'`
}
const unsigned: Check = value =>
  /^\d+$/.test(value) && Number(value) <= 4_294_967_295 ? undefined : 'not a non-negative integer'
const boolean: Check = value =>
  /^(1|t|T|TRUE|true|True|0|f|F|FALSE|false|False)$/.test(value) ? undefined : 'not a boolean'
const quantity: Check = value =>
  /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+|[KMGTPE]i|[numkMGTPE])?$/.test(value)
    ? undefined
    : 'quantities must match a number and a known suffix'

const checks: Readonly<Record<string, Check>> = {
  'sidecar.istio.io/interceptionMode': value =>
    ['REDIRECT', 'TPROXY', 'NONE'].includes(value)
      ? undefined
      : `interceptionMode invalid, use REDIRECT,TPROXY,NONE: ${value}`,
  'status.sidecar.istio.io/port': value =>
    isPort(value) ? undefined : `excludeInboundPorts invalid: failed parsing port '${value}'`,
  'readiness.status.sidecar.istio.io/initialDelaySeconds': unsigned,
  'readiness.status.sidecar.istio.io/periodSeconds': unsigned,
  'readiness.status.sidecar.istio.io/failureThreshold': unsigned,
  'traffic.sidecar.istio.io/includeOutboundIPRanges': cidrList('includeIPRanges', true),
  'traffic.sidecar.istio.io/excludeOutboundIPRanges': cidrList('excludeIPRanges', false),
  'traffic.sidecar.istio.io/includeInboundPorts': portList('includeInboundPorts', true),
  'traffic.sidecar.istio.io/excludeInboundPorts': portList('excludeInboundPorts', false),
  'traffic.sidecar.istio.io/excludeOutboundPorts': portList('excludeOutboundPorts', false),
  'traffic.sidecar.istio.io/excludeInterfaces': interfaces,
  'traffic.sidecar.istio.io/kubevirtInterfaces': interfaces,
  'istio.io/reroute-virtual-interfaces': interfaces,
  'prometheus.istio.io/merge-metrics': boolean,
  'sidecar.istio.io/proxyCPU': quantity,
  'sidecar.istio.io/proxyMemory': quantity,
  'sidecar.istio.io/proxyCPULimit': quantity,
  'sidecar.istio.io/proxyMemoryLimit': quantity,
}

/** What is wrong with a pod's annotations, in istiod's words; empty when injection may go on. */
export function annotationProblems(annotations: Readonly<Record<string, string>>): readonly string[] {
  return Object.keys(annotations)
    .sort()
    .flatMap(name => {
      const value = annotations[name] ?? ''
      const problem = checks[name]?.(value)
      return problem === undefined ? [] : [`invalid value '${value}' for annotation '${name}': ${problem}`]
    })
}
