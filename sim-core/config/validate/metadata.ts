import type { Resource } from '../../model/resource.ts'
import type { Notes } from './finding.ts'

/** Annotations by which istiod marks what it made itself. istio: pkg/config/constants. */
const reserved: readonly string[] = [
  'internal.istio.io/webhook-always-reject',
  'internal.istio.io/parent-namespace',
  'internal.istio.io/parents',
]
/** What Go's strconv.ParseBool takes. */
const booleans: readonly string[] = [
  '1',
  't',
  'T',
  'TRUE',
  'true',
  'True',
  '0',
  'f',
  'F',
  'FALSE',
  'false',
  'False',
]

/** Rules that hold for every kind of Istio. istio: pkg/config/validation/validation.go validateMetadata. */
export function checkMetadata({ kind, metadata, spec }: Resource, notes: Notes): void {
  const { annotations } = metadata
  for (const name of reserved)
    if (annotations[name] !== undefined)
      notes.error(`metadata.annotations["${name}"]`, `Only istiod sets ${name}.`)
  const dryRun = annotations['istio.io/dry-run']
  if (dryRun === undefined) return
  const path = 'metadata.annotations["istio.io/dry-run"]'
  if (kind !== 'AuthorizationPolicy')
    notes.error(path, 'Only an AuthorizationPolicy can be tried by istio.io/dry-run.')
  else if (!['ALLOW', 'DENY'].includes((spec as { action?: string } | undefined)?.action ?? 'ALLOW'))
    notes.error(path, 'istio.io/dry-run works with ALLOW and DENY only.')
  else if (!booleans.includes(dryRun))
    notes.error(path, `istio.io/dry-run is true or false, not "${dryRun}".`)
}
