import type { Resource } from '../../model/resource.ts'

/** Something the webhook says about a resource: an error refuses it, a warning is printed by kubectl. */
export interface Finding {
  readonly severity: 'error' | 'warning'
  /** `spec.http[1].route[0].weight`. */
  readonly path: string
  readonly message: string
}

/** The rules of one kind. It sees one object and nothing else. */
export type Validator = (resource: Resource) => readonly Finding[]
