import type { Diagnostic } from '../model/reason.ts'
import type { Resource } from '../model/resource.ts'
import { type Loaded, load, treeKind } from './load.ts'
import type { LoadOptions } from './read-resource.ts'
import { checkSchemaRules } from './validate/crd.ts'
import { validate } from './validate/index.ts'

/** Whether one resource would be let in. */
interface Verdict {
  readonly kind: string
  readonly namespace: string
  readonly name: string
  readonly file: string
  readonly line: number
  readonly column: number
  readonly valid: boolean
  readonly problems: readonly Diagnostic[]
}

/** Whether the resources of some files would be let in. */
export interface Admission {
  readonly loaded: Loaded
  /** One for every resource, in the order of the files. */
  readonly verdicts: readonly Verdict[]
  /** What is wrong with the files beyond any single resource. */
  readonly stray: readonly Diagnostic[]
}

/** Reads files as `kubectl apply` and asks the API server (fields, types) and istiod's webhook (rules of each kind) about every resource. */
export function admit(files: Readonly<Record<string, string>>, options: LoadOptions = {}): Admission {
  const loaded = load(files, options)
  const verdicts = new Map<string, Verdict>()
  for (const resource of loaded.resources) {
    const { namespace, name } = resource.metadata
    const place = loaded.locate({ kind: treeKind(resource), namespace, name, path: '' })
    if (place)
      verdicts.set(
        keyOf(resource.kind, namespace, name),
        verdictOf(resource, place, loaded, options.mode ?? 'strict'),
      )
  }
  const stray: Diagnostic[] = []
  for (const problem of loaded.diagnostics) {
    if (!problem.resource) {
      stray.push(problem)
      continue
    }
    const { kind, namespace, name } = problem.resource
    const known = verdicts.get(keyOf(kind, namespace, name))
    const { file, line, column } = known ?? problem
    verdicts.set(keyOf(kind, namespace, name), {
      kind,
      namespace,
      name,
      file,
      line,
      column,
      valid: (known?.valid ?? true) && problem.severity !== 'error' && !undecodable.includes(problem.code),
      problems: [...(known?.problems ?? []), problem],
    })
  }
  return { loaded, verdicts: [...verdicts.values()], stray }
}

/** The webhook cannot decode such fields, whoever wrote them to the API server. Unknown fields it passes over. */
const undecodable: readonly string[] = ['field.type', 'field.enum', 'field.range']

const keyOf = (kind: string, namespace: string, name: string): string => `${kind}\n${namespace}\n${name}`

function verdictOf(
  resource: Resource,
  place: { file: string; line: number; column: number },
  loaded: Loaded,
  mode: 'strict' | 'lenient',
): Verdict {
  const { namespace, name } = resource.metadata
  const problems = findingsOf(resource, loaded, mode)
  return {
    kind: resource.kind,
    namespace,
    name,
    ...place,
    valid: problems.every(problem => problem.severity !== 'error'),
    problems,
  }
}

/** What the CRD's rules (in `strict` mode) and istiod's webhook say about a resource, each with the line that it speaks of. */
function findingsOf(
  resource: Resource,
  loaded: Pick<Loaded, 'locate'>,
  mode: 'strict' | 'lenient' = 'strict',
): readonly Diagnostic[] {
  const { namespace, name } = resource.metadata
  const bySchema = mode === 'strict' ? checkSchemaRules(resource) : []
  return [...bySchema, ...validate(resource)].map((finding): Diagnostic => {
    const place = loaded.locate({ kind: treeKind(resource), namespace, name, path: finding.path })
    return {
      severity: finding.severity,
      code: 'admission.rule',
      message: finding.message,
      file: place?.file ?? '',
      line: place?.line ?? 1,
      column: place?.column ?? 1,
      effect: finding.severity === 'error' ? 'ignored' : 'simulated',
      resource: { kind: resource.kind, namespace, name },
      ...(finding.path === '' ? {} : { path: finding.path }),
    }
  })
}

/** The same resources, with what the CRDs' rules and istiod's webhook say about them among the diagnostics. */
export function examined(loaded: Loaded): Loaded {
  const found = loaded.resources.flatMap(resource => findingsOf(resource, loaded))
  return found.length === 0 ? loaded : { ...loaded, diagnostics: [...loaded.diagnostics, ...found] }
}

/** Why the API server or istiod's webhook refuses a resource, as kubectl would say it; `undefined` when they take it. */
export function refusalOf(resource: Resource): string | undefined {
  const errors = [...checkSchemaRules(resource), ...validate(resource)].filter(
    ({ severity }) => severity === 'error',
  )
  if (errors.length === 0) return undefined
  const { namespace, name } = resource.metadata
  const reasons = errors.map(({ path, message }) => `${path}: ${message}`)
  return `${resource.kind} ${namespace === '' ? name : `${namespace}/${name}`} is refused: ${reasons.join(' ')}`
}
