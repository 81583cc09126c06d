// The job of the download row: writes as many MiB as its argument says.

declare const Deno: {
  readonly args: readonly string[]
  mkdir(path: string, options: { recursive: boolean }): Promise<void>
  writeFile(path: string, bytes: Uint8Array, options: { append: boolean }): Promise<void>
}

await Deno.mkdir('out', { recursive: true })
const block = crypto.getRandomValues(new Uint8Array(65_536))
const mib = new Uint8Array(1024 * 1024)
for (let at = 0; at < mib.length; at += block.length) mib.set(block, at)
for (let i = 0; i < Number(Deno.args[0]); i++) {
  mib[0] = i
  await Deno.writeFile('out/data.bin', mib, { append: true })
}
export {}
