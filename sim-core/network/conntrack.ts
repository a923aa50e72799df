import { captureInbound, captureOutbound, type Flow } from '../decide/netfilter.ts'
import type { PodRow } from '../world/cluster.ts'

/** Where the pod's own rules send the first packet of a connection; conntrack repeats it for all others. */
export type Verdict = { readonly to: 'proxy'; readonly port: number } | { readonly to: 'wire' }

const WIRE: Verdict = { to: 'wire' }

/** A connection that a process of a pod opens. */
export interface Opening {
  readonly uid: number
  readonly source: string
  readonly address: string
  readonly port: number
}

/** The verdict on what a process of this pod sends. */
export function outboundVerdict(pod: PodRow, { uid, source, address, port }: Opening): Verdict {
  if (!pod.interception || pod.proxy < 0) return WIRE
  const staysInside = address === pod.ip || address.startsWith('127.') || address === '::1'
  const flow: Flow = {
    hook: 'OUTPUT',
    protocol: 'tcp',
    source,
    destination: address,
    port,
    uid,
    gid: uid,
    interface: staysInside ? 'lo' : 'eth0',
    mark: 0,
  }
  const { chose } = captureOutbound(pod.interception, flow)
  return chose?.to === 'proxy' ? chose : WIRE
}

/** The verdict on what reaches this pod from outside. */
export function inboundVerdict(pod: PodRow, source: string, port: number): Verdict {
  if (!pod.interception || pod.proxy < 0) return WIRE
  const flow: Flow = {
    hook: 'PREROUTING',
    protocol: 'tcp',
    source,
    destination: pod.ip,
    port,
    uid: -1,
    gid: -1,
    interface: 'eth0',
    mark: 0,
  }
  const { chose } = captureInbound(pod.interception, flow)
  return chose?.to === 'proxy' ? chose : WIRE
}
