declare const brand: unique symbol

/** A row number in one of the World's tables; the name keeps a pod from being used as a proxy. */
export type Id<Name extends string> = number & { readonly [brand]: Name }

export type PodId = Id<'pod'>
export type NodeId = Id<'node'>
export type ProxyId = Id<'proxy'>
export type ExchangeId = Id<'exchange'>
export type ConnectionId = Id<'connection'>
export type WorkerId = Id<'worker'>
export type EventKind = Id<'event-kind'>
/** A pending event: its slot, and enough of its sequence number to notice that it has fired or was cancelled. */
export type Handle = Id<'handle'>

/** No row: the value of an id field that points nowhere. */
export const NONE = -1

/** Calls row `n` by its table's name. */
export function id<Name extends string>(n: number): Id<Name> {
  return n as Id<Name>
}

/** The id that points nowhere, for any table. */
export function none<Name extends string>(): Id<Name> {
  return NONE as Id<Name>
}
