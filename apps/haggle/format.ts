// Numbers and names as people read them: short, with their unit.

import type { Path } from '@haggle/mesh'

/** `12D3…a91`: the first four and last three letters of a PeerId. */
export function shortPeer(peerId: string): string {
  return peerId.length <= 12 ? peerId : `${peerId.slice(0, 4)}…${peerId.slice(-3)}`
}

/** The first digits of a contract id: enough to type it again. */
export function shortContract(contract: string): string {
  return contract.slice(0, 12)
}

/** Milliseconds as the two largest units: `38 ms`, `2.4 s`, `3 m 10 s`, `3 h 12 m`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`
  const s = Math.round(ms / 1000)
  const two = (large: number, one: string, small: number, other: string): string =>
    small === 0 ? `${large} ${one}` : `${large} ${one} ${small} ${other}`
  if (s < 3600) return two(Math.floor(s / 60), 'm', s % 60, 's')
  const m = Math.floor(s / 60)
  return m < 24 * 60 ? two(Math.floor(m / 60), 'h', m % 60, 'm') : two(Math.floor(m / 1440), 'd', Math.floor(m / 60) % 24, 'h')
}

/** Bytes in the largest binary unit with one decimal: `1.5 GiB`. */
export function bytes(count: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let value = count
  let at = 0
  while (value >= 1024 && at < units.length - 1) {
    value /= 1024
    at++
  }
  return `${at === 0 ? value : value.toFixed(1)} ${units[at]}`
}

/** An amount without the zeros at its end: `0.004`, `12`. */
export function amount(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text
}

/** How a peer is reached: `direct`, `webrtc`, `via relay 12D3…Qm7, 23 ms`. */
export function pathText(path: Path | null, rttMs: number | null = null): string {
  if (path === null) return '-'
  const name = path.kind === 'relay' ? `via relay ${shortPeer(path.relay)}` : path.kind
  return rttMs === null ? name : `${name}, ${rttMs < 10 ? rttMs.toFixed(1) : Math.round(rttMs)} ms`
}

/** `1 job`, `3 jobs`. */
export function counted(count: number, one: string, many: string = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}
