import { useVirtualizer } from '@tanstack/react-virtual'
import { type ReactNode, useRef } from 'react'
import css from './table.module.css'

export interface Column<Row> {
  readonly title: string
  readonly cell: (row: Row) => ReactNode
  readonly numeric?: boolean
}

interface TableProps<Row> {
  readonly label: string
  readonly columns: readonly Column<Row>[]
  readonly rows: readonly Row[]
  readonly keyOf: (row: Row) => string | number
  readonly isSelected?: (row: Row) => boolean
  readonly empty: ReactNode
}

const ROW_PX = 32
/** Below this, real rows serve find-in-page and screen readers better than a window on them. */
const VIRTUAL_FROM = 200

/** A table that stays fast with a hundred thousand rows and stays a table for everybody. */
export function Table<Row>({ label, columns, rows, keyOf, isSelected, empty }: TableProps<Row>) {
  const scroller = useRef<HTMLDivElement>(null)
  const isLong = rows.length > VIRTUAL_FROM
  const window = useVirtualizer({
    count: isLong ? rows.length : 0,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: 12,
  })
  const items = window.getVirtualItems()
  const first = isLong ? (items[0]?.index ?? 0) : 0
  const last = isLong ? (items.at(-1)?.index ?? -1) : rows.length - 1
  const shown = rows.slice(first, last + 1)
  if (rows.length === 0) return <div className={css.scroller}>{empty}</div>
  return (
    <div className={css.scroller} ref={scroller}>
      <table className={css.table} aria-label={label} aria-rowcount={rows.length + 1}>
        <thead>
          <tr>
            {columns.map(column => (
              <th key={column.title} scope="col" className={column.numeric ? css.number : undefined}>
                {column.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {first > 0 && <tr aria-hidden="true" style={{ height: first * ROW_PX }} />}
          {shown.map((row, index) => (
            <tr key={keyOf(row)} aria-rowindex={first + index + 2} aria-selected={isSelected?.(row)}>
              {columns.map(column => (
                <td key={column.title} className={column.numeric ? css.number : undefined}>
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
          {last < rows.length - 1 && (
            <tr aria-hidden="true" style={{ height: (rows.length - 1 - last) * ROW_PX }} />
          )}
        </tbody>
      </table>
    </div>
  )
}
