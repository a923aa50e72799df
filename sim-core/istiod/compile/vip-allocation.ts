import { featureOf } from '../../config/defaults/features.ts'
import { isWildcard } from '../../model/names.ts'
import { lastOf } from './memo.ts'
import type { Service } from './push-context.ts'

/** Places in 240.240.0.0/16 that may be given away, none ending in .0 or .255. istio: pilot/pkg/serviceregistry/serviceentry/auto_allocation.go maxIPs. */
const places = 256 * 254

/** Largest prime below `places`, for the second hash. istio: the same file. */
const prime = 65011

/**
 * Gives addresses of 240.240.0.0/16 to services of ServiceEntries that have none.
 * With the allocation controller on (the default), addresses that its status already names stay, and what it has not
 * reached yet gets the next free one in the order of names, as the controller would hand them out to files applied at once.
 * With it off, the older scheme: a place by the hash of namespace and host.
 */
export function allocateAddresses(
  services: readonly Service[],
  settings: { readonly features: Readonly<Record<string, string>> },
): readonly Service[] {
  return featureOf(settings, 'PILOT_ENABLE_IP_AUTOALLOCATE') ? byController(services) : byHash(services)
}

/** One address after the other from 240.240.0.1, leaving out what users wrote themselves. istio: pilot/pkg/controllers/ipallocate/ipallocate.go. */
function byController(services: readonly Service[]): readonly Service[] {
  const taken = new Set(services.flatMap(service => [...service.addresses, service.autoAllocatedAddress]))
  const given = new Map<string, string>()
  let place = 0
  const next = (): string => {
    for (;;) {
      place += 1
      const address = `240.240.${Math.floor(place / 256)}.${place % 256}`
      if (!taken.has(address)) return address
    }
  }
  return services.map(service => {
    if (service.autoAllocatedAddress !== undefined || !isAllocatable(service)) return service
    const key = `${service.namespace}/${service.resource.metadata.name}/${service.hostname}`
    const address = given.get(key) ?? next()
    given.set(key, address)
    return withAddress(service, address)
  })
}

const allocated = lastOf<Service, Service>()

const withAddress = (service: Service, address: string): Service =>
  allocated(service, [service, address], () => ({ ...service, autoAllocatedAddress: address }))

const optsOut = (service: Service): boolean =>
  service.resource.metadata.labels['networking.istio.io/enable-autoallocate-ip']?.toLowerCase() === 'false'

/** Wildcards only where the proxy resolves per request. */
const isAllocatable = (service: Service): boolean =>
  service.addresses[0] === '0.0.0.0' &&
  (!isWildcard(service.hostname) || service.resolution === 'DynamicDNS') &&
  service.resolution !== 'Passthrough' &&
  !optsOut(service)

/** FNV-1a, 32 bits. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i += 1) {
    hash ^= text.charCodeAt(i)
    hash = Math.imul(hash, 0x01000193)
  }
  return hash >>> 0
}

function byHash(services: readonly Service[]): readonly Service[] {
  const placeOf = new Map<Service, number>()
  const used = new Set<number>()
  for (const service of services) {
    if (!isAllocatable(service) || used.size >= places) continue
    const hash = fnv1a(`${service.namespace}/${service.hostname}`)
    const step = prime - (hash % prime)
    let place = hash % places
    for (let i = 1; used.has(place); i += 1) place = (hash + i * step) % (places - 1)
    used.add(place)
    placeOf.set(service, place)
  }
  return numbered(services, placeOf)
}

/** Places in order become addresses; multiples of 255 are skipped, and all that follow move on by one. */
function numbered(services: readonly Service[], placeOf: ReadonlyMap<Service, number>): readonly Service[] {
  const addresses = new Map<Service, string>()
  const byName = new Map<string, string>()
  let skipped = 0
  for (const [service, place] of [...placeOf].sort((a, b) => a[1] - b[1])) {
    let number = place + 1 + skipped
    if (number % 255 === 0) {
      skipped += 1
      number += 1
    }
    const key = `${service.namespace}/${service.hostname}`
    const address = byName.get(key) ?? `240.240.${Math.floor(number / 255)}.${number % 255}`
    byName.set(key, address)
    addresses.set(service, address)
  }
  return services.map(service => {
    const address = addresses.get(service)
    return address === undefined ? service : withAddress(service, address)
  })
}
