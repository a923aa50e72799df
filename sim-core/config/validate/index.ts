import type { Resource } from '../../model/resource.ts'
import { treeKeyOf } from '../kinds.ts'
import { validateDestinationRule } from './destination-rule.ts'
import { validateEnvoyFilter } from './envoy-filter.ts'
import {
  validateProxyConfig,
  validateTelemetry,
  validateTrafficExtension,
  validateWasmPlugin,
} from './extensions.ts'
import { collect, type Finding, type Validator } from './finding.ts'
import { validateGateway } from './gateway.ts'
import { kubernetesValidators } from './kubernetes.ts'
import { checkMetadata } from './metadata.ts'
import {
  validateAuthorizationPolicy,
  validatePeerAuthentication,
  validateRequestAuthentication,
} from './policies.ts'
import { validateServiceEntry, validateWorkloadEntry, validateWorkloadGroup } from './service-entry.ts'
import { validateSidecar } from './sidecar.ts'
import { validateVirtualService } from './virtual-service.ts'

/** The admission rules, by the name under which the tree files a kind. */
const validators: ReadonlyMap<string, Validator> = new Map([
  ...kubernetesValidators,
  ['VirtualService', validateVirtualService],
  ['DestinationRule', validateDestinationRule],
  ['Gateway', validateGateway],
  ['ServiceEntry', validateServiceEntry],
  ['Sidecar', validateSidecar],
  ['WorkloadEntry', validateWorkloadEntry],
  ['WorkloadGroup', validateWorkloadGroup],
  ['EnvoyFilter', validateEnvoyFilter],
  ['ProxyConfig', validateProxyConfig],
  ['AuthorizationPolicy', validateAuthorizationPolicy],
  ['PeerAuthentication', validatePeerAuthentication],
  ['RequestAuthentication', validateRequestAuthentication],
  ['Telemetry', validateTelemetry],
  ['WasmPlugin', validateWasmPlugin],
  ['TrafficExtension', validateTrafficExtension],
])

/** What istiod's webhook, or for a few kinds the API server, says about one resource on its own; empty when nothing is wrong or the kind has no rules. */
export function validate(resource: Resource): readonly Finding[] {
  const rules = validators.get(treeKeyOf(resource.apiVersion, resource.kind))
  if (!rules) return []
  return collect(notes => {
    if (resource.apiVersion.includes('.istio.io/')) checkMetadata(resource, notes)
    rules(resource, notes)
  })
}
