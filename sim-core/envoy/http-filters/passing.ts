import { TYPE } from '../../model/xds/filters.ts'
import { defineHttpFilter } from './http-filter.ts'

declare module '../../model/xds/filters.ts' {
  interface HttpFilterConfigs {
    readonly [TYPE.grpcStats]: { readonly emitFilterState?: boolean }
    readonly [TYPE.grpcWeb]: object
    readonly [TYPE.istioStats]: object
  }
}

/** Counts gRPC messages; the request passes untouched. */
export const grpcStats = defineHttpFilter(TYPE.grpcStats, { say: {} })

/** Simplified: translates between gRPC-Web and gRPC, which changes frames and not routing. */
export const grpcWeb = defineHttpFilter(TYPE.grpcWeb, { say: {} })

/** Istio's request metrics are written at the stream's end, by `telemetry/`. */
export const istioStats = defineHttpFilter(TYPE.istioStats, { say: {} })
