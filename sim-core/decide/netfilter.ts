/** The very rules that `glassmesh iptables` prints: tables of chains of rules in their order. A pod without rules has no chains. */
export interface NetfilterRules {
  readonly tables: {
    readonly [table: string]: { readonly [chain: string]: readonly NetfilterRule[] }
  }
}

/** One rule. Absent conditions hold for every packet; those named in `not` are inverted. */
export interface NetfilterRule {
  readonly name: string
  readonly match: {
    readonly protocol?: 'tcp' | 'udp'
    readonly source?: string
    readonly destination?: string
    readonly not?: readonly string[]
    readonly port?: number
    readonly uid?: number
    readonly gid?: number
    readonly in?: string
    readonly out?: string
    readonly mark?: number
  }
  readonly target: string
  readonly toPort?: number
}
