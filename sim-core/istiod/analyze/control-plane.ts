import { type Analysis, type Finding, finding, listOf, specOf } from './analysis.ts'

/** Fields and kinds of yesterday. */
export function deprecation(analysis: Analysis): readonly Finding[] {
  const delays = analysis.of('VirtualService').flatMap(service =>
    listOf(specOf(service).http).flatMap((rule, index) => {
      if (!(rule.fault?.delay?.percent > 0)) return []
      const path = `spec.http[${index}].fault.delay.percent`
      return [finding('Deprecated', service, 'Use percentage instead of percent.', path)]
    }),
  )
  const proxies = analysis
    .of('Sidecar')
    .filter(sidecar => specOf(sidecar).outboundTrafficPolicy?.egressProxy)
    .map(sidecar => {
      const message = 'egressProxy is deprecated.'
      return finding('Deprecated', sidecar, message, 'spec.outboundTrafficPolicy.egressProxy')
    })
  const definitions = analysis
    .of('CustomResourceDefinition')
    .filter(({ metadata }) => metadata.name.endsWith('.rbac.istio.io'))
    .map(definition => finding('Deprecated', definition, 'Istio no longer has this kind.'))
  return [...delays, ...proxies, ...definitions]
}

const webhookKinds = ['ValidatingWebhookConfiguration', 'MutatingWebhookConfiguration']

/** Webhooks of an istiod outside the cluster that say not, or badly, where it is. */
export function externalControlPlane(analysis: Analysis): readonly Finding[] {
  return webhookKinds.flatMap(kind =>
    analysis
      .of(kind)
      .filter(({ metadata }) =>
        /^(istio-validator|istiod-default-validator|istio-sidecar-injector)/.test(metadata.name),
      )
      .flatMap(configuration =>
        listOf(configuration.body.webhooks).flatMap((webhook, index) => {
          const path = `webhooks[${index}].clientConfig`
          const { url, service } = webhook.clientConfig ?? {}
          if (service) return []
          if (!url) {
            const message = `The webhook ${webhook.name} has neither a service nor a URL.`
            return [finding('InvalidExternalControlPlaneConfig', configuration, message, path)]
          }
          const host = /^https?:\/\/(\[[^\]]+\]|[^/:]+)/.exec(url)?.[1]
          if (!host) {
            const message = `The webhook ${webhook.name} has no usable URL: ${url}`
            return [finding('InvalidExternalControlPlaneConfig', configuration, message, path)]
          }
          if (!/^(\d+\.){3}\d+$|^\[/.test(host)) return []
          const message = `The webhook ${webhook.name} goes to ${host}; a name would survive a change of address.`
          return [finding('ExternalControlPlaneAddressIsNotAHostname', configuration, message, path)]
        }),
      ),
  )
}

const relativeOperations = ['INSERT_BEFORE', 'INSERT_AFTER', 'REMOVE', 'REPLACE']
const replaceable = ['HTTP_FILTER', 'NETWORK_FILTER', 'VIRTUAL_HOST']
const routeParts = ['ROUTE_CONFIGURATION', 'HTTP_ROUTE']

/** Patches that do nothing, and patches whose result depends on others. */
export function envoyPatch(analysis: Analysis): readonly Finding[] {
  const seen = new Set<string>()
  return analysis.of('EnvoyFilter').flatMap(filter => {
    const { configPatches, priority = 0 } = specOf(filter)
    const found: Finding[] = []
    for (const [index, { applyTo, patch, match }] of listOf(configPatches).entries()) {
      if (!patch) break
      const path = `spec.configPatches[${index}]`
      const { operation } = patch
      const name = `${patch.value?.name ?? ''}`
      if (operation === 'ADD' && routeParts.includes(applyTo))
        found.push(
          finding('EnvoyFilterUsesAddOperationIncorrectly', filter, `ADD does nothing to ${applyTo}.`, path),
        )
      else if (operation === 'REMOVE' && routeParts.includes(applyTo))
        found.push(
          finding(
            'EnvoyFilterUsesRemoveOperationIncorrectly',
            filter,
            `REMOVE does nothing to ${applyTo}.`,
            path,
          ),
        )
      else if (operation === 'REPLACE' && !replaceable.includes(applyTo))
        found.push(
          finding(
            'EnvoyFilterUsesReplaceOperationIncorrectly',
            filter,
            `REPLACE does nothing to ${applyTo}.`,
            path,
          ),
        )
      else if (isRelative(operation) && priority === 0) {
        const message = `${operation} depends on what other filters did before, and no priority says which come first.`
        const kind = seen.has(name)
          ? 'EnvoyFilterUsesRelativeOperationWithProxyVersion'
          : 'EnvoyFilterUsesRelativeOperation'
        found.push(finding(kind, filter, message, path))
      }
      if (match?.proxy?.proxyVersion) seen.add(name)
    }
    return found
  })
}

const isRelative = (operation: string): boolean => relativeOperations.includes(operation)
