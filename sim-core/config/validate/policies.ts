import type {
  AuthorizationPolicy,
  AuthorizationRule,
  JWTRule,
  Operation,
  PeerAuthentication,
  RequestAuthentication,
  Source,
} from '../../model/istio.ts'
import { specAs } from '../../model/resource.ts'
import {
  conditionProblem,
  ipsProblem,
  pathTemplateProblem,
  portsProblem,
  serviceAccountsProblem,
  trustDomainsProblem,
} from './attributes.ts'
import { each, type Notes, type Validator } from './finding.ts'
import { parseKeySet } from './key-set.ts'
import { portProblem } from './names.ts'
import { checkSelector, checkTargets } from './selectors.ts'
import { durationProblem } from './values.ts'

/** istio: pkg/config/validation/validation.go ValidatePeerAuthentication. */
export const validatePeerAuthentication: Validator = (resource, notes) => {
  const { selector, portLevelMtls } = specAs<PeerAuthentication>(resource)
  const ports = Object.keys(portLevelMtls ?? {})
  if (ports.length > 0 && Object.keys(selector?.matchLabels ?? {}).length === 0)
    notes.error(
      'spec.portLevelMtls',
      'portLevelMtls needs a selector with labels: ports belong to workloads.',
    )
  if (portLevelMtls && ports.length === 0)
    notes.error('spec.portLevelMtls', 'portLevelMtls needs at least one port.')
  for (const port of ports) notes.error(`spec.portLevelMtls["${port}"]`, portProblem(Number(port)))
  checkSelector(selector?.matchLabels, selector, 'spec.selector', notes)
}

/** istio: pkg/config/validation/validation.go ValidateRequestAuthentication. */
export const validateRequestAuthentication: Validator = (resource, notes) => {
  const policy = specAs<RequestAuthentication>(resource)
  checkTargets(policy, notes)
  each(policy.jwtRules, 'spec.jwtRules', (rule, path) => {
    checkJwtRule(rule, path, notes)
  })
}

function checkJwtRule(rule: JWTRule, path: string, notes: Notes): void {
  each(rule.audiences, `${path}.audiences`, (audience, at) => {
    if (audience === '') notes.error(at, 'An audience is not empty.')
  })
  if (!rule.issuer && !rule.jwksUri) notes.error(path, 'A rule needs issuer or jwksUri.')
  if (rule.jwksUri && !/^https?:\/\/[^\s/?#:]*(?:\[[^\]]*\])?(?::\d*)?(?:[/?#]\S*)?$/i.test(rule.jwksUri))
    notes.error(`${path}.jwksUri`, `"${rule.jwksUri}" is no address that begins with http:// or https://.`)
  if (rule.jwks) checkKeys(rule.jwks, `${path}.jwks`, notes)
  each(rule.fromHeaders, `${path}.fromHeaders`, ({ name }, at) => {
    if (!name) notes.error(at, 'A header needs a name.')
  })
  for (const field of ['fromParams', 'fromCookies'] as const)
    each(rule[field], `${path}.${field}`, (name, at) => {
      if (name === '') notes.error(at, 'A name is not empty.')
    })
  each(rule.outputClaimToHeaders, `${path}.outputClaimToHeaders`, ({ claim, header }, at) => {
    if (!claim || !header) notes.error(at, 'outputClaimToHeaders needs claim and header.')
    else if (!/^[-_A-Za-z0-9]+$/.test(header)) notes.error(`${at}.header`, `"${header}" is no header name.`)
  })
  notes.error(`${path}.timeout`, durationProblem(rule.timeout))
}

function checkKeys(jwks: string, path: string, notes: Notes): void {
  const keys = parseKeySet(jwks)
  if (typeof keys === 'string') notes.error(path, keys)
  else
    keys.forEach((key, index) => {
      if (key.kty === 'oct' || key.d !== undefined)
        notes.warn(path, `Key ${index} is private. Only public keys are needed; do not publish it.`)
    })
}

const notSupportedInCustom: readonly (keyof Source)[] = [
  'namespaces',
  'notNamespaces',
  'serviceAccounts',
  'notServiceAccounts',
  'trustDomains',
  'notTrustDomains',
  'principals',
  'notPrincipals',
  'requestPrincipals',
  'notRequestPrincipals',
]

/** istio: pkg/config/validation/validation.go ValidateAuthorizationPolicy. */
export const validateAuthorizationPolicy: Validator = (resource, notes) => {
  const policy = specAs<AuthorizationPolicy>(resource)
  const { action = 'ALLOW', provider } = policy
  const rules = (policy.rules ?? []).filter(rule => rule !== null)
  checkTargets(policy, notes)
  if ((action === 'CUSTOM' || action === 'DENY') && rules.length === 0)
    notes.error('spec.rules', `${action} without rules matches nothing; write rules: [{}] for every request.`)
  if (action === 'CUSTOM') {
    if (rules.length > 0 && !provider?.name) notes.error('spec.provider', 'CUSTOM needs provider.name.')
    each(rules, 'spec.rules', (rule, path) => {
      checkCustomRule(rule, path, notes)
    })
  } else if (provider) notes.error('spec.provider', `A provider is for CUSTOM, not for ${action}.`)
  each(rules, 'spec.rules', (rule, path) => {
    checkRule(rule, path, notes)
    if (action === 'DENY' && deniesTcp(rule))
      notes.warn(
        path,
        'A DENY rule of HTTP fields only denies every TCP port of its workloads. Name ports in to.',
      )
  })
}

function checkCustomRule(rule: AuthorizationRule, path: string, notes: Notes): void {
  each(rule.from, `${path}.from`, ({ source = {} }, at) => {
    for (const field of notSupportedInCustom)
      if (source[field]?.length) notes.error(`${at}.source.${field}`, `CUSTOM does not know ${field}.`)
  })
  each(rule.when, `${path}.when`, ({ key = '' }, at) => {
    const isUnknown =
      ['source.namespace', 'source.serviceAccount', 'source.trustDomain', 'source.principal'].includes(key) ||
      key.startsWith('request.auth.')
    if (isUnknown) notes.error(`${at}.key`, `CUSTOM does not know ${key}.`)
  })
}

function checkRule(rule: AuthorizationRule, path: string, notes: Notes): void {
  if (rule.from?.length === 0) notes.error(`${path}.from`, 'from is not empty; leave it out for everybody.')
  if (rule.to?.length === 0) notes.error(`${path}.to`, 'to is not empty; leave it out for everything.')
  each(rule.from, `${path}.from`, ({ source }, at) => {
    if (source) checkSource(source, `${at}.source`, notes)
    else notes.error(at, 'from needs a source.')
  })
  each(rule.to, `${path}.to`, ({ operation }, at) => {
    if (operation) checkOperation(operation, `${at}.operation`, notes)
    else notes.error(at, 'to needs an operation.')
  })
  each(rule.when, `${path}.when`, ({ key, values = [], notValues = [] }, at) => {
    if (!key) notes.error(at, 'A condition needs a key.')
    else if (values.length + notValues.length === 0)
      notes.error(at, `The condition on ${key} needs values or notValues.`)
    else {
      notes.error(`${at}.values`, conditionProblem(key, values))
      notes.error(`${at}.notValues`, conditionProblem(key, notValues))
    }
  })
}

function checkEmpty(part: object, path: string, notes: Notes): void {
  const lists: [string, readonly string[] | undefined][] = Object.entries(part)
  if (lists.every(([, values]) => !values?.length)) notes.error(path, 'At least one field must be set.')
  for (const [field, values] of lists)
    if (values?.includes('')) notes.error(`${path}.${field}`, `${field} has an empty value.`)
}

function checkSource(source: Source, path: string, notes: Notes): void {
  checkEmpty(source, path, notes)
  const some = (...fields: readonly (keyof Source)[]) => fields.some(field => source[field]?.length)
  if (
    some('principals', 'notPrincipals', 'namespaces', 'notNamespaces') &&
    some('serviceAccounts', 'notServiceAccounts')
  )
    notes.error(path, 'serviceAccounts cannot stand with namespaces or principals.')
  for (const field of ['ipBlocks', 'notIpBlocks', 'remoteIpBlocks', 'notRemoteIpBlocks'] as const)
    notes.error(`${path}.${field}`, ipsProblem(source[field]))
  for (const field of ['serviceAccounts', 'notServiceAccounts'] as const)
    notes.error(`${path}.${field}`, serviceAccountsProblem(source[field]))
  for (const field of ['trustDomains', 'notTrustDomains'] as const)
    notes.error(`${path}.${field}`, trustDomainsProblem(source[field]))
}

function checkOperation(operation: Operation, path: string, notes: Notes): void {
  checkEmpty(operation, path, notes)
  for (const field of ['ports', 'notPorts'] as const)
    notes.error(`${path}.${field}`, portsProblem(operation[field]))
  for (const field of ['paths', 'notPaths'] as const)
    notes.error(`${path}.${field}`, pathTemplateProblem(operation[field]))
}

const knownToTcp: readonly (keyof Source)[] = [
  'principals',
  'notPrincipals',
  'namespaces',
  'notNamespaces',
  'serviceAccounts',
  'notServiceAccounts',
  'ipBlocks',
  'notIpBlocks',
  'remoteIpBlocks',
  'notRemoteIpBlocks',
]

/** HTTP fields are dropped from rules for TCP, so such a DENY rule matches every connection. */
function deniesTcp({ from = [], to = [] }: AuthorizationRule): boolean {
  const sources = from.flatMap(({ source }) => (source ? [source] : []))
  const operations = to.flatMap(({ operation }) => (operation ? [operation] : []))
  const fromTcp = sources.some(source => knownToTcp.some(field => source[field] !== undefined))
  const toTcp = operations.some(({ ports, notPorts }) => ports !== undefined || notPorts !== undefined)
  return operations.length > 0 ? !toTcp : sources.length > 0 && !fromTcp
}
