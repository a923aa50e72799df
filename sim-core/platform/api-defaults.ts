import type { Resource } from '../model/resource.ts'

/** Fields that the API server fills in from a CRD's defaults, where somebody reads them. gateway-api: apis/v1/httproute_types.go. */
export function withDefaults(object: Resource): Resource {
  if (object.kind !== 'HTTPRoute') return object
  const spec = fieldsOf(object.spec)
  return {
    ...object,
    spec: { ...spec, ...(Array.isArray(spec['rules']) && { rules: spec['rules'].map(defaultRule) }) },
  }
}

type Fields = Readonly<Record<string, unknown>>

function fieldsOf(value: unknown): Fields {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value))
    : {}
}

/** HTTPRequestRedirectFilter.statusCode is 302. */
function defaultRule(rule: unknown): unknown {
  const fields = fieldsOf(rule)
  const { filters } = fields
  return Array.isArray(filters) ? { ...fields, filters: filters.map(defaultFilter) } : rule
}

function defaultFilter(filter: unknown): unknown {
  const fields = fieldsOf(filter)
  if (fields['type'] !== 'RequestRedirect') return filter
  return { ...fields, requestRedirect: { statusCode: 302, ...fieldsOf(fields['requestRedirect']) } }
}
