import { Component, type ReactNode } from 'react'
import { useStore } from '../state/store.ts'
import { Button } from '../ui/button.tsx'
import css from './frame.module.css'

interface PaneProps {
  /** What it shows, as a person would call it. */
  readonly name: string
  readonly children: ReactNode
}

/** A part of the frame that can fail on its own: the rest goes on working. Hidden state: the error that stopped it. */
export class Pane extends Component<PaneProps, { readonly error: string | undefined }> {
  override state: { readonly error: string | undefined } = { error: undefined }

  static getDerivedStateFromError(error: unknown): { readonly error: string } {
    return { error: error instanceof Error ? error.message : String(error) }
  }

  override render(): ReactNode {
    const { error } = this.state
    if (error === undefined) return this.props.children
    const { doc, run } = useStore.getState()
    const report = `${doc.scenario}, seed ${doc.seed ?? ''}, state ${run.digest.slice(0, 8)}: ${error}`
    return (
      <div className={css.broken} role="alert">
        <p>
          The {this.props.name} stopped: {error}
        </p>
        <Button onClick={() => this.setState({ error: undefined })}>Try again</Button>{' '}
        <Button onClick={() => void navigator.clipboard.writeText(report)}>Copy report</Button>
      </div>
    )
  }
}
