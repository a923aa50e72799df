import type { Reason } from './reason.ts'

/** Envoy's short response flags. envoy: source/common/stream_info/utility.h. */
export type ResponseFlag =
  | 'LH'
  | 'UH'
  | 'UT'
  | 'LR'
  | 'UR'
  | 'UF'
  | 'UC'
  | 'UO'
  | 'NR'
  | 'DI'
  | 'FI'
  | 'RL'
  | 'UAEX'
  | 'RLSE'
  | 'DC'
  | 'URX'
  | 'SI'
  | 'IH'
  | 'DPE'
  | 'UMSDR'
  | 'RFCF'
  | 'NFCF'
  | 'DT'
  | 'UPE'
  | 'NC'
  | 'OM'
  | 'DF'
  | 'DO'
  | 'DR'
  | 'UDO'

/** How an exchange ended, in `probe`'s words. Flags are in the order in which they were set (`URX,UF`). Interned: equal outcomes are one object. */
export interface Outcome {
  readonly kind: 'response' | 'reset' | 'refused' | 'timeout' | 'tlsError' | 'dnsError'
  /** HTTP status; 0 where no HTTP response was sent. */
  readonly status: number
  readonly grpcStatus?: number
  readonly flags: readonly ResponseFlag[]
  /** Envoy's RESPONSE_CODE_DETAILS, `via_upstream` for an application's own answer. */
  readonly details: string
  readonly body?: string
  readonly headers?: readonly (readonly [name: string, value: string])[]
  readonly because?: Reason
}

const interned = new Map<string, Outcome>()

/** Equal outcomes become one object, so that rows can hold them and a comparison is an identity test. */
export function outcome(value: Outcome): Outcome {
  const key = JSON.stringify(value)
  const known = interned.get(key)
  if (known) return known
  interned.set(key, value)
  return value
}
