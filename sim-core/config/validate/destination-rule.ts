import type { DestinationRule } from '../../model/istio.ts'
import { specAs } from '../../model/resource.ts'
import { each, type Validator } from './finding.ts'
import { isDnsLabel, labelsProblem, wildcardDomainProblem } from './names.ts'
import { checkSelector } from './selectors.ts'
import { checkTrafficPolicy } from './traffic-policy.ts'
import { exportToProblem } from './values.ts'

/** istio: pkg/config/validation/validation.go ValidateDestinationRule. */
export const validateDestinationRule: Validator = (resource, notes) => {
  const { metadata } = resource
  const rule = specAs<DestinationRule>(resource)
  const { namespace } = metadata
  notes.error('spec.host', wildcardDomainProblem(rule.host))
  checkTrafficPolicy(rule.trafficPolicy, 'spec.trafficPolicy', namespace, notes)
  const names = new Set<string>()
  each(rule.subsets, 'spec.subsets', ({ name = '', labels, trafficPolicy }, path) => {
    if (names.has(name)) notes.error(`${path}.name`, `The subset ${name} is defined twice.`)
    names.add(name)
    notes.error(`${path}.name`, subsetNameProblem(name))
    notes.error(`${path}.labels`, labelsProblem(labels))
    checkTrafficPolicy(trafficPolicy, `${path}.trafficPolicy`, namespace, notes)
  })
  const onlyAtHome = rule.workloadSelector !== undefined
  notes.error('spec.exportTo', exportToProblem(rule.exportTo, { namespace, allowsNobody: false, onlyAtHome }))
  checkSelector(rule.workloadSelector?.matchLabels, rule.workloadSelector, 'spec.workloadSelector', notes)
}

/** What is wrong with the name of a subset. */
export const subsetNameProblem = (name: string): string | undefined =>
  isDnsLabel(name) ? undefined : `"${name}" is no name of a subset: letters, digits and dashes, at most 63.`
