import type { Resource } from '../../model/resource.ts'

/** Something the webhook says about a resource: an error refuses it, a warning is printed by kubectl. */
export interface Finding {
  readonly severity: 'error' | 'warning'
  /** `spec.http[1].route[0].weight`. */
  readonly path: string
  readonly message: string
}

/** The rules of one kind. It sees one object and nothing else. */
export type Validator = (resource: Resource, notes: Notes) => void

/** Where rules write down what they find. */
export interface Notes {
  /** The resource is refused; nothing happens when there is no message. */
  error(path: string, message: string | undefined): void
  /** The resource is let in, with this remark. */
  warn(path: string, message: string | undefined): void
}

/** Runs rules and returns what they noted, in order. */
export function collect(rules: (notes: Notes) => void): readonly Finding[] {
  const findings: Finding[] = []
  const add = (severity: Finding['severity']) => (path: string, message: string | undefined) => {
    if (message !== undefined) findings.push({ severity, path, message })
  }
  rules({ error: add('error'), warn: add('warning') })
  return findings
}

/** Runs a rule on every item of a list, with its path. */
export function each<T>(
  items: readonly T[] | undefined,
  path: string,
  rule: (item: T, path: string, index: number) => void,
): void {
  items?.forEach((item, index) => {
    rule(item, `${path}[${index}]`, index)
  })
}
