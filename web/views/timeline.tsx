import { Lanes } from './lanes.tsx'
import css from './timeline.module.css'
import { OverviewStrip } from './timeline-overview.tsx'
import { Scrubber } from './timeline-scrubber.tsx'
import { Transport } from './timeline-transport.tsx'

/** Everything about when: the transport, the run at a glance, the lanes of what is looked at, and the scrubber below them. */
export function Timeline() {
  return (
    <div className={css.timeline}>
      <Transport />
      <OverviewStrip />
      <Lanes />
      <Scrubber />
    </div>
  )
}
