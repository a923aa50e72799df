import {
  any,
  bool,
  bytes,
  type Fields,
  int,
  intOrText,
  labels,
  list,
  long,
  map,
  object,
  one,
  open,
  port,
  range,
  text,
  texts,
} from './shape.ts'

const selector = object({
  matchLabels: labels,
  matchExpressions: list(object({ 'key!': text, 'operator!': text, values: texts })),
})
const templateMetadata = open({ name: text, namespace: text, labels, annotations: labels })

const probe = open({
  httpGet: object({
    path: text,
    'port!': intOrText,
    host: text,
    scheme: text,
    httpHeaders: list(object({ 'name!': text, 'value!': text })),
  }),
  tcpSocket: object({ 'port!': intOrText, host: text }),
  grpc: object({ 'port!': int, service: text }),
  exec: object({ command: texts }),
  initialDelaySeconds: int,
  timeoutSeconds: int,
  periodSeconds: int,
  successThreshold: int,
  failureThreshold: int,
  terminationGracePeriodSeconds: long,
})
const resources = open({ limits: map(any), requests: map(any) })
const lifecycleHandler = open({ exec: object({ command: texts }), httpGet: any, tcpSocket: any, sleep: any })
const container = open({
  'name!': text,
  image: text,
  imagePullPolicy: text,
  command: texts,
  args: texts,
  workingDir: text,
  ports: list(
    object({
      name: text,
      'containerPort!': port,
      hostPort: port,
      hostIP: text,
      protocol: one('TCP', 'UDP', 'SCTP'),
    }),
  ),
  env: list(open({ 'name!': text, value: text, valueFrom: any })),
  envFrom: list(any),
  resources,
  volumeMounts: list(any),
  livenessProbe: probe,
  readinessProbe: probe,
  startupProbe: probe,
  lifecycle: open({ preStop: lifecycleHandler, postStart: lifecycleHandler }),
  restartPolicy: text,
  securityContext: open({ runAsUser: long, runAsGroup: long, privileged: bool }),
})

/** Only what a mesh depends on is checked; pod specs grow with every release of Kubernetes. */
const podSpec = open({
  containers: list(container),
  initContainers: list(container),
  serviceAccountName: text,
  serviceAccount: text,
  nodeName: text,
  nodeSelector: labels,
  hostNetwork: bool,
  hostname: text,
  subdomain: text,
  restartPolicy: one('Always', 'OnFailure', 'Never'),
  terminationGracePeriodSeconds: long,
  dnsPolicy: one('ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None'),
  volumes: list(any),
  securityContext: any,
  affinity: any,
  tolerations: list(any),
  topologySpreadConstraints: list(any),
  readinessGates: list(any),
  imagePullSecrets: list(any),
  hostAliases: list(any),
  automountServiceAccountToken: bool,
})
const template = open({ metadata: templateMetadata, spec: podSpec })

const rollingUpdate = object({ maxSurge: intOrText, maxUnavailable: intOrText, partition: int })
const workload = (more: Fields) =>
  object({ replicas: int, selector, template, minReadySeconds: int, revisionHistoryLimit: int, ...more })

const jobSpec = open({
  parallelism: int,
  completions: int,
  completionMode: one('NonIndexed', 'Indexed'),
  backoffLimit: int,
  activeDeadlineSeconds: long,
  ttlSecondsAfterFinished: int,
  suspend: bool,
  selector,
  template,
})

const clusterIPs: Fields = {
  clusterIP: text,
  clusterIPs: texts,
  ipFamilies: list(one('IPv4', 'IPv6')),
  ipFamilyPolicy: one('SingleStack', 'PreferDualStack', 'RequireDualStack'),
}
const service = object({
  ...clusterIPs,
  type: one('ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName'),
  ports: list(
    object({
      name: text,
      protocol: one('TCP', 'UDP', 'SCTP'),
      appProtocol: text,
      'port!': port,
      targetPort: intOrText,
      nodePort: range(0, 65_535),
    }),
  ),
  selector: labels,
  externalName: text,
  externalIPs: texts,
  sessionAffinity: one('None', 'ClientIP'),
  sessionAffinityConfig: object({ clientIP: object({ timeoutSeconds: int }) }),
  loadBalancerIP: text,
  loadBalancerSourceRanges: texts,
  loadBalancerClass: text,
  allocateLoadBalancerNodePorts: bool,
  externalTrafficPolicy: one('Cluster', 'Local'),
  internalTrafficPolicy: one('Cluster', 'Local'),
  healthCheckNodePort: int,
  publishNotReadyAddresses: bool,
  trafficDistribution: text,
})

const objectReference = open({ kind: text, namespace: text, name: text })
const endpointSlice: Fields = {
  'addressType!': one('IPv4', 'IPv6', 'FQDN'),
  endpoints: list(
    object({
      'addresses!': texts,
      conditions: object({ ready: bool, serving: bool, terminating: bool }),
      hostname: text,
      targetRef: objectReference,
      deprecatedTopology: labels,
      topology: labels,
      nodeName: text,
      zone: text,
      hints: object({
        forZones: list(object({ name: text })),
        forNodes: list(object({ name: text })),
      }),
    }),
  ),
  ports: list(object({ name: text, protocol: text, port: int, appProtocol: text })),
}
const endpointAddress = object({ 'ip!': text, hostname: text, nodeName: text, targetRef: objectReference })
const endpoints: Fields = {
  subsets: list(
    object({
      addresses: list(endpointAddress),
      notReadyAddresses: list(endpointAddress),
      ports: list(object({ name: text, 'port!': int, protocol: text, appProtocol: text })),
    }),
  ),
}

const serviceBackend = object({ name: text, port: object({ name: text, number: int }) })
const ingressBackend = object({
  service: serviceBackend,
  resource: any,
  serviceName: text,
  servicePort: intOrText,
})
const ingress = object({
  ingressClassName: text,
  defaultBackend: ingressBackend,
  backend: ingressBackend,
  tls: list(object({ hosts: texts, secretName: text })),
  rules: list(
    object({
      host: text,
      http: object({
        'paths!': list(
          object({
            path: text,
            pathType: one('Exact', 'Prefix', 'ImplementationSpecific'),
            'backend!': ingressBackend,
          }),
        ),
      }),
    }),
  ),
})

/** Kubernetes: the top-level fields of every kind beside apiVersion, kind, metadata and status. */
export const kubernetes: Readonly<Record<string, Fields>> = {
  Pod: { spec: podSpec },
  Deployment: {
    spec: workload({
      strategy: object({ type: one('Recreate', 'RollingUpdate'), rollingUpdate }),
      paused: bool,
      progressDeadlineSeconds: int,
    }),
  },
  StatefulSet: {
    spec: workload({
      serviceName: text,
      podManagementPolicy: one('OrderedReady', 'Parallel'),
      updateStrategy: object({ type: one('RollingUpdate', 'OnDelete'), rollingUpdate }),
      volumeClaimTemplates: list(any),
      persistentVolumeClaimRetentionPolicy: any,
      ordinals: any,
    }),
  },
  DaemonSet: {
    spec: workload({ updateStrategy: object({ type: one('RollingUpdate', 'OnDelete'), rollingUpdate }) }),
  },
  ReplicaSet: { spec: workload({}) },
  ReplicationController: { spec: open({ replicas: int, selector: labels, template }) },
  Job: { spec: jobSpec },
  CronJob: { spec: open({ schedule: text, jobTemplate: open({ spec: jobSpec }), suspend: bool }) },
  Service: { spec: service },
  EndpointSlice: endpointSlice,
  Endpoints: endpoints,
  Namespace: { spec: any },
  ServiceAccount: { secrets: list(any), imagePullSecrets: list(any), automountServiceAccountToken: bool },
  ConfigMap: { data: labels, binaryData: map(bytes), immutable: bool },
  Secret: { data: map(bytes), stringData: labels, type: text, immutable: bool },
  Node: { spec: any },
  Ingress: { spec: ingress },
  IngressClass: { spec: object({ controller: text, parameters: any }) },
  HorizontalPodAutoscaler: {
    spec: open({ minReplicas: int, 'maxReplicas!': int, scaleTargetRef: open({ kind: text, name: text }) }),
  },
  PodDisruptionBudget: {
    spec: open({ minAvailable: intOrText, maxUnavailable: intOrText, selector }),
  },
}
