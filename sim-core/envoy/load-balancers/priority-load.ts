/** How many hosts a priority has, and how many of them may be picked. */
export interface PriorityHealth {
  readonly healthy: number
  readonly total: number
}

/** Which share of the load each priority gets (percent, whole numbers, sum 100), and which priorities balance over all their hosts. */
export interface PriorityLoad {
  readonly load: readonly number[]
  readonly panic: readonly boolean[]
}

/** Envoy's default: a priority stays full down to 1 / 1.4 = 71.4 % healthy. EDS may say otherwise. envoy: docs/root/intro/arch_overview/upstream/load_balancing/priority.rst. */
const OVERPROVISIONING_FACTOR = 140

/** Envoy's arithmetic of priorities: health with overprovisioning, then load from the top down, then panic. `panicThreshold` is a percentage, 0 switches panic off. */
export function priorityLoad(
  priorities: readonly PriorityHealth[],
  panicThreshold: number,
  overprovisioningFactor = OVERPROVISIONING_FACTOR,
): PriorityLoad {
  const health = priorities.map(({ healthy, total }) =>
    total === 0 ? 0 : Math.min(100, Math.floor((overprovisioningFactor * healthy) / total)),
  )
  const sum = Math.min(
    100,
    health.reduce((total, each) => total + each, 0),
  )
  const panic = priorities.map(
    ({ healthy, total }) => sum < 100 && total > 0 && (100 * healthy) / total < panicThreshold,
  )
  const populated = priorities.every(({ total }, index) => total === 0 || panic[index])
  if (sum < 100 && populated && panic.includes(true)) return { load: loadByHosts(priorities), panic }
  return {
    load: sum === 0 ? priorities.map((_, index) => (index === 0 ? 100 : 0)) : loadByHealth(health, sum),
    panic,
  }
}

/** Each priority takes its health's share until 100 are given; what rounding leaves goes to the first healthy priority. */
function loadByHealth(health: readonly number[], sum: number): readonly number[] {
  let left = 100
  const load = health.map(each => {
    const share = Math.min(left, Math.floor((each * 100) / sum))
    left -= share
    return share
  })
  const first = health.findIndex(each => each > 0)
  return load.map((share, index) => (index === first ? share + left : share))
}

/** With every priority in panic the load follows the number of hosts. */
function loadByHosts(priorities: readonly PriorityHealth[]): readonly number[] {
  const total = priorities.reduce((sum, priority) => sum + priority.total, 0)
  const load = priorities.map(priority => Math.floor((100 * priority.total) / total))
  const left = 100 - load.reduce((sum, share) => sum + share, 0)
  const first = priorities.findIndex(priority => priority.total > 0)
  return load.map((share, index) => (index === first ? share + left : share))
}

/** The priority that a draw of 1…100 falls into. */
export function choosePriority(load: readonly number[], draw: number): number {
  let sum = 0
  for (let priority = 0; priority < load.length; priority++) {
    sum += load[priority] ?? 0
    if (draw <= sum) return priority
  }
  return 0
}
