import type { Resource } from '../../model/resource.ts'
import { isRecord } from '../documents.ts'
import { each, type Notes, type Validator } from './finding.ts'

type Labels = Readonly<Record<string, unknown>>

const recordOf = (value: unknown): Labels => (isRecord(value) ? value : {})

/** A workload selects the pods that it makes. kubernetes: pkg/apis/apps/validation/validation.go. */
const validateWorkload: Validator = ({ spec }, notes) => {
  const { selector, template } = recordOf(spec)
  const matchLabels = recordOf(recordOf(selector).matchLabels)
  const expressions = recordOf(selector).matchExpressions
  const labels = recordOf(recordOf(recordOf(template).metadata).labels)
  if (Object.keys(matchLabels).length === 0 && !Array.isArray(expressions)) {
    notes.error('spec.selector', 'The workload needs a selector with labels.')
    return
  }
  for (const [key, value] of Object.entries(matchLabels))
    if (labels[key] !== value)
      notes.error(
        'spec.selector',
        `The selector wants ${key}=${String(value)}, which the pods of the template do not have.`,
      )
}

interface ServiceSpec {
  readonly type?: string
  readonly externalName?: string
  readonly ports?: readonly { readonly name?: string; readonly port?: number; readonly protocol?: string }[]
}

/** kubernetes: pkg/apis/core/validation/validation.go ValidateService. */
const validateService: Validator = ({ metadata, spec }, notes) => {
  if (!/^[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?$/.test(metadata.name))
    notes.error(
      'metadata.name',
      `"${metadata.name}" is no name of a Service: lower-case letters, digits and dashes, a letter first, at most 63.`,
    )
  const service = recordOf(spec) as ServiceSpec
  if (service.type === 'ExternalName') {
    if (!service.externalName)
      notes.error('spec.externalName', 'A Service of type ExternalName needs externalName.')
    return
  }
  const isHeadless = recordOf(spec).clusterIP === 'None'
  if (!service.ports?.length && !isHeadless) notes.error('spec.ports', 'A Service needs at least one port.')
  checkPorts(service, notes)
}

function checkPorts({ ports = [] }: ServiceSpec, notes: Notes): void {
  const names = new Set<string>()
  const numbers = new Set<string>()
  each(ports, 'spec.ports', ({ name = '', port = 0, protocol = 'TCP' }, path) => {
    if (name === '' && ports.length > 1) notes.error(path, 'With several ports each needs a name.')
    if (name !== '' && names.has(name)) notes.error(`${path}.name`, `The port name ${name} is taken.`)
    const number = `${port}/${protocol}`
    if (numbers.has(number)) notes.error(`${path}.port`, `Port ${number} is defined twice.`)
    names.add(name)
    numbers.add(number)
  })
}

/** Kinds whose rules are Kubernetes' own, by the name under which the tree files them. */
export const kubernetesValidators: readonly (readonly [kind: Resource['kind'], rules: Validator])[] = [
  ['Deployment', validateWorkload],
  ['StatefulSet', validateWorkload],
  ['DaemonSet', validateWorkload],
  ['ReplicaSet', validateWorkload],
  ['Service', validateService],
]
