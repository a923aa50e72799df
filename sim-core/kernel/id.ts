declare const brand: unique symbol

/** A row number in one of the World's tables; the name keeps a pod from being used as a proxy. */
export type Id<Name extends string> = number & { readonly [brand]: Name }

/** The row of a pod. */
export type PodId = Id<'pod'>
/** The row of a node. */
export type NodeId = Id<'node'>
/** The row of a proxy. */
export type ProxyId = Id<'proxy'>
/** The row of an exchange; rows are reused, `serial` is not. */
export type ExchangeId = Id<'exchange'>
/** The row of a connection. */
export type ConnectionId = Id<'connection'>
/** The row of a worker of a proxy. */
export type WorkerId = Id<'worker'>
/** The number under which the kernel knows a handler. */
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
