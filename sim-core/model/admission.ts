import type { PodSpec } from './kubernetes.ts'

/** A pod on its way to the API server's store, as webhooks see it: the template's metadata and spec, and who owns it. */
export interface PodToAdmit {
  readonly name: string
  readonly namespace: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly spec: PodSpec
  /** The workload that istiod names in telemetry: the Deployment behind the ReplicaSet, or the pod itself. */
  readonly workload: { readonly kind: string; readonly apiVersion: string; readonly name: string }
}

/** What webhooks make of a pod. */
export interface AdmittedPod {
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly spec: PodSpec
}
