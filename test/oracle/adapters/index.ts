import type { Adapter } from '../corpus.ts'
import { envoyRouterCheck } from './envoy-router-check.ts'
import { istioSimulation } from './istio-simulation.ts'

/** One adapter per corpus. */
export const adapters: Readonly<Record<string, Adapter>> = {
  'envoy-router-check': envoyRouterCheck,
  'istio-simulation': istioSimulation,
}

/** Why a corpus has no adapter. */
export const MISSING: Readonly<Record<string, string>> = {}
