#!/usr/bin/env node
// Stands in for the native `solc` that forge asks for: the same command line over the compiler from npm. With HAGGLE_SOLC_SOCKET set, a compiler that is
// already warm does the work (solc_server.ts), which is what makes hundreds of mutants bearable.

import { createRequire } from 'node:module'
import { connect } from 'node:net'

const { version } = createRequire(import.meta.url)('solc/package.json')

const standardInput = async () => {
  const chunks = []
  for await (const chunk of process.stdin) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** One question and its answer, each ended by closing that side. */
const askServer = (path, question) =>
  new Promise((resolve, reject) => {
    const chunks = []
    const socket = connect({ path, allowHalfOpen: true })
    socket.on('error', reject)
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.on('end', () => resolve(Buffer.concat(chunks).toString()))
    socket.end(question)
  })

const answer = async () => {
  if (process.argv.includes('--version')) {
    // The commit in a native compiler's answer is not in the package's version; forge reads the number only.
    return `solc, the solidity compiler commandline interface\nVersion: ${version}+commit.00000000.Emscripten.clang\n`
  }
  const input = await standardInput()
  const socket = process.env.HAGGLE_SOLC_SOCKET
  if (socket) return askServer(socket, input)
  const { default: solc } = await import('solc')
  return solc.compile(input.toString())
}

process.stdout.write(await answer())
