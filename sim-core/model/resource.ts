/** A Kubernetes object as the user wrote it. Specs are typed per kind in `istio.ts`, `gateway-api.ts` and `kubernetes.ts`; a reader casts once, in its kind's accessor. */
export interface Resource {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: Metadata
  readonly spec: unknown
  /** Present where an object carries a status that istiod reads (Gateway API addresses, ServiceEntry VIPs, pods). */
  readonly status?: unknown
  /** The whole document, for kinds without a spec (`data` of a ConfigMap or Secret, `endpoints` of an EndpointSlice). */
  readonly body: Readonly<Record<string, unknown>>
  /** Position in load order; breaks ties of equal creation time and name, as nothing else could. */
  readonly order: number
}

/** What we read of an object's metadata. */
export interface Metadata {
  readonly name: string
  /** `''` for cluster-scoped kinds. */
  readonly namespace: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  /** Seconds since 1970; 0 when the document names none. Istio compares it at one-second granularity. */
  readonly creationTimestamp: number
}

/** kind → namespace → name. Three levels, so that one edit copies three small maps and shares the rest. Cluster-scoped kinds use the namespace `''`. */
export type ResourceTree = {
  readonly [kind: string]: { readonly [namespace: string]: { readonly [name: string]: Resource } }
}

/** A resource's spec as its kind types it, empty where there is none. Shapes were checked when the files were loaded; the one cast is here. */
export function specAs<Spec>(resource: { readonly spec?: unknown } | undefined): Spec {
  return (resource?.spec ?? {}) as Spec
}
