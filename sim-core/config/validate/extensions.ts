import { ParseError, parse } from '@marcbachmann/cel-js'
import type { PolicyTargetReference, ProxyConfig, WorkloadSelector } from '../../model/istio.ts'
import { specAs } from '../../model/resource.ts'
import { each, type Notes, type Validator } from './finding.ts'
import { portProblem } from './names.ts'
import { checkSelector, checkTargets } from './selectors.ts'

interface Named {
  readonly name?: string
}
interface Targeted {
  readonly selector?: WorkloadSelector
  readonly targetRef?: PolicyTargetReference
  readonly targetRefs?: readonly PolicyTargetReference[]
}
interface CustomTag {
  readonly literal?: { readonly value?: string }
  readonly header?: Named
  readonly environment?: Named
}
interface TelemetrySpec extends Targeted {
  readonly tracing?: readonly {
    readonly providers?: readonly Named[]
    readonly randomSamplingPercentage?: number
    readonly customTags?: Readonly<Record<string, CustomTag>>
  }[]
  readonly metrics?: readonly {
    readonly providers?: readonly Named[]
    readonly overrides?: readonly {
      readonly match?: { readonly customMetric?: string }
      readonly tagOverrides?: Readonly<
        Record<string, { readonly operation?: string; readonly value?: string }>
      >
    }[]
  }[]
  readonly accessLogging?: readonly {
    readonly providers?: readonly Named[]
    readonly filter?: { readonly expression?: string }
  }[]
}

/** istio: pkg/config/validation/validation.go ValidateTelemetry. */
export const validateTelemetry: Validator = (resource, notes) => {
  const telemetry = specAs<TelemetrySpec>(resource)
  checkTargets(telemetry, notes)
  each(telemetry.metrics, 'spec.metrics', ({ providers, overrides }, path) => {
    checkProviders(providers, `${path}.providers`, notes)
    each(overrides, `${path}.overrides`, ({ match, tagOverrides }, at) => {
      if (match?.customMetric === '') notes.error(`${at}.match`, 'customMetric is not empty.')
      for (const [tag, { operation = 'UPSERT', value = '' }] of Object.entries(tagOverrides ?? {})) {
        if (tag === '') notes.warn(`${at}.tagOverrides`, 'A tag needs a name.')
        if (operation === 'UPSERT' && value === '')
          notes.error(`${at}.tagOverrides`, `The tag ${tag} needs a value.`)
        if (operation === 'REMOVE' && value !== '')
          notes.error(`${at}.tagOverrides`, `The tag ${tag} is removed, so it has no value.`)
      }
    })
  })
  checkTracing(telemetry, notes)
  each(telemetry.accessLogging, 'spec.accessLogging', ({ providers, filter }, path) => {
    checkProviders(providers, `${path}.providers`, notes)
    if (filter) notes.error(`${path}.filter.expression`, expressionProblem(filter.expression))
  })
}

function checkProviders(providers: readonly Named[] | undefined, path: string, notes: Notes): void {
  each(providers, path, ({ name }, at) => {
    if (!name) notes.error(at, 'A provider needs a name.')
  })
}

function checkTracing({ tracing }: TelemetrySpec, notes: Notes): void {
  if ((tracing?.length ?? 0) > 1) notes.warn('spec.tracing', 'Only the first tracing has an effect.')
  each(tracing, 'spec.tracing', ({ providers, randomSamplingPercentage = 0, customTags }, path) => {
    if ((providers?.length ?? 0) > 1)
      notes.warn(`${path}.providers`, 'Only the first provider has an effect.')
    checkProviders(providers, `${path}.providers`, notes)
    if (randomSamplingPercentage < 0 || randomSamplingPercentage > 100)
      notes.error(`${path}.randomSamplingPercentage`, 'The sampling percentage is between 0 and 100.')
    for (const [name, { literal, header, environment }] of Object.entries(customTags ?? {})) {
      const at = `${path}.customTags`
      if (name === '') notes.error(at, 'A tag needs a name.')
      if (literal && !literal.value) notes.error(at, `The tag ${name} needs a value.`)
      if (header && !header.name) notes.error(at, `The tag ${name} needs the name of a header.`)
      if (environment && !environment.name) notes.error(at, `The tag ${name} needs the name of a variable.`)
    }
  })
}

/** Access log filters are CEL over Envoy's attributes; their syntax is checked, their names are not. */
function expressionProblem(expression: string | undefined): string | undefined {
  if (!expression) return 'A filter needs an expression.'
  try {
    parse(expression)
    return undefined
  } catch (error) {
    return `"${expression}" is no CEL expression: ${error instanceof ParseError ? error.summary : String(error)}.`
  }
}

interface WasmModule {
  readonly url?: string
  readonly sha256?: string
  readonly imagePullSecret?: string
  readonly pluginName?: string
  readonly vmConfig?: {
    readonly env?: readonly { readonly name?: string; readonly value?: string; readonly valueFrom?: string }[]
  }
}
interface TrafficSelector {
  readonly ports?: readonly { readonly number?: number }[]
}

/** istio: pkg/config/validation/validation.go ValidateWasmPlugin. */
export const validateWasmPlugin: Validator = (resource, notes) => {
  const plugin = specAs<Targeted & WasmModule & { readonly match?: readonly TrafficSelector[] }>(resource)
  checkTargets(plugin, notes)
  checkWasm(plugin, 'spec', notes)
  checkPorts(plugin.match, notes)
}

/** istio: pkg/config/validation/validation.go ValidateTrafficExtension. */
export const validateTrafficExtension: Validator = (resource, notes) => {
  const extension = specAs<
    Targeted & {
      readonly wasm?: WasmModule
      readonly lua?: { readonly inlineCode?: string }
      readonly match?: readonly TrafficSelector[]
    }
  >(resource)
  const { wasm, lua, match } = extension
  if ((wasm === undefined) === (lua === undefined))
    notes.error('spec', 'Exactly one of wasm and lua must be set.')
  checkTargets(extension, notes)
  if (lua && !lua.inlineCode) notes.error('spec.lua', 'lua needs inlineCode.')
  if ((lua?.inlineCode?.length ?? 0) > 65_536)
    notes.error('spec.lua.inlineCode', 'inlineCode has at most 64 KiB.')
  if (wasm) checkWasm(wasm, 'spec.wasm', notes)
  checkPorts(match, notes)
}

function checkWasm(module: WasmModule, path: string, notes: Notes): void {
  notes.error(`${path}.url`, wasmUrlProblem(module.url))
  if (module.sha256 && !/^[a-f0-9]{64}$/.test(module.sha256))
    notes.error(`${path}.sha256`, 'sha256 is 64 digits 0–9 and a–f.')
  if ((module.imagePullSecret?.length ?? 0) > 253)
    notes.error(`${path}.imagePullSecret`, 'imagePullSecret has at most 253 characters.')
  if ((module.pluginName?.length ?? 0) > 256)
    notes.error(`${path}.pluginName`, 'pluginName has at most 256 characters.')
  const seen = new Set<string>()
  each(module.vmConfig?.env, `${path}.vmConfig.env`, ({ name = '', value, valueFrom = 'INLINE' }, at) => {
    if (name === '' || name.length > 256)
      notes.error(at, 'A variable needs a name of at most 256 characters.')
    if (seen.has(name)) notes.error(at, `The variable ${name} is set twice.`)
    seen.add(name)
    if (valueFrom !== 'INLINE' && value)
      notes.error(`${at}.value`, 'Only a variable with valueFrom: INLINE has a value.')
  })
}

/** A scheme, or none: then it is an OCI image. */
function wasmUrlProblem(url: string | undefined): string | undefined {
  if (!url) return 'url is missing.'
  const scheme = /^([a-zA-Z][a-zA-Z0-9+.-]*):\/\//.exec(url)?.[1]?.toLowerCase()
  if (scheme !== undefined && !['file', 'http', 'https', 'oci'].includes(scheme))
    return `The scheme ${scheme} is not supported; use oci, http, https or file.`
  const isBroken =
    /[\p{Cc} ]|%(?![0-9a-fA-F]{2})/u.test(url) ||
    (scheme === undefined && !/^\/?[^/?#:]*(?::\d*)?(?:[/?#@].*)?$/.test(url))
  return isBroken ? `"${url}" is no URL.` : undefined
}

function checkPorts(match: readonly TrafficSelector[] | undefined, notes: Notes): void {
  each(match, 'spec.match', ({ ports }, path) => {
    each(ports, `${path}.ports`, ({ number }, at) => {
      notes.error(at, portProblem(number))
    })
  })
}

/** istio: pkg/config/validation/validation.go ValidateProxyConfig. */
export const validateProxyConfig: Validator = (resource, notes) => {
  const { selector, concurrency = 0 } = specAs<ProxyConfig>(resource)
  checkSelector(selector?.matchLabels, selector, 'spec.selector', notes)
  if (concurrency < 0) notes.error('spec.concurrency', 'concurrency is at least 0.')
}
