import type { Gateway } from '../../../model/istio.ts'
import type { Config } from '../configs.ts'
import type { PushContext } from '../push-context.ts'

/** Gateways converted from the Gateway API. */
export const gatewayApiGateways = (_push: PushContext): readonly Config<Gateway>[] => []
