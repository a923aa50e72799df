import { handshakeWith } from '../envoy/admission.ts'
import { cutOff as cutOffStream } from '../envoy/attempt.ts'
import { legs as envoy, timers as envoyTimers } from '../envoy/legs.ts'
import { legs as network } from '../network/legs.ts'
import { timers as appTimers, legs as workload } from '../workload/legs.ts'
import { timers as clientTimers } from '../workload/load-generator.ts'
import type { Legs, Timers } from '../world/journey.ts'

/** Everything that can happen to an exchange, from all rooms: the whole story. */
export const legs: Legs = { ...network, ...envoy, ...workload }

/** What happens when time is up. */
export const timers: Timers = { ...envoyTimers, ...appTimers, ...clientTimers }

/** How two parties agree on TLS. */
export const handshake = handshakeWith

/** What a proxy does about a stream whose client is gone. */
export const cutOff = cutOffStream
