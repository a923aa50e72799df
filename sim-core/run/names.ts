import type { z } from 'zod'
import type { PodSelect } from '../world/cluster.ts'
import type { select as selectSchema } from './scenario/words.ts'

/** A bare name means the scenario's namespace; `*` stays. */
export function qualified(name: string, namespace: string): string {
  return name === '*' || name.includes('/') ? name : `${namespace}/${name}`
}

/** A selection as people write it → with complete names. */
export function podSelect(written: z.infer<typeof selectSchema>, namespace: string): PodSelect {
  const { workload, pod, service, labels, zone, node } = written
  return {
    ...(workload !== undefined && { workload: qualified(workload, namespace) }),
    ...(pod !== undefined && { pod: qualified(pod, namespace) }),
    ...(service !== undefined && { service: qualified(service, namespace) }),
    ...(labels !== undefined && { labels }),
    ...(zone !== undefined && { zone }),
    ...(node !== undefined && { node }),
    ...(written.namespace !== undefined && { namespace: written.namespace }),
  }
}
