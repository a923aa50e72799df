import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bookinfo } from './bookinfo.ts'
import { hold } from './hold.ts'
import { median } from './measure.ts'
import { mesh } from './mesh.ts'
import { mm1 } from './mm1.ts'
import { prototypeHold } from './prototype.ts'
import { timeoutCancel } from './timeout-cancel.ts'

/** Measures the engine and its peers in turn, A B A B, and prints one table with the medians of the ratios of each round. Asserts nothing. */
const self = fileURLToPath(import.meta.url)
const root = resolve(dirname(self), '..')
const peers = resolve(root, '../shared/peers')
const built = join(root, 'dist/peers')
const python = '/usr/bin/python3'

/** One program that does a work; its command prints a line of JSON from which `rate` reads units per second. */
interface Program {
  readonly name: string
  readonly command: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly rate: (line: Readonly<Record<string, number>>) => number
}

interface Work {
  readonly name: string
  readonly unit: string
  readonly engine: Program
  readonly peers: readonly (Program & { readonly target: number })[]
}

const engine = (...words: readonly string[]): Program => ({
  name: 'glassmesh',
  command: [process.execPath, self, '--measure', ...words],
  rate: line => line['rate']!,
})
const million = (key: string) => (line: Readonly<Record<string, number>>) => line[key]! * 1e6

const holds = [
  { n: 1e3, simpy: 17 },
  { n: 1e5, simpy: 38 },
  { n: 1e6, simpy: 18 },
].map(
  ({ n, simpy }): Work => ({
    name: `hold, ${n.toLocaleString('en')} pending`,
    unit: 'events/s',
    engine: engine('hold', String(n)),
    peers: [
      {
        name: 'SimPy',
        command: [python, `${peers}/simpy_hold.py`, 'simpy3', String(n), '200000', '3'],
        rate: million('Mev'),
        target: simpy,
      },
      {
        name: 'ns-3 (map)',
        command: [`${built}/ns3hold`, 'MapScheduler', String(n), '500000', '3'],
        rate: million('Mev'),
        target: n === 1e3 ? 3 : 5.5,
      },
      { ...engine('prototype', String(n)), name: 'JS prototype', target: 0.6 },
      {
        name: 'C++ ladder',
        command: [`${built}/cppladder`, String(n), '2e6', '3'],
        rate: million('Mev'),
        target: Number.NaN,
      },
    ],
  }),
)

const timeouts = [
  { n: 1e3, simpy: 28, ns3: 4.5 },
  { n: 1e5, simpy: 90, ns3: 12 },
].map(
  ({ n, simpy, ns3 }): Work => ({
    name: `timeout-cancel, ${n.toLocaleString('en')} actors`,
    unit: 'events/s',
    engine: engine('timeout', String(n)),
    peers: [
      {
        name: 'SimPy',
        command: [python, `${peers}/simpy_timeout.py`, 'proc', String(n), '100000', '3'],
        rate: million('Mev'),
        target: simpy,
      },
      {
        name: 'ns-3 (map)',
        command: [`${built}/ns3timeout`, 'MapScheduler', 'cancel', String(n), '300000', '3'],
        rate: million('Mev'),
        target: ns3,
      },
    ],
  }),
)

const queue: Work = {
  name: 'M/M/1, ρ = 0.8',
  unit: 'customers/s',
  engine: engine('mm1', '1000000'),
  peers: [
    {
      name: 'SimPy',
      command: [python, `${peers}/mm1_simpy.py`, '40000'],
      rate: million('Mcust'),
      target: 45,
    },
    { name: 'ns-3 (map)', command: [`${built}/mm1_ns3`, '500000'], rate: million('Mcust'), target: 2.8 },
  ],
}

const meshes = [
  { perTier: 10, simpy: 40 },
  { perTier: 2500, simpy: 60 },
].map(({ perTier, simpy }): Work => {
  const environment = { EP: String(perTier) }
  return {
    name: `small mesh, 3 hops, ${(4 * perTier).toLocaleString('en')} proxies`,
    unit: 'requests/s',
    engine: engine('mesh', String(perTier)),
    peers: [
      {
        name: 'SimPy',
        command: [python, `${peers}/mesh_simpy.py`, '3', '6000'],
        environment,
        rate: line => line['rps']!,
        target: simpy,
      },
      {
        name: 'ns-3',
        command: [`${built}/mesh_ns3`, '3', '100000'],
        environment,
        rate: line => line['rps']!,
        target: 2,
      },
      {
        name: 'C++',
        command: [`${built}/mesh_cpp`, '3', '150000'],
        environment,
        rate: line => line['rps']!,
        target: 0.6,
      },
    ],
  }
})

/** 3.7 service calls make a page, each through two proxies, against all of SimPy's small three-hop requests. */
const full: Work = {
  name: 'the full engine, Bookinfo',
  unit: 'service calls/s',
  engine: engine('bookinfo', '60000'),
  peers: [
    {
      name: 'SimPy (small mesh)',
      command: [python, `${peers}/mesh_simpy.py`, '3', '6000'],
      environment: { EP: '10' },
      rate: line => line['rps']!,
      target: 6,
    },
  ],
}

/** What a child process does: one measurement, one line of JSON. */
async function measure(what: string, n: number): Promise<void> {
  const print = (line: object) => console.log(JSON.stringify(line))
  switch (what) {
    case 'hold':
      return print({ rate: hold(n, 2_000_000, 3) })
    case 'prototype':
      return print({ rate: await prototypeHold(`${peers}/prototype`, n, 2_000_000, 3) })
    case 'timeout':
      return print({ rate: timeoutCancel(n, 2_000_000, 3) })
    case 'mm1':
      return print(mm1(n, 3))
    case 'bookinfo':
      return print(bookinfo(`${root}/scenarios/bookinfo`, n))
    case 'mesh':
      mesh(3, 20_000, n, 0)
      return print(mesh(3, n > 100 ? 150_000 : 250_000, n, 1))
    default:
      throw new Error(`there is no measurement ${what}`)
  }
}

/** The rate of one run; `undefined` where the program is not installed or fails. */
function rateOf(program: Program): number | undefined {
  if (!existsSync(program.command[0]!) || (program.name !== 'glassmesh' && !existsSync(peers)))
    return undefined
  const [command, ...words] = program.command
  const { status, stdout } = spawnSync(command!, words, {
    encoding: 'utf8',
    env: { ...process.env, ...program.environment },
  })
  const line = stdout?.trim().split('\n').at(-1)
  if (status !== 0 || !line) return undefined
  const rate = program.rate(JSON.parse(line))
  return Number.isFinite(rate) ? rate : undefined
}

/** Measures one work and gives a line for each peer that is at hand; `absent` collects the others. */
function run(work: Work, rounds: number, absent: Set<string>): readonly string[] {
  const rates: number[] = []
  const ratios = work.peers.map((): number[] => [])
  const missing = new Set<number>()
  for (let round = 0; round < rounds; round++) {
    const mine = rateOf(work.engine)
    if (mine === undefined) throw new Error(`${work.name} does not run`)
    rates.push(mine)
    for (const [index, peer] of work.peers.entries()) {
      const theirs = missing.has(index) ? undefined : rateOf(peer)
      if (theirs === undefined) missing.add(index)
      else ratios[index]!.push(mine / theirs)
    }
  }
  for (const index of missing) absent.add(work.peers[index]!.name)
  const rate = `${compact(median(rates))} ${work.unit}`
  const lines = work.peers.flatMap((peer, index) =>
    missing.has(index) ? [] : [[peer.name, times(median(ratios[index]!)), wanted(peer.target)]],
  )
  if (lines.length === 0) return [row(work.name, rate, '', '', '')]
  return lines.map((line, index) => row(...(index === 0 ? [work.name, rate] : ['', '']), ...line))
}

const WIDTHS = [36, 24, 20, 9, 8]

/** One line of the table. */
function row(...cells: readonly string[]): string {
  return cells
    .map((cell, column) => (column > 2 ? cell.padStart(WIDTHS[column]!) : cell.padEnd(WIDTHS[column]!)))
    .join(' ')
    .trimEnd()
}

function times(ratio: number): string {
  return `${ratio.toFixed(ratio < 10 ? 2 : 1)} ×`
}

function wanted(target: number): string {
  return Number.isNaN(target) ? '–' : `${target} ×`
}

function compact(rate: number): string {
  return rate >= 1e6 ? `${(rate / 1e6).toFixed(2)} M` : `${Math.round(rate / 1e3)} k`
}

function main(words: readonly string[]): void {
  const rounds = Number(words[0] ?? 5)
  if (existsSync(peers) && !existsSync(join(built, 'mesh_cpp'))) {
    mkdirSync(built, { recursive: true })
    spawnSync('bash', [`${peers}/build.sh`, built], { stdio: 'ignore' })
  }
  const wanted = words[1]
  const absent = new Set<string>()
  console.log(row('work', 'engine, median', 'against', 'ratio', 'wanted'))
  for (const work of [...holds, ...timeouts, queue, ...meshes, full])
    if (wanted === undefined || work.name.includes(wanted))
      for (const line of run(work, rounds, absent)) console.log(line)
  if (absent.size > 0) console.log(`Left out, since not installed here: ${[...absent].join(', ')}.`)
}

if (process.argv[2] === '--measure') await measure(process.argv[3] ?? '', Number(process.argv[4]))
else main(process.argv.slice(2))
