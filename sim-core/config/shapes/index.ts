import { gatewayApi } from './gateway-api.ts'
import { networking } from './istio-networking.ts'
import { extensions, security } from './istio-policies.ts'
import { kubernetes } from './kubernetes.ts'
import { any, type ObjectShape, object, type Shape } from './shape.ts'

/** Types of these are checked where metadata is read; here only that nobody misspelt one. */
const metadata = object({
  name: any,
  generateName: any,
  namespace: any,
  labels: any,
  annotations: any,
  creationTimestamp: any,
  deletionTimestamp: any,
  deletionGracePeriodSeconds: any,
  uid: any,
  resourceVersion: any,
  generation: any,
  ownerReferences: any,
  finalizers: any,
  managedFields: any,
  selfLink: any,
})
const head = { apiVersion: any, kind: any, metadata, status: any }

/** Custom resources have a spec and a status and nothing else. */
const custom = (specs: Readonly<Record<string, Shape>>): readonly [string, ObjectShape][] =>
  Object.entries(specs).map(([key, spec]) => [key, object({ ...head, spec })])

/** Whole documents, by the name under which the tree files their kind. A kind without a line is taken as it comes. */
export const shapes: ReadonlyMap<string, ObjectShape> = new Map([
  ...custom(networking),
  ...custom(security),
  ...custom(extensions),
  ...custom(gatewayApi),
  ...Object.entries(kubernetes).map(([key, fields]): [string, ObjectShape] => [
    key,
    object({ ...head, ...fields }),
  ]),
])
