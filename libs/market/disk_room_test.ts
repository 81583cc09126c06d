import { virtualClock } from '@haggle/wire/testing'
import { expect, test } from 'vitest'
import { DiskRoom, OWN_RECORDS_MIB } from './disk_room.ts'

/** A disk whose free space is set, and the room that jobs were told of. */
class Disk {
  readonly told: number[] = []
  readonly clock = virtualClock()
  readonly room: DiskRoom
  free: number

  constructor(free: number) {
    this.free = free
    this.room = new DiskRoom({
      freeMiB: async () => this.free,
      clock: this.clock,
      onLook: (changed) => changed && this.told.push(this.room.mib),
    })
  }
}

test('DiskRoom leaves the node what its own records need, and tells of nothing smaller than a step', async () => {
  const at = new Disk(OWN_RECORDS_MIB + 1_000)
  await at.room.start()
  expect(at.room.mib).toBe(992)
  at.free -= 5
  await at.room.look()
  expect(at.told).toEqual([992])
  at.free = OWN_RECORDS_MIB - 1
  await at.room.look()
  expect(at.told).toEqual([992, 0])
  at.room.stop()
})

test('DiskRoom looks again by itself until it is stopped', async () => {
  const at = new Disk(OWN_RECORDS_MIB + 100)
  await at.room.start()
  at.free = OWN_RECORDS_MIB + 10
  await at.clock.settle(10_000)
  expect(at.told).toEqual([100, 10])
  at.room.stop()
  at.free = 0
  await at.clock.settle(60_000)
  expect(at.told).toEqual([100, 10])
})

test('DiskRoom keeps the room that it knew while the disk can not be asked, and knows no limit where nobody can say', async () => {
  const clock = virtualClock()
  let asked = 0
  const freeMiB = async (): Promise<number> => {
    if (asked++ > 0) throw new Error('gone')
    return OWN_RECORDS_MIB + 8
  }
  const room = new DiskRoom({ clock, freeMiB, onLook: () => undefined })
  await room.start()
  await room.look()
  expect([room.mib, asked]).toEqual([8, 2])
  room.stop()
  const unknown = new DiskRoom({ clock, onLook: () => expect.unreachable() })
  await unknown.start()
  expect(unknown.mib).toBe(Infinity)
})
