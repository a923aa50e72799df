import type { Cluster, HttpProtocolOptions } from '../../model/xds/cluster.ts'
import { HTTP_PROTOCOL_OPTIONS } from '../../model/xds/cluster.ts'
import { TYPE } from '../../model/xds/filters.ts'

/** HttpProtocolOptions before they are put into the cluster. */
export type ProtocolOptions = Omit<HttpProtocolOptions, '@type'>

/** A cluster in the making. Each step returns a new one. */
export interface ClusterDraft {
  readonly cluster: Cluster
  readonly options?: ProtocolOptions
  /** Resolves hosts per request: a dynamic forward proxy. */
  readonly isDynamic?: boolean
}

/** Fields laid over a draft's cluster. */
export const withCluster = (draft: ClusterDraft, fields: Partial<Cluster>): ClusterDraft => ({
  ...draft,
  cluster: { ...draft.cluster, ...fields },
})

/** Fields laid over a draft's protocol options. */
export const withOptions = (draft: ClusterDraft, fields: Partial<ProtocolOptions>): ClusterDraft => ({
  ...draft,
  options: { ...draft.options, ...fields },
})

/** True when requests go upstream as HTTP/2 for certain. istio: cluster_builder.go isHttp2Cluster. */
export const isHttp2Cluster = (draft: ClusterDraft): boolean =>
  draft.options?.explicitHttpConfig?.http2ProtocolOptions !== undefined

/** Makes it an HTTP/2 cluster, unless its protocol is settled already. istio: cluster_builder.go setH2Options. */
export function withHttp2(draft: ClusterDraft): ClusterDraft {
  const { explicitHttpConfig, useDownstreamProtocolConfig } = draft.options ?? {}
  if (explicitHttpConfig || useDownstreamProtocolConfig) return draft
  return withOptions(draft, { explicitHttpConfig: { http2ProtocolOptions: {} } })
}

/** Speaks upstream what the client spoke. istio: cluster_builder.go setUseDownstreamProtocol. */
export function withDownstreamProtocol(draft: ClusterDraft): ClusterDraft {
  const { explicitHttpConfig, ...rest } = draft.options ?? {}
  const http1 = explicitHttpConfig?.httpProtocolOptions ?? {}
  return {
    ...draft,
    options: {
      ...rest,
      useDownstreamProtocolConfig: { httpProtocolOptions: http1, http2ProtocolOptions: {} },
    },
  }
}

/** The finished cluster. Protocol options without a protocol mean HTTP/1.1. istio: cluster_builder.go build. */
export function finishCluster(draft: ClusterDraft): Cluster {
  const { options } = draft
  if (!options) return draft.cluster
  const settled = options.explicitHttpConfig ?? options.useDownstreamProtocolConfig
  const typed: HttpProtocolOptions = {
    '@type': TYPE.httpProtocolOptions,
    ...options,
    ...(settled ? {} : { explicitHttpConfig: { httpProtocolOptions: {} } }),
  }
  return { ...draft.cluster, typedExtensionProtocolOptions: { [HTTP_PROTOCOL_OPTIONS]: typed } }
}

/** Adds fields to the cluster's `istio` metadata. */
export function withIstioMetadata(
  draft: ClusterDraft,
  fields: Readonly<Record<string, unknown>>,
): ClusterDraft {
  const { filterMetadata } = draft.cluster.metadata ?? {}
  return withCluster(draft, {
    metadata: { filterMetadata: { ...filterMetadata, istio: { ...filterMetadata?.['istio'], ...fields } } },
  })
}
