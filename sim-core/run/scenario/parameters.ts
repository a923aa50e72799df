import { isRecord } from '../../config/documents.ts'

/** Values of `{param.NAME}`. */
export type Parameters = Readonly<Record<string, string | number | boolean>>

/** The value with every `{param.NAME}` in its strings replaced; a string that is nothing else becomes the parameter itself, a number a number. Unknown names stay as they are. */
export function substitute(value: unknown, parameters: Parameters): unknown {
  if (typeof value === 'string') return substituteText(value, parameters)
  if (Array.isArray(value)) return value.map(item => substitute(item, parameters))
  if (!isRecord(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, substitute(item, parameters)]))
}

function substituteText(text: string, parameters: Parameters): unknown {
  if (!text.includes('{param.')) return text
  const whole = /^\{param\.([\w-]+)\}$/.exec(text)?.[1]
  if (whole !== undefined && Object.hasOwn(parameters, whole)) return parameters[whole]
  return text.replaceAll(/\{param\.([\w-]+)\}/g, (all, name: string) =>
    Object.hasOwn(parameters, name) ? String(parameters[name]) : all,
  )
}
