// What readers of an output have seen is in its file, and what they missed comes from there.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type LogSink, OutputLog } from './output_log.ts'

let folder: string
let path: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'haggle-output-'))
  path = join(folder, 'stdout')
})
afterEach(() => rmSync(folder, { recursive: true }))

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const all = { offset: 0, follow: true, credit: 1_000 }

/** A reader that notes what it was sent. */
function noting(onSend: () => boolean = () => true): LogSink & { text: string; over: boolean } {
  return {
    text: '',
    over: false,
    send(chunk) {
      this.text += new TextDecoder().decode(chunk)
      return onSend()
    },
    end() {
      this.over = true
    },
  }
}

it('append() sends a reader nothing that the file does not have: a kill in between takes nothing back', () => {
  const log = new OutputLog(path, { ended: false })
  const kept: string[] = []
  log.subscribe(
    noting(() => kept.push(readFileSync(path, 'utf8')) > 0),
    all,
  )
  log.append(bytes('one\n'))
  log.append(bytes('two\n'))
  expect(kept).toEqual(['one\n', 'one\ntwo\n'])
  log.end()
})

it('subscribe() gives what was before from the file, and the rest as it comes', () => {
  const log = new OutputLog(path, { ended: false })
  log.append(bytes('before '))
  const reader = noting()
  log.subscribe(reader, { ...all, offset: 3 })
  log.append(bytes('after'))
  expect([reader.text, reader.over]).toEqual(['ore after', false])
  log.end()
  expect(reader.over).toBe(true)
})

it('resume() goes on where a reader wanted no more', () => {
  const log = new OutputLog(path, { ended: false })
  const reader = noting(() => false)
  const seat = log.subscribe(reader, all)
  for (const part of ['a', 'b', 'c']) log.append(bytes(part))
  expect(reader.text).toBe('a')
  log.resume(seat, 0)
  expect(reader.text).toBe('abc')
  log.end()
})

it('a log that is opened again begins at the length of its file', () => {
  new OutputLog(path, { ended: false }).append(bytes('kept'))
  expect(new OutputLog(path, { ended: true }).length).toBe(4)
})
