/** Addresses given so far; plain data, so that a checkpoint carries it. */
export interface AddressPool {
  /** First two or three parts with the dots: `10.244.`. */
  readonly prefix: string
  next: number
  taken: string[]
}

/** Pod addresses: kubeadm's and flannel's usual range. */
export const podRange = '10.244.'
/** Service addresses: the API server's usual range. kubernetes: kubeadm's default serviceSubnet 10.96.0.0/12. */
export const serviceRange = '10.96.'

/** A pool of a /16 whose stated addresses are never given to anybody else. */
export function addressPool(prefix: string, taken: readonly string[]): AddressPool {
  return { prefix, next: 256 + 2, taken: taken.filter(address => address.startsWith(prefix)) }
}

/** The next free address: x.y.1.2, x.y.1.3, …; never one that ends in 0 or 255. */
export function takeAddress(pool: AddressPool): string {
  for (;;) {
    const number = pool.next++
    const last = number % 256
    if (last === 0 || last === 255) continue
    const address = `${pool.prefix}${Math.floor(number / 256) % 256}.${last}`
    if (!pool.taken.includes(address)) return address
  }
}
