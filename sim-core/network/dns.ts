import { invariant } from '../kernel/invariant.ts'
import { type Nanos, us, ZERO } from '../kernel/time.ts'
import type { Exchange } from '../world/exchange.ts'
import { arrivalOf, podOf, type World } from '../world/world.ts'

/** One question to the cluster's DNS and its answer, for cached names. Estimate. */
const QUERY = us(400)

/** resolv.conf of a pod with dnsPolicy ClusterFirst: names with fewer dots are tried with the search domains first. kubernetes: pkg/kubelet/network/dns/dns.go. */
const NDOTS = 5

/** What a pod's resolver finds for the host of an exchange, and how long it asks. `address` is `undefined` when no name exists. */
export interface Resolution {
  readonly address: string | undefined
  readonly took: Nanos
}

/** Asks name by name in the resolver's order. Headless services answer their pods in random order. */
export function resolve(x: Exchange, world: World): Resolution {
  const { host } = arrivalOf(world, x)
  const pod = podOf(world, x.fromPod)
  const known = hostsFile(host, pod)
  if (known !== undefined) return { address: known, took: ZERO }
  let took = 0
  for (const name of namesFor(host, pod.namespace)) {
    took += QUERY
    const row = world.state.dnsByName.get(name)
    if (row === undefined) continue
    const record = world.state.dns[row]
    invariant(record !== undefined, 'a DNS name points at its row')
    const address = record.addresses[world.stream('network/dns').below(record.addresses.length)]
    return { address, took: took as Nanos }
  }
  return { address: undefined, took: took as Nanos }
}

/** What the kubelet writes into a pod's /etc/hosts, which is asked before any server. */
function hostsFile(host: string, pod: { readonly name: string; readonly ip: string }): string | undefined {
  if (host === 'localhost') return '127.0.0.1'
  return host === pod.name ? pod.ip : undefined
}

/** The names that a pod's resolver tries for a host, in order. */
export function namesFor(host: string, namespace: string, domain = 'cluster.local'): readonly string[] {
  if (host.endsWith('.')) return [host.slice(0, -1)]
  const searched = [`${namespace}.svc.${domain}`, `svc.${domain}`, domain].map(suffix => `${host}.${suffix}`)
  return host.split('.').length - 1 >= NDOTS ? [host, ...searched] : [...searched, host]
}
