import type { Draw } from '../kernel/draw.ts'
import { unreachable } from '../kernel/invariant.ts'
import { ms, type Nanos } from '../kernel/time.ts'
import type { ResourceTree } from '../model/resource.ts'
import type { Behavior, Call, Script, Step } from '../world/behavior.ts'
import type { PodSelect } from '../world/cluster.ts'
import { internArrival, internTemplate, type World } from '../world/world.ts'
import { drawOf, type ReadFile } from './dist.ts'
import { podSelect } from './names.ts'
import { bytesOf, fractionOf } from './quantity.ts'
import type { Step as WrittenStep } from './scenario/request.ts'
import type { ScenarioDocument } from './scenario/schema.ts'

type Written = NonNullable<ScenarioDocument['spec']['behaviors']>[number]
type WrittenRoute = Written['routes'][number]

interface Context {
  readonly world: World
  readonly tree: ResourceTree
  readonly namespace: string
  readonly readFile: ReadFile
}

/** Applications without a description of their size serve so many calls at a time, and keep so many waiting. */
const CONCURRENCY = 256
const QUEUE = 1024
const RESPONSE_BYTES = 1024

/** What a scenario says of applications: which pods, and what they do. The first that fits a pod counts. */
export function behaviorsOf(
  written: readonly Written[],
  context: Context,
): readonly { readonly select: PodSelect; readonly behavior: Behavior }[] {
  return written.map((one, index) => ({
    select: podSelect(one.select, context.namespace),
    behavior: {
      name: `behavior-${index}`,
      concurrency: one.concurrency ?? CONCURRENCY,
      queue: one.queue?.limit ?? QUEUE,
      scripts: one.routes.map(route => scriptOf(route, one.keepAlive !== '0', context)),
    },
  }))
}

function scriptOf(route: WrittenRoute, keepAlive: boolean, context: Context): Script {
  const { match, serviceTime, errorRate, response, script = [] } = route
  const steps: Step[] = [
    { do: 'sleep', for: drawOf(serviceTime, context.readFile) },
    ...(errorRate === undefined
      ? []
      : [{ do: 'fail' as const, percent: fractionOf(errorRate) * 100, status: 500 }]),
    ...script.map(step => stepOf(step, keepAlive, context)),
  ]
  return {
    ...(match?.path !== undefined && { pathPrefix: match.path }),
    ...(match?.method !== undefined && { method: match.method }),
    steps,
    status: response?.status ?? 200,
    responseBytes: response?.bodyBytes === undefined ? RESPONSE_BYTES : bytesOf(response.bodyBytes),
  }
}

function stepOf(step: WrittenStep, keepAlive: boolean, context: Context): Step {
  if (Array.isArray(step))
    return { do: 'together', steps: step.map(part => partOf(part, keepAlive, context)) }
  return partOf(step, keepAlive, context)
}

/** Simplified: a list inside a list runs its parts side by side with the outer ones. */
function partOf(
  step: WrittenStep,
  keepAlive: boolean,
  context: Context,
): Call | { readonly do: 'sleep'; readonly for: Draw } {
  if ('sleep' in step) return { do: 'sleep', for: drawOf(step.sleep, context.readFile) }
  if ('call' in step) return callOf(step.call, keepAlive, context)
  return { do: 'sleep', for: { constant: ms(0) } }
}

function callOf(
  call: Extract<WrittenStep, { call: unknown }>['call'],
  keepAlive: boolean,
  context: Context,
): Call {
  const { world, tree, namespace } = context
  const written = typeof call === 'string' ? { service: call } : call
  const [host = '', stated] = written.service.split(':')
  const port =
    ('port' in written ? written.port : undefined) ??
    (stated ? Number(stated) : firstPort(tree, host, namespace))
  const template = internTemplate(world, {
    protocol: 'http/1.1',
    grpc: false,
    method: written.method ?? 'GET',
    scheme: 'http',
    authority: port === 80 ? host : `${host}:${port}`,
    path: written.path ?? '/',
    headers: [['user-agent', 'app/1.0']],
    bodyBytes: written.size === undefined ? 0 : bytesOf(written.size),
  })
  const arrival = internArrival(world, {
    host,
    address: '',
    port,
    protocol: 'http/1.1',
    transport: 'raw_buffer',
    sni: '',
    alpn: [],
    peer: '',
  })
  return { do: 'call', template, arrival, keepAlive, onError: 'fail' }
}

/** A call that names no port means the service's first one, 80 where nobody knows the service. */
function firstPort(tree: ResourceTree, host: string, namespace: string): number {
  const [name = '', inside = namespace] = host.split('.')
  const spec = tree['Service']?.[inside]?.[name]?.spec as
    | { readonly ports?: readonly { readonly port?: number }[] }
    | undefined
  return spec?.ports?.[0]?.port ?? 80
}

/** The same application under a fault: slower by a factor or by more time, failing now and then. */
export function underFault(
  behavior: Behavior,
  fault: {
    readonly factor?: number
    readonly add?: Draw
    readonly failing?: { readonly percent: number; readonly status: number }
  },
): Behavior {
  const first: Step[] = [
    ...(fault.failing ? [{ do: 'fail' as const, ...fault.failing }] : []),
    ...(fault.add ? [{ do: 'sleep' as const, for: fault.add }] : []),
  ]
  return {
    ...behavior,
    scripts: behavior.scripts.map(script => ({
      ...script,
      steps: [...first, ...script.steps.map(step => slowed(step, fault.factor ?? 1))],
    })),
  }
}

function slowed(step: Step, factor: number): Step {
  if (step.do === 'sleep') return { ...step, for: scaled(step.for, factor) }
  if (step.do === 'together')
    return {
      ...step,
      steps: step.steps.map(part =>
        part.do === 'sleep' ? { ...part, for: scaled(part.for, factor) } : part,
      ),
    }
  return step
}

/** The distribution of `factor` times the value. */
function scaled(of: Draw, factor: number): Draw {
  const by = (time: Nanos) => Math.floor(time * factor) as Nanos
  if ('constant' in of) return { constant: by(of.constant) }
  if ('exponential' in of) return { exponential: by(of.exponential) }
  if ('uniform' in of) return { uniform: { from: by(of.uniform.from), to: by(of.uniform.to) } }
  if ('lognormal' in of) return { lognormal: { p50: by(of.lognormal.p50), p99: by(of.lognormal.p99) } }
  if ('gamma' in of) return { gamma: { ...of.gamma, mean: by(of.gamma.mean) } }
  if ('weibull' in of) return { weibull: { ...of.weibull, scale: by(of.weibull.scale) } }
  if ('pareto' in of) return { pareto: { ...of.pareto, least: by(of.pareto.least) } }
  if ('erlang' in of) return { erlang: { ...of.erlang, mean: by(of.erlang.mean) } }
  if ('empirical' in of) return { empirical: of.empirical.map(each => ({ ...each, value: by(each.value) })) }
  if ('mixture' in of)
    return { mixture: of.mixture.map(each => ({ ...each, draw: scaled(each.draw, factor) })) }
  return unreachable(of)
}
