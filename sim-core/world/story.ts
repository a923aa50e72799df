import type { Id } from '../kernel/id.ts'

/** Every place an exchange can be. One exchange is one stream between two parties; a proxy that forwards opens a child. */
export const STORY = [
  // open
  'client.call',
  'dns.ask',
  // travel
  'capture.outbound',
  'wire.connect',
  'wire.handshake',
  'wire.send',
  'capture.inbound',
  // proxy
  'envoy.accept',
  'envoy.route',
  'envoy.decode',
  'envoy.asked',
  'envoy.pick',
  'envoy.acquire',
  'envoy.attempt',
  'envoy.answered',
  'envoy.encode',
  // serve
  'app.queue',
  'app.serve',
  'app.answer',
  // return
  'wire.reply',
  'client.done',
] as const

/** A place where an exchange can be. */
export type LegName = (typeof STORY)[number]

/** The place of a leg in the story. */
export type LegNumber = Id<'leg'>

/** The place of each leg; rows hold this number. Written as `LEG['envoy.pick']` it costs nothing where it is used. */
export const LEG = Object.freeze(Object.fromEntries(STORY.map((name, index) => [name, index]))) as {
  readonly [N in LegName]: LegNumber
}
