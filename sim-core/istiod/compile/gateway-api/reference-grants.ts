import type { ReferenceGrantSpec } from '../../../model/gateway-api.ts'
import { oncePerPush } from '../memo.ts'
import type { PushContext } from '../push-context.ts'
import { type GroupKind, gatewayApiObjects } from './objects.ts'

/** Grants by `from kind@namespace → to kind@namespace`; each allows one name, or all as `undefined`. */
const grants = oncePerPush(push => {
  const index = new Map<string, Set<string | undefined>>()
  for (const { namespace, spec } of gatewayApiObjects<ReferenceGrantSpec>(push, 'ReferenceGrant'))
    for (const from of spec.from ?? [])
      for (const to of spec.to ?? []) {
        const key = keyOf(
          `${from.group ?? ''}/${from.kind}`,
          from.namespace,
          `${to.group ?? ''}/${to.kind}`,
          namespace,
        )
        const names = index.get(key) ?? new Set()
        index.set(key, names.add(to.name))
      }
  return index
})

/** Whether the owner of a namespace lets objects of another one refer to something in it. */
export function isReferenceGranted(
  push: PushContext,
  from: GroupKind,
  fromNamespace: string,
  to: GroupKind,
  toNamespace: string,
  name: string,
): boolean {
  const names = grants(push).get(keyOf(from, fromNamespace, to, toNamespace))
  return names !== undefined && (names.has(undefined) || names.has(name))
}

const keyOf = (from: GroupKind, fromNamespace: string, to: GroupKind, toNamespace: string): string =>
  `${from}@${fromNamespace} ${to}@${toNamespace}`
