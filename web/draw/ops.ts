import type { Path, Point } from './geometry.ts'
import type { GlyphName } from './glyphs.ts'
import type { GraphNode } from './graph.ts'
import type { Box } from './layout.ts'

/** The palette by role; the theme gives the colours. */
export type Tone = 'text' | 'muted' | 'accent' | 'ok' | 'warn' | 'err' | 'denied' | 'istiod' | 'envoy'

/** One request, at one place. `record` is the log's record that put it there. */
export interface MarkOp {
  readonly kind: 'mark'
  readonly glyph: GlyphName
  readonly x: number
  readonly y: number
  readonly angle: number | undefined
  readonly tone: Tone
  readonly exchange: number
  readonly root: number
  readonly record: number
  readonly attempt: number
  /** Code to write below, `''` for none. */
  readonly label: string
  readonly look: 'plain' | 'selected' | 'dim'
}

/** Requests on one edge that are too many to be drawn one by one. */
export interface ConvoyOp {
  readonly kind: 'convoy'
  readonly x: number
  readonly y: number
  readonly edge: string
  readonly failed: number
  readonly records: readonly number[]
}

/** Requests that wait at one place, beyond those that are drawn. */
export interface QueueOp {
  readonly kind: 'queue'
  readonly x: number
  readonly y: number
  readonly records: readonly number[]
}

/** A push on its way from istiod to a proxy, or arrived there a moment ago. */
export interface EnvelopeOp {
  readonly kind: 'envelope'
  readonly x: number
  readonly y: number
  readonly from: Point
  readonly to: Point
  readonly label: string
  readonly state: 'travels' | 'accepted' | 'refused'
  readonly node: string
  readonly proxy: number
  readonly record: number
}

/** Everything that moves. */
export type MovingOp = MarkOp | ConvoyOp | QueueOp | EnvelopeOp

export interface GroupOp {
  readonly kind: 'group'
  readonly title: string
  readonly box: Box
}

/** The connections between two nodes. */
export interface PipeOp {
  readonly kind: 'pipe'
  readonly edge: string
  readonly path: Path
  /** The way inside of the sender's pod. */
  readonly lane: readonly Point[]
  readonly phase: 'none' | 'connecting' | 'handshaking' | 'open' | 'draining'
  readonly security: 'plain' | 'tls' | 'mutual'
  readonly connections: number
  readonly look: 'plain' | 'lit' | 'dim'
  /** The selected request has come this way. */
  readonly isWalked: boolean
}

/** What is known of a node at an instant. */
export interface NodeState {
  readonly phase: 'unborn' | 'waiting' | 'ready' | 'unready' | 'terminating' | 'gone'
  readonly ready: number
  readonly isFaulty: boolean
  /** Proxies that have ejected a host in it. */
  readonly ejectedBy: number
  /** Newest configuration that all of its proxies run. */
  readonly version: number
  readonly isStale: boolean
  readonly isRefusing: boolean
  /** istiod's queue; 0 elsewhere. */
  readonly queue: number
}

export interface NodeOp {
  readonly kind: 'node'
  readonly node: GraphNode
  readonly box: Box
  readonly app: Point
  readonly envoy: Point
  readonly hook: Point
  readonly state: NodeState
  readonly look: 'plain' | 'selected' | 'dim'
}

/** Everything that stays where it is. */
export type StandingOp = GroupOp | PipeOp | NodeOp
