import { TYPE } from '../../model/xds/filters.ts'
import { defineHttpFilter } from './http-filter.ts'

declare module '../../model/xds/filters.ts' {
  interface HttpFilterConfigs {
    readonly [TYPE.router]: { readonly suppressEnvoyHeaders?: boolean }
  }
}

/** The last filter: host, pool and retries are legs of their own. */
export const router = defineHttpFilter(TYPE.router, { say: {} })
