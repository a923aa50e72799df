/** An address as a whole number and its width: 32 bits for IPv4, 128 for IPv6. */
interface Parsed {
  readonly bits: 32 | 128
  readonly value: bigint
}

const addresses = new Map<string, Parsed | undefined>()

/** Whether `address` lies in the range; false when either is no address or they are of different families. */
export function inCidr(
  range: { readonly addressPrefix: string; readonly prefixLen?: number },
  address: string,
): boolean {
  const base = parse(range.addressPrefix)
  const given = parse(address)
  if (!base || !given || base.bits !== given.bits) return false
  const shift = BigInt(base.bits - (range.prefixLen ?? 0))
  return base.value >> shift === given.value >> shift
}

/** The network that an address and a length name, the same text for all addresses in it; the text itself when it is no address. */
export function networkOf(address: string, length: number): string {
  const parsed = parse(address)
  return parsed ? `${parsed.bits}:${parsed.value >> BigInt(parsed.bits - length)}/${length}` : address
}

function parse(text: string): Parsed | undefined {
  if (addresses.has(text)) return addresses.get(text)
  const made = text.includes(':') ? parseV6(text) : parseV4(text)
  addresses.set(text, made)
  return made
}

function parseV4(text: string): Parsed | undefined {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every(part => /^\d{1,3}$/.test(part) && Number(part) <= 255))
    return undefined
  return { bits: 32, value: parts.reduce((sum, part) => sum * 256n + BigInt(part), 0n) }
}

function parseV6(text: string): Parsed | undefined {
  const [head = '', tail, more] = text.replace(/%.*$/, '').split('::')
  if (more !== undefined) return undefined
  const left = groups(head)
  const right = groups(tail ?? '')
  const missing = 8 - left.length - right.length
  if (tail === undefined ? missing !== 0 : missing < 0) return undefined
  const all = [...left, ...Array.from({ length: missing }, () => '0'), ...right]
  if (!all.every(group => /^[0-9a-fA-F]{1,4}$/.test(group))) return undefined
  return { bits: 128, value: all.reduce((sum, group) => sum * 65536n + BigInt(`0x${group}`), 0n) }
}

/** The sixteen-bit groups of one side of `::`; a trailing IPv4 address counts as two. */
function groups(text: string): readonly string[] {
  if (text === '') return []
  return text.split(':').flatMap(group => {
    const v4 = group.includes('.') ? parseV4(group) : undefined
    return v4 ? [(v4.value >> 16n).toString(16), (v4.value & 0xffffn).toString(16)] : [group]
  })
}
