import type { Cast, CastPod } from '../engine/protocol.ts'
import type { Deed } from './edits.ts'

/** Whom a fault is about. */
export interface Victim {
  readonly pod: CastPod
  /** `namespace/workload`. */
  readonly workload: string
}

/** What faults are made from. */
export interface Ground {
  readonly cast: Cast
  readonly victim: Victim
  /** Another workload, for what breaks between two. */
  readonly other: Victim | undefined
  /** DestinationRules of the files. */
  readonly rules: readonly { readonly name: string; readonly namespace: string }[]
  /** Folder of the scenario, with a slash at its end. */
  readonly home: string
}

/** Something that can be broken on purpose. */
export interface Fault {
  readonly id: string
  readonly title: string
  /** What it does, in one sentence. */
  readonly say: string
  /** What is worth a guess before it happens. */
  readonly ask: string
  /** Whether it may be taken back after a while. */
  readonly ends: boolean
  /** `undefined` where this scenario has nothing that it could be done to. */
  make(ground: Ground): { readonly do: Deed; readonly files?: Readonly<Record<string, string>> } | undefined
}

const on = (ground: Ground) => ({ select: { workload: ground.victim.workload } })

/** An object that is applied from a file that comes with the action. */
function applied(ground: Ground, name: string, text: string) {
  const path = `hand/${name}.yaml`
  return { do: { apply: path } as Deed, files: { [`${ground.home}${path}`]: text } }
}

function policy(ground: Ground, kind: string, name: string, spec: string): string {
  const { namespace } = ground.victim.pod
  return `apiVersion: security.istio.io/v1\nkind: ${kind}\nmetadata:\n  name: ${name}\n  namespace: ${namespace}\nspec:\n${spec}`
}

/** The palette. Each is an entry of the timeline that the engine really performs. */
export const faults: readonly Fault[] = [
  {
    id: 'kill',
    title: 'Kill a pod',
    say: 'The pod dies without warning; its controller makes another.',
    ask: 'Which requests are lost, and for how long?',
    ends: false,
    make: ground => ({ do: { kill: { ...on(ground), count: 1 } } }),
  },
  {
    id: 'slow',
    title: 'Ten times slower',
    say: 'The application needs ten times as long for every answer.',
    ask: 'Who times out first?',
    ends: true,
    make: ground => ({ do: { slow: { ...on(ground), factor: 10 } } }),
  },
  {
    id: 'errors',
    title: '503 for one in five',
    say: 'The application answers a fifth of the requests with 503.',
    ask: 'How many of them does a client ever see?',
    ends: true,
    make: ground => ({ do: { errors: { ...on(ground), rate: '20%', status: 503 } } }),
  },
  {
    id: 'refuse',
    title: 'Refuse connections',
    say: 'The application stops listening; its sidecar does not.',
    ask: 'Who answers the client now, and with what?',
    ends: true,
    make: ground => ({ do: { refuse: on(ground) } }),
  },
  {
    id: 'loss',
    title: 'Lose one packet in ten',
    say: 'A tenth of the packets around these pods is lost and sent again.',
    ask: 'What happens to the slowest one percent?',
    ends: true,
    make: ground => ({ do: { loss: { ...on(ground), rate: '10%' } } }),
  },
  {
    id: 'partition',
    title: 'Cut two workloads apart',
    say: 'Nothing gets through between the two any more, in either direction.',
    ask: 'How long until anybody notices?',
    ends: true,
    make: ({ victim, other }) =>
      other && {
        do: { partition: { between: [{ workload: other.workload }, { workload: victim.workload }] } },
      },
  },
  {
    id: 'scale-0',
    title: 'Scale to zero',
    say: 'The workload keeps its Service and loses all its pods.',
    ask: 'Is it 503 or a timeout?',
    ends: true,
    make: ({ victim }) => ({ do: { scale: { workload: victim.workload, replicas: 0 } } }),
  },
  {
    id: 'drain',
    title: 'Drain its node',
    say: 'The pods of the node are evicted and started elsewhere.',
    ask: 'Does anybody lose a request?',
    ends: true,
    make: ({ victim }) => (victim.pod.node ? { do: { drain: { node: victim.pod.node } } } : undefined),
  },
  {
    id: 'load',
    title: 'Traffic ×10',
    say: 'The first traffic of the scenario comes ten times as often.',
    ask: 'Which queue grows first?',
    ends: true,
    make: ({ cast }) =>
      cast.traffics[0] ? { do: { load: { traffic: cast.traffics[0], scale: 10 } } } : undefined,
  },
  {
    id: 'strict',
    title: 'STRICT mTLS now',
    say: 'The namespace takes no plain text any more.',
    ask: 'Who was still speaking plain text?',
    ends: true,
    make: ground =>
      applied(
        ground,
        `strict-${ground.victim.pod.namespace}`,
        policy(ground, 'PeerAuthentication', 'default', '  mtls:\n    mode: STRICT\n'),
      ),
  },
  {
    id: 'deny',
    title: 'Allow nobody',
    say: 'An AuthorizationPolicy without rules: ALLOW exists, and nothing matches it.',
    ask: 'Which hop refuses, and what does the client see?',
    ends: true,
    make: ground =>
      applied(
        ground,
        `allow-nothing-${ground.victim.pod.namespace}`,
        policy(ground, 'AuthorizationPolicy', 'allow-nothing', '  action: ALLOW\n'),
      ),
  },
  {
    id: 'sidecar',
    title: 'Take the sidecar away',
    say: 'The workload is rolled out anew, without a proxy in its pods.',
    ask: 'Can it still be called, and can it still call?',
    ends: true,
    make: ({ victim }) => ({
      do: {
        patch: {
          target: {
            kind: 'Deployment',
            name: victim.pod.workload,
            namespace: victim.pod.namespace,
          },
          merge: { spec: { template: { metadata: { labels: { 'sidecar.istio.io/inject': 'false' } } } } },
        },
      },
    }),
  },
  {
    id: 'rule',
    title: 'Delete a DestinationRule',
    say: 'Its subsets are gone; the routes that name them stay.',
    ask: 'What is a route to a cluster that does not exist?',
    ends: true,
    make: ({ rules: [rule] }) => rule && { do: { delete: { kind: 'DestinationRule', ...rule } } },
  },
  {
    id: 'nack',
    title: 'Push what proxies refuse',
    say: 'An EnvoyFilter makes clusters that Envoy does not take: it answers with a NACK and keeps the old ones.',
    ask: 'Do requests still get through?',
    ends: true,
    make: ground =>
      applied(
        ground,
        'refused-by-proxies',
        `apiVersion: networking.istio.io/v1alpha3\nkind: EnvoyFilter\nmetadata:\n  name: refused\n  namespace: ${ground.victim.pod.namespace}\nspec:\n  configPatches:\n    - applyTo: CLUSTER\n      match:\n        context: SIDECAR_OUTBOUND\n      patch:\n        operation: MERGE\n        value:\n          lb_policy: MAGLEV\n          maglev_lb_config:\n            table_size: 4\n`,
      ),
  },
  {
    id: 'istiod',
    title: 'istiod down',
    say: 'Nobody pushes configuration and nobody signs certificates.',
    ask: 'Which requests fail now?',
    ends: true,
    make: () => ({ do: { istiod: 'down' } }),
  },
  {
    id: 'ca',
    title: 'No certificates',
    say: 'The certificate authority signs nothing.',
    ask: 'When does the first certificate end?',
    ends: true,
    make: () => ({ do: { ca: { outage: true } } }),
  },
  {
    id: 'root',
    title: 'Rotate the root',
    say: 'The authority signs with a new root from now on.',
    ask: 'Do old and new certificates trust each other?',
    ends: false,
    make: () => ({ do: { ca: { rotateRoot: true } } }),
  },
]

/** Workloads that something can be done to, one pod of each. */
export function victimsOf(cast: Cast): readonly Victim[] {
  const found = new Map<string, Victim>()
  for (const pod of cast.pods) {
    if (pod.namespace === '' || pod.workload === '' || pod.workload === 'istiod') continue
    const workload = `${pod.namespace}/${pod.workload}`
    if (!found.has(workload)) found.set(workload, { pod, workload })
  }
  const isOwn = ({ pod }: Victim) => (pod.namespace === 'istio-system' ? 1 : 0)
  return [...found.values()].sort((a, b) => isOwn(a) - isOwn(b))
}

/** DestinationRules that the files write, by a look at their text. */
export function rulesIn(files: Readonly<Record<string, string>>): Ground['rules'] {
  return Object.values(files)
    .flatMap(text => text.split(/^---.*$/m))
    .filter(text => /^kind:\s*DestinationRule\s*$/m.test(text) && text.includes('subsets:'))
    .flatMap(text => {
      const name = /\bname:\s*([\w.-]+)/.exec(text)?.[1]
      const namespace = /\bnamespace:\s*([\w.-]+)/.exec(text)?.[1] ?? 'default'
      return name === undefined ? [] : [{ name, namespace }]
    })
}
