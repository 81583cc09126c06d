// Makes a fresh clone ready to run: npm packages, the Node and Deno that they bring, the Debian packages of PACKAGES, bundles of the apps. Runs on the machine's own
// Node (20 or later), before anything is installed, so it is plain JavaScript with no dependency. It does nothing when nothing changed.

import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundled } from '../bundle/fresh.mjs'

const NODE_MAJOR = 24
const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
const modules = join(root, 'node_modules')
const marker = join(modules, '.haggle-setup')

const say = (line) => process.stderr.write(`setup: ${line}\n`)

/** Runs a command with its output on stderr, so that stdout stays the caller's; true when it exits 0. */
const run = (command, args, options = {}) => spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2], ...options }).status === 0

/** First line that `command args` prints, or '' when it can't run. */
const firstLine = (command, args) => {
  const { status, stdout } = spawnSync(command, args, { encoding: 'utf8' })
  return status === 0 ? (stdout.split('\n')[0] ?? '') : ''
}

/** Everything whose change asks for a new `npm install`: the lock, every package.json, every command that a package of ours links. */
const wanted = () => {
  const hash = createHash('sha256')
  const files = ['package.json', 'package-lock.json', 'tools/setup/main.mjs']
  for (const folder of ['.', 'libs', 'apps']) {
    if (!existsSync(join(root, folder))) continue
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      if (!entry.isDirectory() || entry.name === 'node_modules' || entry.name.startsWith('.')) continue
      const manifest = join(folder, entry.name, 'package.json')
      if (!existsSync(join(root, manifest))) continue
      files.push(manifest)
      const { bin } = JSON.parse(readFileSync(join(root, manifest), 'utf8'))
      for (const target of Object.values(typeof bin === 'object' && bin !== null ? bin : {})) {
        hash.update(`${target} ${existsSync(join(root, folder, entry.name, target))}\n`)
      }
    }
  }
  for (const file of files.sort()) {
    hash.update(`${file}\n`)
    if (existsSync(join(root, file))) hash.update(readFileSync(join(root, file)))
  }
  return hash.digest('hex')
}

const nodeWorks = () => Number(/^v(\d+)\./.exec(firstLine(join(modules, '.bin', 'node'), ['--version']))?.[1] ?? 0) >= NODE_MAJOR
const denoWorks = () => /^deno \d/.test(firstLine(join(modules, '.bin', 'deno'), ['--version']))

/** npm may have been told not to run install scripts; Node and Deno come through theirs, so run just those two by hand. */
const finishRuntimes = () => {
  if (!nodeWorks()) {
    say(`fetching Node ${NODE_MAJOR} (npm did not run its install script)`)
    run(process.execPath, ['installArchSpecificPackage.js'], { cwd: join(modules, 'node') })
    // npm links a package's command only when it is there at install.
    const link = join(modules, '.bin', 'node')
    if (process.platform !== 'win32' && !existsSync(link)) symlinkSync(join('..', 'node', 'bin', 'node'), link)
  }
  if (!denoWorks()) {
    say('unpacking Deno (npm did not run its install script)')
    run(process.execPath, ['install.cjs'], { cwd: join(modules, 'deno') })
  }
  const missing = [...(nodeWorks() ? [] : [`Node ${NODE_MAJOR}`]), ...(denoWorks() ? [] : ['Deno'])]
  if (missing.length === 0) return true
  say(`${missing.join(' and ')} did not install. Run "npm install --foreground-scripts" in ${root} and look at its messages.`)
  return false
}

const onPath = (name) =>
  (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK)
      return true
    } catch {
      return false // not in this folder, or not ours to run
    }
  })

/** Debian packages that make more of the project work; without them the rest still does, so their absence never ends the set-up. */
const PACKAGES = [
  { name: 'bubblewrap', here: () => onPath('bwrap'), without: '"exec" jobs are off and "deno" jobs have Deno\'s permissions only' },
  // Only for tests: a GPU in software, so that WebGPU code runs on a machine with none.
  {
    name: 'mesa-vulkan-drivers',
    tests: true,
    here: () => existsSync('/usr/share/vulkan/icd.d') && readdirSync('/usr/share/vulkan/icd.d').length > 0,
    without: 'tests of WebGPU are skipped',
  },
]

const debianPackages = (changed) => {
  if (process.platform !== 'linux') return
  const missing = PACKAGES.filter((one) => (!one.tests || process.argv.includes('--tests')) && !one.here())
  if (missing.length === 0) return
  const names = missing.map(({ name }) => name)
  if (process.getuid?.() === 0 && onPath('apt-get')) {
    say(`installing Debian packages: ${names.join(', ')}`)
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    const install = () => run('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...names], { env })
    if (install() || (run('apt-get', ['update', '-q'], { env }) && install())) return
    say(`they did not install: ${names.join(', ')}`)
  } else if (!changed) {
    return // said once, at the first set-up
  }
  for (const { name, without } of missing) say(`no ${name}: ${without}. To add it:  sudo apt-get install ${name}`)
}

/** Bundles of the apps, so that their processes start in a third of the time; without them they run from their sources. */
const bundles = () => {
  if (['haggle', 'relay'].every((app) => bundled(app) !== undefined)) return
  say('bundling the apps')
  const node = join(modules, '.bin', process.platform === 'win32' ? 'node.exe' : 'node')
  if (!run(node, ['--disable-warning=ExperimentalWarning', 'tools/bundle/main.ts']))
    say('the bundles failed: the apps run from their sources')
}

/** npm leaves a half-written tree when it is killed: one set-up at a time, and the marker last. */
const main = () => {
  if (Number(process.versions.node.split('.')[0]) < 20) {
    say(`needs Node 20 or later to begin, this is ${process.version}; Node ${NODE_MAJOR} itself then comes from npm`)
    return 1
  }
  const before = existsSync(marker) ? readFileSync(marker, 'utf8') : ''
  const changed = before !== wanted()
  if (changed) {
    say('npm install')
    rmSync(marker, { force: true })
    // Not `npm ci`: it refuses a lock whose packages for other platforms a registry does not carry.
    const npm = process.env.npm_execpath
    const [command, first] = npm && existsSync(npm) ? [process.execPath, [realpathSync(npm)]] : ['npm', []]
    if (!run(command, [...first, 'install', '--no-audit', '--no-fund', '--loglevel=error'], { env: cleanEnv() })) {
      say('npm install failed: its messages stand above')
      return 1
    }
  }
  if (changed && !finishRuntimes()) return 1
  debianPackages(changed)
  bundles()
  if (changed) {
    mkdirSync(modules, { recursive: true })
    writeFileSync(marker, wanted())
    say(
      `ready: Node ${firstLine(join(modules, '.bin', 'node'), ['--version'])}, ${firstLine(join(modules, '.bin', 'deno'), ['--version'])}`,
    )
  }
  return 0
}

/** npm hands its own settings to scripts as npm_config_* variables; the inner npm reads its own files instead. */
const cleanEnv = () => {
  const env = { ...process.env }
  for (const key of Object.keys(env)) if (/^npm_(lifecycle|package|command)/.test(key)) delete env[key]
  return env
}

process.exitCode = main()
