import type { Resource } from '../../model/resource.ts'
import { treeKeyOf } from '../kinds.ts'
import type { Finding, Validator } from './finding.ts'

/** The admission rules, by the name under which the tree files a kind. */
const validators: Readonly<Record<string, Validator>> = {}

/** What istiod's webhook says about one resource on its own; empty when nothing is wrong or the kind has no rules. */
export function validate(resource: Resource): readonly Finding[] {
  return validators[treeKeyOf(resource.apiVersion, resource.kind)]?.(resource) ?? []
}
