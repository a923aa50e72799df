import type { PodRow } from '../world/cluster.ts'

/** Where the pod's own rules send the first packet of a connection; conntrack repeats it for all others. */
export type Verdict = { readonly to: 'proxy'; readonly port: number } | { readonly to: 'wire' }

/** Envoy's ports in a sidecar: istio-init's `-p`, `-z`; tools/istio-iptables/pkg/constants. */
const OUTBOUND_CAPTURE = 15001
const INBOUND_CAPTURE = 15006

/** Ports of a sidecar that istio-init leaves alone: `-d 15090,15021,15020`. */
const NEVER_INBOUND = [15090, 15021, 15020, 15000, 15004, 15006, 15001]

/** The verdict on what a process of this pod sends. */
export function outboundVerdict(pod: PodRow, uid: number, address: string): Verdict {
  const captured =
    pod.interception !== undefined &&
    pod.proxy >= 0 &&
    uid !== pod.proxyUid &&
    address !== pod.ip &&
    !address.startsWith('127.')
  return captured ? { to: 'proxy', port: OUTBOUND_CAPTURE } : { to: 'wire' }
}

/** The verdict on what reaches this pod from outside. */
export function inboundVerdict(pod: PodRow, port: number): Verdict {
  const captured = pod.interception !== undefined && pod.proxy >= 0 && !NEVER_INBOUND.includes(port)
  return captured ? { to: 'proxy', port: INBOUND_CAPTURE } : { to: 'wire' }
}
